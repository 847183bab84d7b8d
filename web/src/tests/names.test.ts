import { expect, it } from "vitest";
import { httpUrl, pieces } from "../model/links";
import { hue, initials } from "../model/names";

it("makes initials of names in any script", () => {
  expect(initials("alice")).toBe("A");
  expect(initials("Carol Danvers")).toBe("CD");
  expect(initials("李雷")).toBe("李");
  expect(initials("室友 群")).toBe("室");
  expect(initials("a_very_long_name_32c")).toBe("A");
  expect(initials("Дмитрий Иванов")).toBe("ДИ");
  expect(initials("👩‍🚀 crew")).toBe("👩");
  expect(initials("  ")).toBe("?");
});

it("gives a name always the same hue", () => {
  expect(hue("alice")).toBe(hue("alice"));
  expect(hue("alice")).not.toBe(hue("bob"));
  for (const name of ["", "a", "李雷", "x".repeat(100)]) {
    expect(hue(name)).toBeGreaterThanOrEqual(0);
    expect(hue(name)).toBeLessThanOrEqual(360);
  }
});

it("finds addresses and leaves the marks behind them", () => {
  const found = pieces("看 https://example.org/a?b=c，或 (http://example.com/x).");
  expect(found.map((piece) => piece.text).join("")).toBe(
    "看 https://example.org/a?b=c，或 (http://example.com/x).",
  );
  expect(found.flatMap((piece) => piece.href ?? [])).toEqual([
    "https://example.org/a?b=c",
    "http://example.com/x",
  ]);
});

it("opens http and https, nothing else", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "//example.org",
    "ftp://example.org",
    "",
    null,
  ]) {
    expect(httpUrl(text)).toBeNull();
  }
  expect(httpUrl("HTTPS://Example.org")).toBe("https://example.org/");
  expect(pieces("javascript:alert(1)").every((piece) => piece.href === null)).toBe(true);
});
