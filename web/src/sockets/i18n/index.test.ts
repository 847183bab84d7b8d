import { expect, it } from "vitest";
import { texts as en } from "./en";
import { texts as zh } from "./zh";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

it("has the same keys and placeholders in both languages", () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
  for (const [key, text] of Object.entries(en)) {
    expect(names(zh[key as keyof typeof en]), key).toEqual(names(text));
  }
});
