// The texts of the administration, separate from those of the chat. It also needs those of dialogs and errors.

import { loadTexts as loadChatTexts, setLang as setChatLang } from "../../i18n";
import { createTranslator } from "../../i18n/translator";
import type { Lang } from "../../settings/preferences";
import type { texts as english } from "./en";

export type Key = keyof typeof english;

const own = createTranslator<Key>(async (lang) =>
  lang === "zh" ? (await import("./zh")).texts : (await import("./en")).texts,
);

export const { t } = own;

export async function loadTexts(lang: Lang): Promise<void> {
  await Promise.all([loadChatTexts(lang), own.loadTexts(lang)]);
}

export async function setLang(lang: Lang): Promise<void> {
  await Promise.all([setChatLang(lang), own.setLang(lang)]);
}
