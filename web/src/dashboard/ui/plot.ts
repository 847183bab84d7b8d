// Draws charts. Loaded after the page, together with the drawing library.

import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Chart, type Column, columnsOf, type Line } from "../model/charts";
import { axisText, tickText, type Unit } from "../model/format";
import type { Metrics } from "../model/metrics";
import { isolatedIndexes, isUnfinished } from "../model/series";
import { colour } from "./colours";

/** The least value of the top of a chart, so that noise looks small. */
const MIN_TOP: Record<Unit, number> = { count: 4, rate: 1, ms: 4, bytes: 4096, percent: 4 };
const COUNTS = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((factor) => factor * 10 ** power),
).flat();
const BYTES = Array.from({ length: 45 }, (_, power) => 2 ** power);

export interface Plot {
  draw: (metrics: Metrics) => void;
  destroy: () => void;
}

/** Draws a chart into a box and fills the box. Reports the step under the pointer. */
export function plotInto(box: HTMLElement, chart: Chart, onStep: (at: number | null) => void): Plot {
  let shown: Metrics | null = null;
  let columns: Column[] = [];
  const names = columnsOf(chart, EMPTY).map(({ line }) => line);
  const plot = new UPlot(
    {
      ...sizeOf(box),
      legend: { show: false },
      cursor: {
        sync: { key: "board", scales: ["x", null], setSeries: false },
        drag: { x: false, y: false, setScale: false },
        points: { show: chart.drawing === "lines", size: 7 },
        y: false,
      },
      scales: {
        x: { time: true, range: () => xRange(shown) },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0) * 1.08, top(high, chart.unit)] },
      },
      axes: axesOf(chart, box),
      series: [{}, ...names.map((line, at) => seriesOf(chart, line, () => columns[at]))],
      bands: chart.drawing === "areas" ? bandsOf(names) : [],
      hooks: {
        setCursor: [({ cursor }) => onStep(cursor.idx ?? null)],
        draw: [(drawn) => shown && canGrow(chart, shown, columns) && fadeLast(drawn, shown)],
      },
    },
    [[]],
    box,
  );
  const sizes = new ResizeObserver(() => {
    if (box.clientWidth > 0) plot.setSize(sizeOf(box));
  });
  sizes.observe(box);
  return {
    draw(metrics) {
      shown = metrics;
      columns = columnsOf(chart, metrics);
      plot.setData([metrics.series.at_ms.map((at) => at / 1000), ...columns.map(({ values }) => values)]);
    },
    destroy() {
      sizes.disconnect();
      plot.destroy();
    },
  };
}

const sizeOf = (box: HTMLElement) => ({ width: box.clientWidth || 1, height: box.clientHeight || 1 });
const EMPTY = { series: { at_ms: [] } } as unknown as Metrics;
const isOfSteps = ({ drawing }: Chart) => drawing === "bars" || drawing === "diverging";

/** Whether the last step has bars that may still grow. */
function canGrow(chart: Chart, metrics: Metrics, columns: Column[]): boolean {
  return isOfSteps(chart) && isUnfinished(metrics) && columns.some(({ values }) => values.at(-1));
}

/** The range of the x axis: half a step more at both ends, for the bars there. */
function xRange(metrics: Metrics | null): [number, number] {
  const at = metrics?.series.at_ms ?? [];
  const half = (metrics?.step_secs ?? 60) / 2;
  return [(at[0] ?? 0) / 1000 - half, (at.at(-1) ?? 0) / 1000 + half];
}

function top(high: number | null, unit: Unit): number {
  return Math.max(MIN_TOP[unit], (high ?? 0) * 1.08);
}

function axesOf({ unit }: Chart, box: HTMLElement): UPlot.Axis[] {
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  const stroke = () => colour("--muted");
  const line = { stroke: () => colour("--chart-grid"), width: 1 };
  return [
    {
      font,
      stroke,
      size: 26,
      gap: 6,
      space: 64,
      grid: { show: false },
      ticks: { ...line, size: 4 },
      values: (_, splits) => splits.map((at) => tickText(at * 1000)),
    },
    {
      font,
      stroke,
      size: 56,
      gap: 6,
      space: 30,
      grid: line,
      ticks: { show: false },
      ...(unit === "count" ? { incrs: COUNTS } : unit === "bytes" ? { incrs: BYTES } : {}),
      // Bars below zero are counts as well.
      values: (_, splits) => splits.map((value) => axisText(Math.abs(value), unit)),
    },
  ];
}

function seriesOf(chart: Chart, line: Line, column: () => Column | undefined): UPlot.Series {
  const token = `--chart-${line.colour}`;
  if (isOfSteps(chart)) {
    return {
      stroke: () => colour(token),
      fill: () => colour(token),
      width: 0,
      paths: UPlot.paths.bars?.({ size: [0.72, 18], radius: 0.12 }),
      points: { show: false },
    };
  }
  const isOnly = chart.lines.length === 1;
  return {
    stroke: () => colour(token),
    width: 1.75,
    ...(isOnly ? { fill: () => colour(token, 0.12) } : {}),
    ...(chart.drawing === "areas" ? { fill: () => colour(token, 0.4) } : {}),
    points: {
      show: true,
      size: 5,
      width: 0,
      fill: () => colour(token),
      filter: () => isolatedIndexes(column()?.values ?? []),
    },
  };
}

/** Fills the band between a stacked line and the next below it. */
function bandsOf(lines: readonly Line[]): UPlot.Band[] {
  return lines.slice(0, -1).map((_, at) => ({ series: [at + 1, at + 2] }));
}

/** Draws the last step paler: it is low only because it has not ended. */
function fadeLast(plot: UPlot, { series: { at_ms }, step_secs }: Metrics): void {
  const last = (at_ms.at(-1) ?? 0) / 1000;
  const left = plot.valToPos(last - step_secs / 2, "x", true);
  const right = plot.valToPos(last + step_secs / 2, "x", true);
  plot.ctx.save();
  plot.ctx.fillStyle = colour("--surface", 0.55);
  plot.ctx.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
  plot.ctx.restore();
}
