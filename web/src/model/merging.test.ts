import { describe, expect, it } from "vitest";
import { message } from "../testing/fixtures";
import { mergeMessages, reconcile } from "./merging";

describe("mergeMessages", () => {
  const ids = (messages: { id: number }[]) => messages.map(({ id }) => id);

  it("orders messages and keeps each once", () => {
    const merged = mergeMessages([message(3), message(5)], [message(1), message(3), message(4)], new Set());
    expect(ids(merged)).toEqual([1, 3, 4, 5]);
  });

  it("does not restore deleted messages", () => {
    expect(ids(mergeMessages([message(1)], [message(2)], new Set([2])))).toEqual([1]);
    expect(ids(mergeMessages([message(4)], [message(2), message(3)], new Set([2])))).toEqual([3, 4]);
  });

  it("returns the same list when a deleted message arrives late", () => {
    const known = [message(1)];
    expect(mergeMessages(known, [message(2)], new Set([2]))).toBe(known);
  });
});

describe("reconcile", () => {
  const kept = (known: number[], page: number[], isWhole: boolean) =>
    reconcile(
      known.map((id) => message(id)),
      page.map((id) => message(id)),
      isWhole,
    ).map(({ id }) => id);

  it("drops messages that were deleted during a disconnection", () => {
    expect(kept([1, 2, 3, 4], [2, 4], false)).toEqual([1, 2, 4]);
    expect(kept([1, 2, 3], [2, 3], true)).toEqual([2, 3]);
  });

  it("keeps messages that are newer or older than the page", () => {
    expect(kept([1, 3, 4, 9], [3, 4], false)).toEqual([1, 3, 4, 9]);
    expect(kept([3, 4, 9], [1, 2, 3, 4], false)).toEqual([3, 4, 9]);
  });

  it("drops messages older than a gap even if newer ones arrived as events", () => {
    expect(kept([1, 2, 8], [7, 8], false)).toEqual([]);
    expect(kept([1, 2, 9], [7, 8], false)).toEqual([9]);
  });

  it("drops everything if the page does not reach back", () => {
    expect(kept([1, 2, 3], [7, 8], false)).toEqual([]);
  });

  it("drops everything if the room is empty", () => {
    expect(kept([1, 2], [], true)).toEqual([]);
  });
});
