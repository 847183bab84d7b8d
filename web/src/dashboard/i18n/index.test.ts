import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { codeText } from "../ui/tables";
import { loadWords } from ".";
import { words as en } from "./en";
import { words as zh } from "./zh";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("words", () => {
  it("are all there in both languages, with the same places for values", () => {
    expect(Object.keys(zh)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(en)) {
      expect(names(zh[key as keyof typeof en]), key).toEqual(names(text));
      expect(text.trim(), key).not.toBe("");
      expect(zh[key as keyof typeof en].trim(), key).not.toBe("");
    }
  });
});

describe("close codes", () => {
  const documented = readFileSync("../docs/protocols/README.md", "utf8").matchAll(/^\| (\d{4}) \|/gm);
  const codes = [...documented].map(([, code]) => Number(code));

  it("that the protocols document have words of their own in both languages", async () => {
    expect(codes.length).toBeGreaterThan(6);
    for (const words of ["en", "zh"] as const) {
      await loadWords(words);
      const other = codeText(4999);
      for (const code of [...codes, 1006]) expect(codeText(code), String(code)).not.toBe(other);
      expect(codeText(0)).toBe(codeText(1006));
    }
  });
});
