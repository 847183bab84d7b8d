import { expect, it } from "vitest";
import { plainText } from "./plain";

it("takes away what formats a text", () => {
  for (const [text, plain] of [
    ["**important** see `code`, ~~old~~ *and* _new_", "important see code, old and new"],
    ["***both*** **a *b* c**", "both a b c"],
    ["这是**粗体**，这是*斜体*。", "这是粗体，这是斜体。"],
    ["Here:\n```js\nlet a = *b*;\n```\nand", "Here:\nlet a = *b*;\nand"],
    ["> quoted\n>> twice\nnot", "quoted\ntwice\nnot"],
    ["`a *b* c` `` a`b ``", "a *b* c  a`b "],
  ]) {
    expect(plainText(text as string)).toBe(plain);
  }
});

it("leaves what formats nothing", () => {
  for (const text of [
    "2*3*4 snake_case_name 5 * 3 * 2 __init__",
    "**open, a`b, ~ a ~, :) *_*",
    "https://a.example/_x_/**y** @_b_",
    "a > b, 3>2",
    "- one\n- two",
    "```\nunclosed",
  ]) {
    expect(plainText(text)).toBe(text);
  }
});

it("takes time that grows with the length only", () => {
  // With the square of it, each of these would take minutes.
  for (const some of ["*a ", "**a ", "`a``", "```\n", "_*~~", "> "]) plainText(some.repeat(50_000));
});
