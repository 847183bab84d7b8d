// The charts: their series and how they are drawn.

import type { Key } from "../i18n";
import type { Unit } from "./format";
import type { Metrics, SeriesName, Values } from "./metrics";
import { stack, valuesOf } from "./series";

/**
 * `lines` draws values as they are, `areas` stacks them, `bars` stacks counts per step, `diverging` draws counts per
 * step from zero, in front of each other and below zero for lines with `isBelowZero`.
 */
export type Drawing = "lines" | "areas" | "bars" | "diverging";

export interface Line {
  series: SeriesName;
  label: Key;
  /** The suffix of a token `--chart-N`. */
  colour: Colour;
  isBelowZero?: boolean;
}
export type Colour = 1 | 2 | 3 | 4 | "warn" | "bad";

export interface Chart {
  id: string;
  title: Key;
  unit: Unit;
  drawing: Drawing;
  lines: readonly Line[];
  /** Whether the chart covers all nodes even if one is selected. */
  isGlobal?: boolean;
  isWide?: boolean;
}

const one = (series: SeriesName, label: Key, colour: Colour = 1): Line[] => [{ series, label, colour }];
const quantiles = (p50: SeriesName, p99: SeriesName): Line[] => [
  { series: p99, label: "line.p99", colour: 2 },
  { series: p50, label: "line.p50", colour: 1 },
];

export const TRAFFIC: Chart[] = [
  {
    id: "online",
    title: "chart.online",
    unit: "count",
    drawing: "lines",
    lines: one("online_users", "line.online"),
    isGlobal: true,
  },
  {
    id: "messages",
    title: "chart.messages",
    unit: "count",
    drawing: "bars",
    lines: one("messages", "line.messages"),
  },
  {
    id: "deliveries",
    title: "chart.deliveries",
    unit: "count",
    drawing: "bars",
    lines: one("deliveries", "line.deliveries"),
  },
  {
    id: "send",
    title: "chart.send",
    unit: "ms",
    drawing: "lines",
    lines: quantiles("send_p50_ms", "send_p99_ms"),
  },
  {
    id: "delivery",
    title: "chart.delivery",
    unit: "ms",
    drawing: "lines",
    lines: quantiles("delivery_p50_ms", "delivery_p99_ms"),
  },
];

export const CONNECTIONS: Chart[] = [
  {
    id: "sockets",
    title: "chart.sockets",
    unit: "count",
    drawing: "areas",
    lines: [
      { series: "sockets_webchat", label: "line.webchat", colour: 1 },
      { series: "sockets_envelope", label: "line.envelope", colour: 2 },
      { series: "sockets_messenger", label: "line.messenger", colour: 3 },
      { series: "sockets_imtypes", label: "line.imtypes", colour: 4 },
    ],
  },
  {
    id: "turnover",
    title: "chart.turnover",
    unit: "count",
    drawing: "diverging",
    lines: [
      { series: "sockets_opened", label: "line.opened", colour: 1 },
      { series: "sockets_resumed", label: "line.resumed", colour: 3 },
      { series: "sockets_closed", label: "line.closed", colour: 2, isBelowZero: true },
    ],
  },
];

export const PRESSURE: Chart[] = [
  {
    id: "slow",
    title: "chart.slow",
    unit: "count",
    drawing: "bars",
    lines: [
      { series: "closed_slow", label: "line.closedSlow", colour: "bad" },
      { series: "lagging", label: "line.lagging", colour: "warn" },
    ],
  },
  {
    id: "gaps",
    title: "chart.gaps",
    unit: "count",
    drawing: "bars",
    lines: one("gap_repairs", "line.gaps", 3),
  },
  {
    id: "queued",
    title: "chart.queued",
    unit: "bytes",
    drawing: "lines",
    lines: one("queued_bytes", "line.queued", 4),
  },
];

export const HTTP: Chart[] = [
  {
    id: "requests",
    title: "chart.requests",
    unit: "count",
    drawing: "bars",
    lines: one("http_requests", "line.requests"),
  },
  {
    id: "errors",
    title: "chart.errors",
    unit: "count",
    drawing: "bars",
    lines: [
      { series: "http_errors_5xx", label: "line.5xx", colour: "bad" },
      { series: "http_errors_4xx", label: "line.4xx", colour: "warn" },
    ],
  },
];

export const LIMITS: Chart[] = [
  {
    id: "limited",
    title: "chart.limited",
    unit: "count",
    drawing: "bars",
    lines: one("rate_limited", "line.limited", "warn"),
  },
  {
    id: "uploads",
    title: "chart.uploads",
    unit: "count",
    drawing: "bars",
    lines: one("uploads", "line.uploads"),
  },
  {
    id: "volume",
    title: "chart.volume",
    unit: "bytes",
    drawing: "bars",
    lines: one("upload_bytes", "line.volume"),
  },
];

export const RESOURCES: Chart[] = [
  {
    id: "cpu",
    title: "chart.cpu",
    unit: "percent",
    drawing: "lines",
    lines: one("cpu_percent", "line.cpu"),
    isWide: true,
  },
  {
    id: "memory",
    title: "chart.memory",
    unit: "bytes",
    drawing: "lines",
    lines: one("memory_bytes", "line.memory", 3),
    isWide: true,
  },
];

/** A line with its values on the y axis. */
export interface Column {
  line: Line;
  values: Values;
}

/** The columns of a chart, the hindmost first. */
export function columnsOf(chart: Chart, metrics: Metrics): Column[] {
  const raw = chart.lines.map((line) => valuesOf(metrics, line.series));
  if (chart.drawing === "lines") return raw.map((values, at) => ({ line: lineAt(chart, at), values }));
  if (chart.drawing === "diverging") {
    return raw.map((values, at) => {
      const line = lineAt(chart, at);
      return {
        line,
        values: line.isBelowZero ? values.map((value) => (value === null ? null : -value)) : values,
      };
    });
  }
  return stack(raw)
    .map((values, at) => ({ line: lineAt(chart, at), values }))
    .reverse();
}

function lineAt(chart: Chart, at: number): Line {
  const line = chart.lines[at];
  if (!line) throw new RangeError(`no line ${at} in chart ${chart.id}`);
  return line;
}
