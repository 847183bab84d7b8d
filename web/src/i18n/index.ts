// Texts in the user's language. Only the chosen language is downloaded.

import { signal } from "@preact/signals";
import { type Lang, lang } from "../settings/preferences";
import { storage } from "../settings/storage";
import type { words as english } from "./en";

export type Key = keyof typeof english;
type Words = Record<Key, string>;

const words = signal<Words | null>(null);

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

const ERRORS: [RegExp, Key][] = [
  [/^(unreachable|connection lost)$/, "error.network"],
  [/username already exists/i, "error.taken"],
  [/invalid username or password/i, "error.credentials"],
  [/username and password are required/i, "error.required"],
  [/too many requests/i, "error.slow"],
  [/not allowed/i, "error.forbidden"],
  [/room not found/i, "error.room"],
  [/user not found/i, "error.user"],
  [/message not found/i, "error.message"],
  [/content must have .* characters/i, "error.length"],
  [/no file provided/i, "error.image"],
  [/too large/i, "error.large"],
  [/temporarily unavailable/i, "error.unavailable"],
  [/internal server error/i, "error.server"],
];

/** What the server says, in the reader's language where it is known. */
export function errorWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const known = ERRORS.find(([pattern]) => pattern.test(text));
  return known ? t(known[1]) : text;
}
