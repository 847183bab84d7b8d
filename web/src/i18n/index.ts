// Words and dates in the reader's language. Only the chosen language is downloaded.

import { computed, signal } from "@preact/signals";
import { type Lang, lang, store } from "../model/settings";
import { dayOf } from "../model/timeline";
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
  store.set("chinwag.lang", chosen);
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

/** The reader's own variety of the language, which decides between 14:30 and 2:30 PM. */
const locale = computed(
  () => navigator.languages.find((it) => it.startsWith(lang.value)) ?? (lang.value === "zh" ? "zh-CN" : "en"),
);
const formats = computed(() => ({
  time: new Intl.DateTimeFormat(locale.value, { hour: "numeric", minute: "2-digit" }),
  weekday: new Intl.DateTimeFormat(locale.value, { weekday: "short" }),
  short: new Intl.DateTimeFormat(locale.value, { month: "short", day: "numeric" }),
  old: new Intl.DateTimeFormat(locale.value, { year: "numeric", month: "numeric", day: "numeric" }),
  day: new Intl.DateTimeFormat(locale.value, { weekday: "long", month: "long", day: "numeric" }),
  oldDay: new Intl.DateTimeFormat(locale.value, { dateStyle: "long" }),
  full: new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium" }),
}));

const DAY_MS = 86_400_000;

export const timeText = (at: number) => formats.value.time.format(at);
export const fullTime = (at: number) => formats.value.full.format(at);

/** For lists: the time today, then the day. */
export function briefTime(at: number, now = Date.now()): string {
  const { time, weekday, short, old } = formats.value;
  if (dayOf(at) === dayOf(now)) return time.format(at);
  if (dayOf(at) === dayOf(now - DAY_MS)) return t("day.yesterday");
  if (now - at < 6 * DAY_MS) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? short.format(at) : old.format(at);
}

export function dayText(at: number, now = Date.now()): string {
  if (dayOf(at) === dayOf(now)) return t("day.today");
  if (dayOf(at) === dayOf(now - DAY_MS)) return t("day.yesterday");
  const { day, oldDay } = formats.value;
  return (new Date(at).getFullYear() === new Date(now).getFullYear() ? day : oldDay).format(at);
}

export function sizeText(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const power = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const number = new Intl.NumberFormat(locale.value, {
    style: "unit",
    unit: units[power],
    unitDisplay: "short",
    maximumFractionDigits: power > 1 ? 1 : 0,
  });
  return number.format(bytes / 1000 ** power);
}
