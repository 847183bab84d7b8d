// Dates and sizes as the user's language writes them.

import { computed } from "@preact/signals";
import { lang } from "../settings/preferences";
import { t } from ".";

/** The user's variety of the language, which decides for example between 14:30 and 2:30 PM. */
const locale = computed(
  () =>
    navigator.languages.find((tag) => tag.startsWith(lang.value)) ?? (lang.value === "zh" ? "zh-CN" : "en"),
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

const isSameDay = (a: number, b: number) => new Date(a).toDateString() === new Date(b).toDateString();
const isSameYear = (a: number, b: number) => new Date(a).getFullYear() === new Date(b).getFullYear();

export const timeText = (at: number) => formats.value.time.format(at);
export const fullTime = (at: number) => formats.value.full.format(at);

/** The time of today, the day of earlier ones; for lists. */
export function briefTime(at: number, now = Date.now()): string {
  const { time, weekday, short, old } = formats.value;
  if (isSameDay(at, now)) return time.format(at);
  if (isSameDay(at, now - DAY_MS)) return t("day.yesterday");
  if (now - at < 6 * DAY_MS) return weekday.format(at);
  return isSameYear(at, now) ? short.format(at) : old.format(at);
}

export function dayText(at: number, now = Date.now()): string {
  if (isSameDay(at, now)) return t("day.today");
  if (isSameDay(at, now - DAY_MS)) return t("day.yesterday");
  const { day, oldDay } = formats.value;
  return (isSameYear(at, now) ? day : oldDay).format(at);
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
