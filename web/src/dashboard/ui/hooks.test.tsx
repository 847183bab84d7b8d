import { render } from "preact";
import { afterEach, beforeAll, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import { type Hook, hooks } from "../model/hooks";
import { WebHooks } from "./hooks";

const NOW = 1_000 * 86_400_000;
const good: Hook = {
  id: "a1",
  host: "ok.example",
  room: 7,
  state: "ok",
  failing_since_ms: null,
  delivered_at_ms: NOW - 120_000,
  error: null,
  given_up: 0,
};
const dead: Hook = {
  ...good,
  id: "b2",
  host: "gone.example",
  room: null,
  state: "dead",
  failing_since_ms: NOW - 2 * 86_400_000,
  delivered_at_ms: null,
  error: "status 410",
  given_up: 1200,
};

function draw(): HTMLElement {
  const root = document.createElement("div");
  render(<WebHooks now={NOW} />, root);
  return root;
}

const row = (root: HTMLElement, at: number) =>
  [...(root.querySelectorAll("tbody tr")[at]?.children ?? [])].map((cell) => cell.textContent);

beforeAll(() => loadTexts("en"));
afterEach(() => {
  hooks.value = null;
});

it("has a row for each webhook, with the state of its deliveries", () => {
  hooks.value = { total: 61, failing: 1, hooks: [dead, good] };
  const root = draw();
  expect(root.querySelector(".card-note")?.textContent).toBe("61 in all, 1 failing");
  expect(row(root, 0)).toEqual([
    "gone.example",
    "Dead, failing for 2d",
    "all rooms",
    "–",
    "1,200",
    "Answers with status 410",
  ]);
  expect(row(root, 1)).toEqual(["ok.example", "OK", "7", "2m ago", "0", "–"]);
  expect(root.querySelectorAll(".state.is-bad")).toHaveLength(1);
});

it("is not there without webhooks, or while none are known", () => {
  expect(draw().textContent).toBe("");
  hooks.value = { total: 0, failing: 0, hooks: [] };
  expect(draw().textContent).toBe("");
});

it("warns only of webhooks that fail", () => {
  hooks.value = { total: 1, failing: 0, hooks: [good] };
  const root = draw();
  expect(root.querySelector("tbody tr")).not.toBeNull();
  expect(root.querySelector(".card-note")).toBeNull();
});
