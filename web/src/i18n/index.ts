// The texts of the chat: first those of the list, which is all that a visit needs at once, then the rest.

import type { texts as first } from "./en";
import type { texts as rest } from "./en_rest";
import { createTranslator } from "./translator";

export type Key = keyof typeof first | keyof typeof rest;

const loadFirst = (isChinese: boolean) => (isChinese ? import("./zh") : import("./en"));
const loadRest = (isChinese: boolean) => (isChinese ? import("./zh_rest") : import("./en_rest"));

export const { loadTexts, loadFirstTexts, setLang, t } = createTranslator<Key>(
  async (lang) => {
    const parts = await Promise.all([loadFirst(lang === "zh"), loadRest(lang === "zh")]);
    return { ...parts[0].texts, ...parts[1].texts };
  },
  async (lang) => (await loadFirst(lang === "zh")).texts,
);
