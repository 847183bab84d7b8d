// Formats numbers, sizes and times in the user's language.

import { computed } from "@preact/signals";
import { lang } from "../../settings/preferences";

export type Unit = "count" | "rate" | "ms" | "bytes" | "percent";

/** A number and its unit, separate because the unit is drawn smaller. */
export interface Formatted {
  number: string;
  unit: string;
}

/** Stands for a missing value. */
export const NO_VALUE = "–";

const locale = computed(() => (lang.value === "zh" ? "zh-CN" : "en"));

const formats = computed(() => {
  const digits = [0, 1, 2, 3].map(
    (max) => new Intl.NumberFormat(locale.value, { maximumFractionDigits: max }),
  );
  const narrow = (unit: string) =>
    new Intl.NumberFormat(locale.value, { style: "unit", unit, unitDisplay: "narrow" });
  return {
    digits,
    brief: new Intl.NumberFormat(locale.value, { notation: "compact", maximumFractionDigits: 1 }),
    units: { day: narrow("day"), hour: narrow("hour"), minute: narrow("minute"), second: narrow("second") },
    ago: new Intl.RelativeTimeFormat(locale.value, { numeric: "always", style: "narrow" }),
    time: new Intl.DateTimeFormat(locale.value, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    day: new Intl.DateTimeFormat(locale.value, { month: "short", day: "numeric" }),
    full: new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium" }),
    zone: new Intl.DateTimeFormat(locale.value, { timeZoneName: "short" }),
  };
});

const digits = (value: number, max: 0 | 1 | 2 | 3) => formats.value.digits[max]?.format(value) ?? "";

/** About three digits: 0.42, 4.2, 42. */
function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return digits(value, 0);
  return digits(value, size < 1 ? 2 : 1);
}

const POWERS = ["B", "KB", "MB", "GB", "TB"];

/** Bytes in powers of 1024, as in Redis and `top`. */
function formatBytes(value: number): Formatted {
  const power = Math.min(POWERS.length - 1, Math.floor(Math.log2(Math.max(Math.abs(value), 1)) / 10));
  const scaled = value / 1024 ** power;
  return { number: power === 0 ? digits(scaled, 0) : threeDigits(scaled), unit: POWERS[power] ?? "" };
}

export function format(value: number | null | undefined, unit: Unit): Formatted {
  if (value === null || value === undefined || !Number.isFinite(value)) return { number: NO_VALUE, unit: "" };
  switch (unit) {
    case "bytes":
      return formatBytes(value);
    case "ms":
      return Math.abs(value) < 1000
        ? { number: threeDigits(value), unit: "ms" }
        : { number: threeDigits(value / 1000), unit: "s" };
    case "percent":
      return { number: threeDigits(value), unit: "%" };
    case "rate":
      return { number: threeDigits(value), unit: "" };
    case "count":
      return { number: digits(value, 0), unit: "" };
  }
}

export function formatText(value: number | null | undefined, unit: Unit): string {
  const { number, unit: suffix } = format(value, unit);
  if (!suffix) return number;
  return suffix === "%" ? `${number}%` : `${number} ${suffix}`;
}

/** A share that is close to the whole, of which the last digits count. */
export const shareText = (percent: number) => `${digits(percent, 3)}%`;

/** A short form for axes. */
export function axisText(value: number, unit: Unit): string {
  if (unit === "count" || unit === "rate") {
    return Math.abs(value) >= 10_000 ? formats.value.brief.format(value) : digits(value, 2);
  }
  return formatText(value, unit);
}

/** The two largest parts of a duration: 3d 4h, 4h 12m, 12m 5s. */
export function durationText(secs: number): string {
  const { day, hour, minute, second } = formats.value.units;
  const whole = Math.max(0, Math.floor(secs));
  const parts: [number, Intl.NumberFormat][] = [
    [Math.floor(whole / 86_400), day],
    [Math.floor(whole / 3_600) % 24, hour],
    [Math.floor(whole / 60) % 60, minute],
    [whole % 60, second],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return second.format(0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, format]) => format.format(value))
    .join(" ");
}

export function agoText(ms: number): string {
  const secs = Math.floor(ms / 1000);
  if (secs < 60) return formats.value.ago.format(-secs, "second");
  if (secs < 3_600) return formats.value.ago.format(-Math.floor(secs / 60), "minute");
  return formats.value.ago.format(-Math.floor(secs / 3_600), "hour");
}

export const fullTime = (at: number) => formats.value.full.format(at);
export const timeText = (at: number) => formats.value.time.format(at);

/** The time of a tick on an axis; the day at midnight. */
export function tickText(at: number): string {
  const date = new Date(at);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  return isMidnight ? formats.value.day.format(at) : timeText(at);
}

/** The time of a table row, with the day unless it is today. */
export function rowTimeText(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? timeText(at) : `${formats.value.day.format(at)} ${timeText(at)}`;
}

/** The time zone, for example `Europe/Berlin (GMT+1)`. */
export function zoneText(): string {
  const { timeZone } = formats.value.zone.resolvedOptions();
  const part = formats.value.zone.formatToParts(Date.now()).find(({ type }) => type === "timeZoneName");
  return part && part.value !== timeZone ? `${timeZone} (${part.value})` : timeZone;
}
