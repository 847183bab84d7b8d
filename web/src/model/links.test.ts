import { expect, it } from "vitest";
import { splitLinks } from "./links";

/** The texts of the links in a text. */
function links(text: string): string[] {
  const pieces = splitLinks(text);
  expect(pieces.map((piece) => piece.text).join("")).toBe(text);
  return pieces.filter(({ href }) => href).map((piece) => piece.text);
}

const hrefs = (text: string) => splitLinks(text).flatMap(({ href }) => href ?? []);

it.each([
  [
    "看 https://example.org/a?b=c，或 (http://example.com/x).",
    "https://example.org/a?b=c",
    "http://example.com/x",
  ],
  ["https://example.org/a看这个", "https://example.org/a"],
  ["地址https://example.org在这里", "https://example.org"],
  ["https://example.org/aを見て", "https://example.org/a"],
  ["https://example.org/a에서", "https://example.org/a"],
  ["https://example.org/aครับ", "https://example.org/a"],
  ["「https://example.org/a」", "https://example.org/a"],
  ["“https://example.org/a”", "https://example.org/a"],
  ["<https://example.org/a>", "https://example.org/a"],
  ["'https://example.org/a'.", "https://example.org/a"],
  ["**https://example.org/a**", "https://example.org/a"],
  ["https://example.org/a\u202egnp.exe", "https://example.org/a"],
  ["https://en.example/wiki/Rubik's_Cube?", "https://en.example/wiki/Rubik's_Cube"],
  ["https://de.example/wiki/Käse.", "https://de.example/wiki/Käse"],
  ["https://ru.example/wiki/Сыр", "https://ru.example/wiki/Сыр"],
  ["https://example.org/#/a?b=1&c=~d;e!f", "https://example.org/#/a?b=1&c=~d;e!f"],
  ["http://[::1]:8000/x", "http://[::1]:8000/x"],
])("ends an address where the sentence goes on: %s", (text, ...wanted) => {
  expect(links(text)).toEqual(wanted);
});

it.each([
  [
    "https://en.example/wiki/Rust_(programming_language)",
    "https://en.example/wiki/Rust_(programming_language)",
  ],
  ["(https://en.example/wiki/Rust_(language))", "https://en.example/wiki/Rust_(language)"],
  ["(see https://en.example/wiki/Rust_(language)).", "https://en.example/wiki/Rust_(language)"],
  ["[a](https://example.org/b)", "https://example.org/b"],
  ["[https://example.org/b[0]]", "https://example.org/b[0]"],
])("keeps brackets that the address opened: %s", (text, wanted) => {
  expect(links(text)).toEqual([wanted]);
});

it.each([
  ["www.example.org", "https://www.example.org/"],
  ["看www.example.org/a?b=c。", "https://www.example.org/a?b=c"],
  ["(WWW.Example.org)", "https://www.example.org/"],
  ["www.example.org:8000/x", "https://www.example.org:8000/x"],
  ["a@example.org", "mailto:a@example.org"],
  ["写信到first.last+tag@mail.example.org。", "mailto:first.last+tag@mail.example.org"],
  ["Mail a@example.org, or b@example.org.", "mailto:a@example.org", "mailto:b@example.org"],
])("finds addresses without a scheme: %s", (text, ...wanted) => {
  expect(hrefs(text)).toEqual(wanted);
});

it.each([
  "www.",
  "www.example",
  "awww.example.org",
  "@name",
  "a@b",
  "a@@example.org",
  "ftp://a@example.org",
  "ftp://www.example.org",
  "javascript:alert(1)",
  "javascript://www.example.org",
  "data:text/html,a@b",
  "https://",
  "http://看",
  "3.14 and 1.2.3.4",
])("finds none in: %s", (text) => {
  expect(links(text)).toEqual([]);
});

it.each([
  ["https://a@evil.example/x", "evil.example"],
  ["https://bank.example:pass@evil.example", "evil.example"],
  ["https://bank.example:443@evil.example/", "evil.example"],
  ["https://bank.example@evil.example:8000", "evil.example:8000"],
  ["https://аррӏе.example", "xn--80ak6aa92e.example"],
  ["https://3232235777/x", "192.168.1.1"],
  ["https://0x7f.1", "127.0.0.1"],
  ["https://example.org/a@b", undefined],
  ["https://example.org?a@b", undefined],
  ["https://Example.org:8000/", undefined],
  ["http://[::1]/", undefined],
  ["www.example.org", undefined],
])("names the host of an address that does not begin with it: %s", (text, host) => {
  expect(splitLinks(text).map((piece) => piece.host)).toEqual([host]);
});

it("takes no longer for texts that are nearly addresses", () => {
  const pieces = (text: string) => splitLinks(text).length;
  for (const part of ["a", "a.", "a@", "www.", "www.a.", "a-", "(((", ")))", "https://"]) {
    expect(pieces(part.repeat(Math.floor(5000 / part.length)))).toBeLessThan(5000);
  }
});
