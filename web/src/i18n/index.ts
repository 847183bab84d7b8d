// The texts of the chat.

import type { texts as english } from "./en";
import { createTranslator } from "./translator";

export type Key = keyof typeof english;

export const { loadTexts, setLang, t } = createTranslator<Key>(async (lang) =>
  lang === "zh" ? (await import("./zh")).texts : (await import("./en")).texts,
);

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
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const known = ERRORS.find(([pattern]) => pattern.test(text));
  return known ? t(known[1]) : text;
}
