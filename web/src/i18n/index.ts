// The texts of the chat.

import type { texts as english } from "./en";
import { createTranslator } from "./translator";

export type Key = keyof typeof english;

export const { loadTexts, setLang, t } = createTranslator<Key>(async (lang) =>
  lang === "zh" ? (await import("./zh")).texts : (await import("./en")).texts,
);
