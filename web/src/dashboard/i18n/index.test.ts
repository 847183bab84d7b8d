import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { closeCodeText } from "../ui/tables";
import { loadTexts } from ".";
import { texts as en } from "./en";
import { texts as zh } from "./zh";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("texts", () => {
  it("have the same keys and placeholders in both languages", () => {
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

  it("of the documentation have texts in both languages", async () => {
    expect(codes.length).toBeGreaterThan(6);
    for (const lang of ["en", "zh"] as const) {
      await loadTexts(lang);
      const other = closeCodeText(4999);
      for (const code of [...codes, 1006]) expect(closeCodeText(code), String(code)).not.toBe(other);
      expect(closeCodeText(0)).toBe(closeCodeText(1006));
    }
  });
});
