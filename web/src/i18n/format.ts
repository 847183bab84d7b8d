// Dates and times as the user's language writes them. Sizes and durations are in `units.ts`.

import { computed, signal } from "@preact/signals";
import { lang } from "../settings/preferences";
import { t } from ".";

/** The user's variety of the language, which decides for example between 14:30 and 2:30 PM. */
export const locale = computed(
  () =>
    navigator.languages.find((tag) => tag.startsWith(lang.value)) ?? (lang.value === "zh" ? "zh-CN" : "en"),
);
/** A format that is made when it is first used, which takes milliseconds. */
const format = (options: Intl.DateTimeFormatOptions) => {
  const made = computed(() => new Intl.DateTimeFormat(locale.value, options));
  return (at: number) => made.value.format(at);
};
export const timeText = format({ hour: "numeric", minute: "2-digit" });
export const fullTime = format({ dateStyle: "medium", timeStyle: "medium" });
const weekday = format({ weekday: "short" });
const longWeekday = format({ weekday: "long" });
const short = format({ month: "short", day: "numeric" });
const old = format({ year: "numeric", month: "numeric", day: "numeric" });
const day = format({ weekday: "long", month: "long", day: "numeric" });
const oldDay = format({ dateStyle: "long" });

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

/** The time of today, the day of earlier ones; for lists. */
export function briefTime(at: number, now?: number): string {
  const days = daysAgo(at, now);
  if (days === 0) return timeText(at);
  if (days === 1) return t("day.yesterday");
  if (days < 6) return weekday(at);
  return isSameYear(at, now ?? Date.now()) ? short(at) : old(at);
}

/** A time within a sentence: "10:30", "yesterday", "Monday", "November 3". */
export function sinceText(at: number, now?: number): string {
  const days = daysAgo(at, now);
  if (days === 0) return timeText(at);
  if (days === 1) return new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" }).format(-1, "day");
  if (days < 6) return longWeekday(at);
  return isSameYear(at, now ?? Date.now()) ? short(at) : old(at);
}

export function dayText(at: number, now?: number): string {
  const days = daysAgo(at, now);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  return (isSameYear(at, now ?? Date.now()) ? day : oldDay)(at);
}
