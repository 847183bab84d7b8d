// Arithmetic on series. Null means that nothing was reported, and stays null: a gap is not a zero.

import type { Metrics, SeriesName, Values } from "./metrics";

/** A series of the length of the others, also when a node of another version leaves it out. */
export function valuesOf({ series }: Metrics, name: SeriesName): Values {
  const values = series[name];
  return series.at_ms.map((_, at) => values?.[at] ?? null);
}

/** Whether the last step is still being counted. */
export function isUnfinished({ series, step_secs, now_ms }: Metrics): boolean {
  const last = series.at_ms.at(-1);
  return last !== undefined && last + step_secs * 1000 > now_ms;
}

/** The steps that are counted to their end. */
export function finished(metrics: Metrics, values: Values): Values {
  return isUnfinished(metrics) ? values.slice(0, -1) : values;
}

export const isBlank = (values: Values) => values.every((it) => it === null);

/** What is added up from below; a gap in one is a gap in all above it. */
export function stacked(layers: Values[]): Values[] {
  const sums: Values[] = [];
  for (const layer of layers) {
    const below = sums.at(-1);
    sums.push(layer.map((value, at) => sum(value, below ? (below[at] ?? null) : 0)));
  }
  return sums;
}

const sum = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);

export function highest(values: Values): number | null {
  return values.reduce<number | null>(
    (most, value) => (value === null ? most : Math.max(most ?? value, value)),
    null,
  );
}

/** A value between two gaps has no line to it, and needs a dot. */
export function alone(values: Values): number[] {
  const found: number[] = [];
  values.forEach((value, at) => {
    if (value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null)
      found.push(at);
  });
  return found;
}

/** The stretches between gaps, as points in a box with zero at its bottom. */
function stretches(values: Values, width: number, height: number): [number, number][][] {
  const most = highest(values) || 1;
  const step = width / Math.max(1, values.length - 1);
  const found: [number, number][][] = [];
  values.forEach((value, at) => {
    if (value === null) return;
    if ((values[at - 1] ?? null) === null) found.push([]);
    found.at(-1)?.push([at * step, height - (Math.max(0, value) / most) * height]);
  });
  return found;
}

const pathOf = (points: [number, number][]) =>
  `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;

/** A line through the values, broken at gaps; a value between two gaps is a dot. */
export function sparkPath(values: Values, width: number, height: number): string {
  return stretches(values, width, height)
    .map((points) => pathOf(points) + (points.length === 1 ? "h.1" : ""))
    .join("");
}

/** What is below that line. */
export function areaPath(values: Values, width: number, height: number): string {
  return stretches(values, width, height)
    .map((points) => `${pathOf(points)}V${height}H${points[0]?.[0].toFixed(1)}Z`)
    .join("");
}

export interface Row {
  at: number;
  values: (number | null)[];
  isUnfinished: boolean;
}

/** The steps as rows, newest first; steps before the first report are left out. */
export function rowsOf(metrics: Metrics, names: readonly SeriesName[]): Row[] {
  const columns = names.map((name) => valuesOf(metrics, name));
  const open = isUnfinished(metrics) ? metrics.series.at_ms.length - 1 : -1;
  const rows = metrics.series.at_ms.map((at, index) => ({
    at,
    values: columns.map((column) => column[index] ?? null),
    isUnfinished: index === open,
  }));
  const first = rows.findIndex((row) => row.values.some((it) => it !== null));
  return first < 0 ? [] : rows.slice(first).reverse();
}
