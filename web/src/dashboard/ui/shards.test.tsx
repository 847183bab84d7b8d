import { render } from "preact";
import { beforeAll, describe, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import type { Metrics, Redis, Shard } from "../model/metrics";
import { Shards } from "./shards";
import { Status } from "./status";

const MB = 1024 * 1024;

const up: Shard = {
  address: "10.0.0.1:6379",
  is_up: true,
  role: "master",
  version: "7.2.4",
  slots: 8192,
  memory_bytes: 60 * MB,
  memory_limit_bytes: 100 * MB,
  clients: 18,
  commands_per_sec: 412,
  replicas: 1,
  lag_bytes: 14,
  uptime_secs: 3600,
};
const away: Shard = {
  ...up,
  address: "10.0.0.2:6379",
  is_up: false,
  role: "",
  memory_bytes: 0,
  lag_bytes: null,
};

const metricsOf = (shards?: Shard[]) =>
  ({
    nodes: [],
    now_ms: 0,
    redis: {
      ...up,
      is_embedded: false,
      replicas_wanted: 0,
      replicas_in_force: 0,
      shards,
    } as unknown as Redis,
  }) as unknown as Metrics;

function draw(shards?: Shard[]): HTMLElement {
  const root = document.createElement("div");
  const metrics = metricsOf(shards);
  render(
    <>
      <Status metrics={metrics} />
      <Shards metrics={metrics} />
    </>,
    root,
  );
  return root;
}

const row = (root: HTMLElement, at: number) =>
  [...(root.querySelectorAll("tbody tr")[at]?.children ?? [])].map((cell) => cell.textContent);

describe("the table of shards", () => {
  beforeAll(() => loadTexts("en"));

  it.each([[undefined], [[]]])("is not there for a single server", (shards) => {
    const root = draw(shards);
    expect(root.querySelector("table")).toBeNull();
    expect(root.textContent).toContain("primary · 7.2.4");
  });

  it("has a row for each shard, with what it uses and how far its replicas are behind", () => {
    const root = draw([up, away]);
    expect(row(root, 0)).toEqual([
      "10.0.0.1:6379",
      "primary · 7.2.4",
      "8,192",
      "60 MB of 100 MB",
      "412/s",
      "18",
      "1",
      "14 B",
      "1h",
    ]);
  });

  it("shows a shard that does not answer without numbers, and the cluster as incomplete", () => {
    const root = draw([up, away]);
    expect(row(root, 1)).toEqual(["10.0.0.2:6379", "Unreachable", "8,192", "–", "–", "–", "–", "–", "–"]);
    expect(root.querySelector("dl")?.textContent).toContain("1 of 2 shards · 7.2.4");
  });
});
