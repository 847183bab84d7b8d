import { beforeEach, expect, it, vi } from "vitest";
import type { Card } from "../net/types";

const card = (id: number, avatar = ""): Card => ({ id, username: `user${id}`, avatar, status_text: "" });
/** The ids of each request. */
let asked: number[][];
let isDown: boolean;

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
  asked = [];
  isDown = false;
  vi.stubGlobal("fetch", async (path: string) => {
    const ids = new URL(path, "http://here").searchParams.get("ids")?.split(",").map(Number) ?? [];
    asked.push(ids);
    if (isDown) throw new Error("down");
    return new Response(
      JSON.stringify(ids.filter((id) => id !== 9).map((id) => card(id, `/${asked.length}`))),
    );
  });
});

it("asks for those who are drawn together in one request, and for each once", async () => {
  const { cards, wantCard } = await import("./people");
  for (const id of [1, 2, 1, 9]) wantCard(id);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([[1, 2, 9]]);
  expect([...cards.value.keys()]).toEqual([1, 2]);
  for (const id of [1, 2, 9, 3]) wantCard(id);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([[1, 2, 9], [3]]);
});

it("asks at once for one whose card is opened, however fresh it is", async () => {
  const { cards, wantCard } = await import("./people");
  wantCard(1);
  wantCard(1, true);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([[1]]);
  wantCard(1, true);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([[1], [1]]);
  expect(cards.value.get(1)?.avatar).toBe("/2");
});

it("asks again after a while, and soon after a failure", async () => {
  const { cards, wantCard } = await import("./people");
  isDown = true;
  wantCard(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(cards.value.size).toBe(0);
  isDown = false;
  wantCard(1);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(cards.value.get(1)?.avatar).toBe("/2");
  wantCard(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(cards.value.get(1)?.avatar).toBe("/3");
});

it("asks for at most a hundred at once", async () => {
  const { cards, wantCard } = await import("./people");
  for (let id = 100; id < 350; id += 1) wantCard(id);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked.map((ids) => ids.length)).toEqual([100, 100, 50]);
  expect(cards.value.size).toBe(250);
});

it("takes cards that came otherwise, and forgets all at the end of a session", async () => {
  const { cards, noteCards, resetCards, wantCard } = await import("./people");
  noteCards([card(1, "/a"), card(2)]);
  noteCards([card(1, "/b")]);
  wantCard(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([]);
  expect(cards.value.get(1)?.avatar).toBe("/b");
  resetCards();
  expect(cards.value.size).toBe(0);
  wantCard(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([[1]]);
});
