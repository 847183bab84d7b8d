import { expect, it } from "vitest";
import { conversation } from "../testing/fixtures";
import { nextRoom } from "./next_room";

const list = [
  conversation(1, { unread: 2 }),
  conversation(2),
  conversation(3, { unread: 1 }),
  conversation(4),
];

it("leads from one conversation to the next, and stops at the ends", () => {
  for (const [open, step, next] of [
    [2, 1, 3],
    [2, -1, 1],
    [4, 1, null],
    [1, -1, null],
    [null, 1, 1],
    [null, -1, 4],
    [99, 1, 1],
  ] as const) {
    expect(nextRoom(list, open, step, false), `${open} ${step}`).toBe(next);
  }
  expect(nextRoom([], null, 1, false)).toBeNull();
});

it("leads to the nearest unread conversation, around the ends, and never to the open one", () => {
  for (const [open, step, next] of [
    [2, 1, 3],
    [3, 1, 1],
    [4, 1, 1],
    [4, -1, 3],
    [1, -1, 3],
    [null, 1, 1],
    [null, -1, 3],
  ] as const) {
    expect(nextRoom(list, open, step, true), `${open} ${step}`).toBe(next);
  }
  expect(nextRoom([conversation(1, { unread: 1 }), conversation(2)], 1, 1, true)).toBeNull();
});
