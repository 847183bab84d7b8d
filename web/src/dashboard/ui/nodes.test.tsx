import { render } from "preact";
import { beforeAll, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import type { LostNode, Metrics, Node, Redis } from "../model/metrics";
import { Nodes } from "./nodes";
import { Status } from "./status";

const NOW = 10_000_000;
const redis = { is_up: true, role: "master", version: "7", memory_bytes: 1, memory_limit_bytes: 0 };

const node = (id: string, part: Partial<Node> = {}): Node => ({
  id,
  version: "1",
  started_ms: 0,
  seen_ms: NOW,
  address: "10.0.0.1:80",
  is_ready: true,
  cpu_percent: 1,
  memory_bytes: 1,
  sockets: 1,
  queued_bytes: 0,
  lag_ms: 1,
  clock_offset_ms: 0,
  ...part,
});

function draw(nodes: Node[], lost?: LostNode[]): HTMLElement {
  const root = document.createElement("div");
  const metrics = { nodes, lost, now_ms: NOW, redis: redis as Redis } as unknown as Metrics;
  render(
    <>
      <Status metrics={metrics} />
      <Nodes metrics={metrics} />
    </>,
    root,
  );
  return root;
}

const state = (root: HTMLElement) => root.querySelector(".strip-item .state");

beforeAll(() => loadTexts("en"));

it.each([
  ["all are ready", [node("a"), node("b")], [], "2 of 2 ready", "good"],
  ["one is not", [node("a"), node("b", { is_ready: false })], [], "1 of 2 ready", "warn"],
  ["one was lost", [node("a")], [{ id: "b", seen_ms: NOW }], "1 of 1 ready · 1 lost", "bad"],
  ["an earlier version tells no lost ones", [node("a")], undefined, "1 of 1 ready", "good"],
  ["there is none", [], [], "No node reports", "bad"],
])("the line about the nodes says it when %s", (_, nodes, lost, text, kind) => {
  const shown = state(draw(nodes, lost));
  expect(shown?.textContent).toContain(text);
  expect(shown?.className).toContain(kind);
});

it("lists lost nodes below the others, with the time at which they were seen", () => {
  const rows = draw([node("a")], [{ id: "b", seen_ms: NOW - 5 * 60_000 }]).querySelectorAll("tbody tr");
  expect(rows).toHaveLength(2);
  const [first, second] = [...rows].map((row) => [...row.children].map((cell) => cell.textContent));
  expect(second?.[0]).toBe("b");
  expect(second?.[1]).toMatch(/^Lost, last seen 5/);
  expect(second).toHaveLength(first?.length ?? 0);
});

it("lists lost nodes also when no other reports", () => {
  expect(draw([], [{ id: "b", seen_ms: NOW }]).querySelectorAll("tbody tr")).toHaveLength(1);
});
