// Statistics: quantiles, ranges, the load of other processes.
import { readFileSync } from "node:fs";

/** The value below which a part of all values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const median = (values: readonly number[]) => quantile(values, 0.5);

export const kb = (bytes: number) => (bytes / 1000).toFixed(1);
export const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
export const whole = (value: number) => Math.round(value).toLocaleString("en");

/** The median with the lowest and the highest value. */
export const ranged = (values: readonly number[]) =>
  `${whole(median(values))} (${whole(Math.min(...values))}–${whole(Math.max(...values))})`;

const SAMPLE_MS = 1500;

/** The share of the machine that other processes use, measured while the own ones are idle. */
export async function othersShare(): Promise<number> {
  const before = ticks();
  await new Promise((done) => setTimeout(done, SAMPLE_MS));
  const after = ticks();
  return (after.busy - before.busy) / (after.all - before.all);
}

function ticks(): { busy: number; all: number } {
  // user nice system idle iowait irq softirq steal
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "";
  const counts = line.split(/\s+/).slice(1, 9).map(Number);
  const all = counts.reduce((sum, count) => sum + count, 0);
  return { busy: all - (counts[3] ?? 0) - (counts[4] ?? 0), all };
}
