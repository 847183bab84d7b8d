import { render } from "preact";
import { beforeAll, describe, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import { CONNECTIONS } from "../model/charts";
import type { Metrics } from "../model/metrics";
import { ChartTable } from "./chart_table";

const MINUTE = 60_000;
const STEPS = 60;

const sample = {
  now_ms: STEPS * MINUTE - 1,
  step_secs: 60,
  series: {
    at_ms: Array.from({ length: STEPS }, (_, at) => at * MINUTE),
    sockets_opened: Array.from({ length: STEPS }, (_, at) => (at === 57 ? null : at)),
  },
} as unknown as Metrics;

function draw(metrics: Metrics): HTMLElement {
  const root = document.createElement("div");
  const turnover = CONNECTIONS.find((chart) => chart.id === "turnover");
  if (turnover) render(<ChartTable chart={turnover} metrics={metrics} />, root);
  return root;
}

const texts = (root: HTMLElement, select: string) =>
  [...root.querySelectorAll(select)].map((element) => element.textContent);

describe("a chart's table", () => {
  beforeAll(() => loadTexts("en"));

  it("has a caption and column headers", () => {
    const root = draw(sample);
    expect(texts(root, "caption")).toEqual(["Sockets opened and closed, newest 30 steps first"]);
    expect(texts(root, "thead th[scope=col]")).toEqual(["Time", "opened", "resumed", "closed"]);
  });

  it("starts at the newest step and shows gaps", () => {
    const root = draw(sample);
    expect(root.querySelector("tbody th[scope=row]")?.textContent).toContain("so far");
    expect(texts(root, "tbody td:nth-child(2)").slice(0, 4)).toEqual(["59", "58", "–", "56"]);
  });

  it("shows all rows on demand", async () => {
    const root = draw(sample);
    expect(root.querySelectorAll("tbody tr")).toHaveLength(30);
    root.querySelector("button")?.click();
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    expect(root.querySelectorAll("tbody tr")).toHaveLength(STEPS);
    expect(root.querySelector("button")).toBeNull();
  });

  it("says that there is no data", () => {
    const root = draw({ ...sample, series: { at_ms: sample.series.at_ms } });
    expect(root.textContent).toBe("No data yet");
  });
});
