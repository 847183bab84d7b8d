import { render } from "preact";
import { beforeAll, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import type { Incident, Objective as Met, Metrics } from "../model/metrics";
import { Incidents } from "./incidents";
import { Objective } from "./objective";
import { SlowRoutes } from "./tables";

const NOW = Date.parse("2026-03-05T12:00:00");

function draw(part: Partial<Metrics>): HTMLElement {
  const root = document.createElement("div");
  const metrics = { now_ms: NOW, ...part } as Metrics;
  render(
    <>
      <Objective metrics={metrics} />
      <SlowRoutes metrics={metrics} />
      <Incidents metrics={metrics} />
    </>,
    root,
  );
  return root;
}

const objective = (percent: number | null, burn_rate: number | null): Met => ({
  within_ms: 250,
  target_percent: 99.9,
  last_hour: { deliveries: 20_000, percent, burn_rate },
  last_day: { deliveries: 0, percent: null, burn_rate: null },
});

beforeAll(() => loadTexts("en"));

it.each([
  [100, 0, "100% of 20,000", "good"],
  [99.985, 0.15, "99.985% of 20,000", "good"],
  [99.8, 2, "99.8% of 20,000", "warn"],
  [98, 20, "98% of 20,000", "bad"],
])("shows a share of %d percent as it is", (percent, burn, text, kind) => {
  const root = draw({ objective: objective(percent, burn) });
  expect(root.textContent).toContain("99.9% of deliveries within 250 ms");
  const state = root.querySelector("[data-objective=hour] .state");
  expect(state?.textContent).toBe(text);
  expect(state?.className).toContain(kind);
  expect(root.querySelector("[data-objective=day] dd")?.textContent).toBe("No deliveries");
});

it("lists the slowest routes and what happened, and nothing for a node of an earlier version", () => {
  const incidents = [
    { at_ms: NOW - 60_000, kind: "failover", subject: "10.0.0.9:6379" },
    { at_ms: NOW - 90_000, kind: "comet", subject: "x" } as unknown as Incident,
    { at_ms: NOW - 26 * 3_600_000, kind: "memory_full", subject: "" },
  ] as Incident[];
  const slow_routes = [{ route: "POST /api/v1/auth/login", count: 3, p50: 212, p99: 1510 }];
  const root = draw({ incidents, slow_routes });
  const cells = (select: string) => [...root.querySelectorAll(select)].map((cell) => cell.textContent);
  expect(cells("[data-table=slow] tbody > * > *")).toEqual([
    "POST /api/v1/auth/login",
    "3",
    "212 ms",
    "1.5 s",
  ]);
  expect(cells("[data-table=incidents] tbody > * > *")).toEqual([
    "11:59",
    "Another Redis server took over",
    "10.0.0.9:6379",
    "Mar 4 10:00",
    "Redis memory nearly full",
    "All nodes",
  ]);
  expect(draw({}).textContent).toBe("");
});
