// The texts of the dashboard, separate from those of the chat, which does not download them.

import { createTranslator } from "../../i18n/translator";
import type { texts as english } from "./en";

export type Key = keyof typeof english;

export const { loadTexts, setLang, t } = createTranslator<Key>(async (lang) =>
  lang === "zh" ? (await import("./zh")).texts : (await import("./en")).texts,
);
