// Dates and sizes as the user's language writes them.

import { computed, signal } from "@preact/signals";
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
  longWeekday: new Intl.DateTimeFormat(locale.value, { weekday: "long" }),
  short: new Intl.DateTimeFormat(locale.value, { month: "short", day: "numeric" }),
  old: new Intl.DateTimeFormat(locale.value, { year: "numeric", month: "numeric", day: "numeric" }),
  day: new Intl.DateTimeFormat(locale.value, { weekday: "long", month: "long", day: "numeric" }),
  oldDay: new Intl.DateTimeFormat(locale.value, { dateStyle: "long" }),
  full: new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium" }),
}));

const DAY_MS = 86_400_000;
const NEW_DAY_CHECK_MS = 10_000;

/** The number of a local day. Local days are not equally long: two of a year have another hour. */
function dayNumber(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS;
}

/** The present day. Texts that were made on another day are drawn again. */
const today = signal(dayNumber(Date.now()));
// A timer until midnight would be late after a sleep of the device.
setInterval(() => {
  today.value = dayNumber(Date.now());
}, NEW_DAY_CHECK_MS);

/** How many days ago a time was. Without a given day, also makes what draws it follow the day. */
const daysAgo = (at: number, now?: number) => (now ? dayNumber(now) : today.value) - dayNumber(at);
const isSameYear = (a: number, b: number) => new Date(a).getFullYear() === new Date(b).getFullYear();

export const timeText = (at: number) => formats.value.time.format(at);
export const fullTime = (at: number) => formats.value.full.format(at);

/** The time of today, the day of earlier ones; for lists. */
export function briefTime(at: number, now?: number): string {
  const { time, weekday, short, old } = formats.value;
  const days = daysAgo(at, now);
  if (days === 0) return time.format(at);
  if (days === 1) return t("day.yesterday");
  if (days < 6) return weekday.format(at);
  return isSameYear(at, now ?? Date.now()) ? short.format(at) : old.format(at);
}

/** A time within a sentence: "10:30", "yesterday", "Monday", "November 3". */
export function sinceText(at: number, now?: number): string {
  const { time, longWeekday, short, old } = formats.value;
  const days = daysAgo(at, now);
  if (days === 0) return time.format(at);
  if (days === 1) return new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" }).format(-1, "day");
  if (days < 6) return longWeekday.format(at);
  return isSameYear(at, now ?? Date.now()) ? short.format(at) : old.format(at);
}

export function dayText(at: number, now?: number): string {
  const days = daysAgo(at, now);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  const { day, oldDay } = formats.value;
  return (isSameYear(at, now ?? Date.now()) ? day : oldDay).format(at);
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

/** A number of days. */
export function daysText(days: number): string {
  return new Intl.NumberFormat(locale.value, { style: "unit", unit: "day", unitDisplay: "long" }).format(
    days,
  );
}

/** A duration in its largest whole unit. */
export function durationText(secs: number): string {
  const isWhole = (size: number) => secs >= size && secs % size === 0;
  const [unit, size] = isWhole(3600) ? ["hour", 3600] : isWhole(60) ? ["minute", 60] : ["second", 1];
  const style = { style: "unit", unit: String(unit), unitDisplay: "long" } as const;
  return new Intl.NumberFormat(locale.value, style).format(secs / Number(size));
}
