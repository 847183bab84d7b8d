import { describe, expect, it } from "vitest";
import { CONNECTIONS, columnsOf, HTTP, LIMITS, PRESSURE, RESOURCES, TRAFFIC } from "./charts";
import { type Metrics, SERIES } from "./metrics";
import {
  areaPath,
  completeSteps,
  isolatedIndexes,
  isUnfinished,
  maximum,
  rowsOf,
  sparkPath,
  stack,
  valuesOf,
} from "./series";

const MINUTE = 60_000;

function metrics(series: Partial<Metrics["series"]>, now_ms = 3.5 * MINUTE): Metrics {
  const at_ms = [0, MINUTE, 2 * MINUTE, 3 * MINUTE];
  return { now_ms, step_secs: 60, series: { at_ms, ...series } } as Metrics;
}

describe("gaps", () => {
  it("stay gaps, and fill missing and short series", () => {
    expect(valuesOf(metrics({}), "messages")).toEqual([null, null, null, null]);
    expect(valuesOf(metrics({ messages: [1, null] }), "messages")).toEqual([1, null, null, null]);
  });

  it("continue through the layers above", () => {
    expect(
      stack([
        [1, 2, null],
        [10, null, 30],
        [100, 200, 300],
      ]),
    ).toEqual([
      [1, 2, null],
      [11, null, null],
      [111, null, null],
    ]);
  });

  it("break the line and leave single values as dots", () => {
    expect(sparkPath([0, 10, null, 5], 30, 10)).toBe("M0.0 10.0L10.0 0.0M30.0 5.0h.1");
    expect(areaPath([0, 10, null, null], 30, 10)).toBe("M0.0 10.0L10.0 0.0V10H0.0Z");
    expect(sparkPath([null, null], 30, 10)).toBe("");
    expect(isolatedIndexes([1, null, 2, 3, null, 4])).toEqual([0, 5]);
  });

  it("do not affect the maximum", () => {
    expect(maximum([null, 3, 1])).toBe(3);
    expect(maximum([null])).toBeNull();
    expect(maximum([])).toBeNull();
  });
});

describe("the last step", () => {
  it("is unfinished until its time is over", () => {
    expect(isUnfinished(metrics({}))).toBe(true);
    expect(isUnfinished(metrics({}, 4 * MINUTE))).toBe(false);
    expect(completeSteps(metrics({}), [1, 2, 3, 4])).toEqual([1, 2, 3]);
    expect(completeSteps(metrics({}, 4 * MINUTE), [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
  });
});

describe("rows", () => {
  it("are newest first and start at the first report", () => {
    const rows = rowsOf(metrics({ uploads: [null, 1, null, 2], lagging: [null, 5, 6, 7] }), [
      "uploads",
      "lagging",
    ]);
    expect(rows.map((row) => row.values)).toEqual([
      [2, 7],
      [null, 6],
      [1, 5],
    ]);
    expect(rows.map((row) => row.isUnfinished)).toEqual([true, false, false]);
  });
});

describe("charts", () => {
  const all = [...TRAFFIC, ...CONNECTIONS, ...PRESSURE, ...HTTP, ...LIMITS, ...RESOURCES];

  it("show every series except the active rooms, which only have a headline", () => {
    const drawn = all.flatMap((chart) => chart.lines.map((line) => line.series));
    expect([...drawn, "active_rooms"].sort()).toEqual([...SERIES].sort());
  });

  it("have unique ids", () => {
    expect(new Set(all.map((chart) => chart.id)).size).toBe(all.length);
  });

  it("draw the sum behind its parts", () => {
    const errors = HTTP.find((chart) => chart.id === "errors");
    const found = metrics({ http_errors_5xx: [1, 0, 2, 0], http_errors_4xx: [4, 5, null, 6] });
    const columns = errors ? columnsOf(errors, found) : [];
    expect(columns.map(({ line }) => line.series)).toEqual(["http_errors_4xx", "http_errors_5xx"]);
    expect(columns.map(({ values }) => values)).toEqual([
      [5, 5, null, 6],
      [1, 0, 2, 0],
    ]);
  });

  it("draw closed sockets below zero", () => {
    const turnover = CONNECTIONS.find((chart) => chart.id === "turnover");
    const found = metrics({ sockets_closed: [1, null, 3, 4] });
    const columns = turnover ? columnsOf(turnover, found) : [];
    expect(columns.at(-1)?.values).toEqual([-1, null, -3, -4]);
  });
});
