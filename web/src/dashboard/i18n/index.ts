// The board's own words, so that the chat does not download them. Only the chosen language comes.

import { signal } from "@preact/signals";
import { type Lang, lang } from "../../settings/preferences";
import { storage } from "../../settings/storage";
import type { words as english } from "./en";

export type Key = keyof typeof english;

const words = signal<Record<Key, string> | null>(null);

export async function loadWords(chosen: Lang): Promise<void> {
  const loaded = chosen === "zh" ? await import("./zh") : await import("./en");
  words.value = loaded.words;
  lang.value = chosen;
}

export async function setLang(chosen: Lang): Promise<void> {
  await loadWords(chosen);
  storage.set("chinwag.lang", chosen);
}

/** The words for a key; `{name}` is replaced by the value of that name. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = words.value?.[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
