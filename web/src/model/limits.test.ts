import { expect, it } from "vitest";
import { countChars, cutToFit } from "./limits";

it.each([
  ["", 3, ""],
  ["abc", 3, "abc"],
  ["abcd", 3, "abc"],
  ["😀😀😀", 3, "😀😀😀"],
  ["😀😀😀😀", 3, "😀😀😀"],
  ["a😀b😀c", 3, "a😀b"],
  ["abc", 0, ""],
])("cuts %j to %i characters", (text, max, kept) => {
  expect(cutToFit(text, max)).toBe(kept);
  expect(countChars(cutToFit(text, max))).toBeLessThanOrEqual(max);
});

it("reads no more of a text than can fit", () => {
  expect(cutToFit("x".repeat(5_000_000))).toHaveLength(5000);
  expect(countChars(cutToFit("字😀".repeat(1_000_000)))).toBe(5000);
});
