// Sizes and durations as the user's language writes them.

import { locale } from "./format";

export function sizeText(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const power = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const number = new Intl.NumberFormat(locale.value, {
    style: "unit",
    unit: units[power],
    unitDisplay: power > 0 ? "short" : "long",
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
