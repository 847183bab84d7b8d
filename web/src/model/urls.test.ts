import { expect, it } from "vitest";
import { httpUrl, splitUrls } from "./urls";

it("finds addresses without the punctuation after them", () => {
  const found = splitUrls("看 https://example.org/a?b=c，或 (http://example.com/x).");
  expect(found.map((piece) => piece.text).join("")).toBe(
    "看 https://example.org/a?b=c，或 (http://example.com/x).",
  );
  expect(found.flatMap((piece) => piece.href ?? [])).toEqual([
    "https://example.org/a?b=c",
    "http://example.com/x",
  ]);
});

it("accepts http and https only", () => {
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
  expect(httpUrl("javascript:alert(1)", "https://here.example")).toBeNull();
  expect(httpUrl("", "https://here.example")).toBeNull();
  expect(httpUrl("/uploads/images/a.png", "https://here.example")).toBe(
    "https://here.example/uploads/images/a.png",
  );
  expect(httpUrl("HTTPS://Example.org")).toBe("https://example.org/");
  expect(splitUrls("javascript:alert(1)").every((piece) => piece.href === null)).toBe(true);
});
