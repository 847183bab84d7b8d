import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadTexts, t } from ".";
import { texts as en } from "./en";
import { texts as zh } from "./zh";

const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))].sort();

describe("texts", () => {
  it("have the same keys and placeholders in both languages", () => {
    expect(Object.keys(zh)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(en)) {
      expect(names(zh[key as keyof typeof en]), key).toEqual(names(text));
      expect(text.trim(), key).not.toBe("");
      expect(zh[key as keyof typeof en].trim(), key).not.toBe("");
    }
  });

  it("tell one from several", async () => {
    await loadTexts("en");
    const texts = [1, 0, 2].map((n) => t("rooms.members", { n }));
    expect(texts).toEqual(["1 member", "0 members", "2 members"]);
  });

  it("word every act that the server records", () => {
    const acts = readFileSync("../src/service/audit.rs", "utf8").matchAll(/Self::\w+ => "([\w.]+)"/g);
    const words = [...acts].map(([, word]) => word);
    expect(words.length).toBeGreaterThan(15);
    expect(words.filter((word) => !(`act.${word}` in en))).toEqual([]);
  });
});
