// Arithmetic on series. `null` means that nothing was reported, and stays `null`: a gap is not a zero.

import type { Metrics, SeriesName, Values } from "./metrics";

/** A series, padded with gaps to the length of the others; all gaps if a server of another version lacks it. */
export function valuesOf({ series }: Metrics, name: SeriesName): Values {
  const values = series[name];
  return series.at_ms.map((_, at) => values?.[at] ?? null);
}

/** Whether the last step has not ended. */
export function isUnfinished({ series, step_secs, now_ms }: Metrics): boolean {
  const last = series.at_ms.at(-1);
  return last !== undefined && last + step_secs * 1000 > now_ms;
}

/** The values of the steps that have ended. */
export function completeSteps(metrics: Metrics, values: Values): Values {
  return isUnfinished(metrics) ? values.slice(0, -1) : values;
}

export const hasNoValues = (values: Values) => values.every((value) => value === null);

/** Adds up layers from the bottom. A gap in one layer is a gap in all layers above it. */
export function stack(layers: Values[]): Values[] {
  const sums: Values[] = [];
  for (const layer of layers) {
    const below = sums.at(-1);
    sums.push(layer.map((value, at) => sum(value, below ? (below[at] ?? null) : 0)));
  }
  return sums;
}

const sum = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);

export function maximum(values: Values): number | null {
  return values.reduce<number | null>(
    (max, value) => (value === null ? max : Math.max(max ?? value, value)),
    null,
  );
}

/** The indexes of values between two gaps, which a line would not show. */
export function isolatedIndexes(values: Values): number[] {
  const found: number[] = [];
  values.forEach((value, at) => {
    if (value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null)
      found.push(at);
  });
  return found;
}

/** The points between gaps, in a box with zero at its bottom. */
function segments(values: Values, width: number, height: number): [number, number][][] {
  const max = maximum(values) || 1;
  const step = width / Math.max(1, values.length - 1);
  const found: [number, number][][] = [];
  values.forEach((value, at) => {
    if (value === null) return;
    if ((values[at - 1] ?? null) === null) found.push([]);
    found.at(-1)?.push([at * step, height - (Math.max(0, value) / max) * height]);
  });
  return found;
}

const pathOf = (points: [number, number][]) =>
  `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;

/** An SVG path through the values, broken at gaps. A value between two gaps is a dot. */
export function sparkPath(values: Values, width: number, height: number): string {
  return segments(values, width, height)
    .map((points) => pathOf(points) + (points.length === 1 ? "h.1" : ""))
    .join("");
}

/** An SVG path around the area below that line. */
export function areaPath(values: Values, width: number, height: number): string {
  return segments(values, width, height)
    .map((points) => `${pathOf(points)}V${height}H${points[0]?.[0].toFixed(1)}Z`)
    .join("");
}

export interface Row {
  at: number;
  values: (number | null)[];
  isUnfinished: boolean;
}

/** The steps as rows, newest first, without those before the first report. */
export function rowsOf(metrics: Metrics, names: readonly SeriesName[]): Row[] {
  const columns = names.map((name) => valuesOf(metrics, name));
  const open = isUnfinished(metrics) ? metrics.series.at_ms.length - 1 : -1;
  const rows = metrics.series.at_ms.map((at, index) => ({
    at,
    values: columns.map((column) => column[index] ?? null),
    isUnfinished: index === open,
  }));
  const first = rows.findIndex((row) => row.values.some((value) => value !== null));
  return first < 0 ? [] : rows.slice(first).reverse();
}
