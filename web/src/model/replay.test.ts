import { beforeEach, expect, it, vi } from "vitest";
import { awaitReplay, endReplay, noteReplayed } from "./replay";

beforeEach(() => {
  vi.useFakeTimers();
});

/** The result of a replay, `null` until it has ended. */
function watch(replay: Promise<boolean>) {
  const watched: { result: boolean | null } = { result: null };
  void replay.then((result) => {
    watched.result = result;
  });
  return watched;
}

it("ends when the events of every room have arrived", async () => {
  const replay = watch(awaitReplay([1, 2]));
  noteReplayed(1);
  noteReplayed(3);
  await vi.advanceTimersByTimeAsync(100);
  expect(replay.result).toBeNull();
  noteReplayed(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(replay.result).toBe(true);
});

it("ends at once without rooms, and on demand", async () => {
  expect(await awaitReplay([])).toBe(true);
  const replay = watch(awaitReplay([1]));
  endReplay();
  await vi.advanceTimersByTimeAsync(0);
  expect(replay.result).toBe(true);
});

it("does not last for ever if a room gets no answer", async () => {
  const replay = watch(awaitReplay([1]));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(replay.result).toBe(true);
});

it("is superseded by the replay of a later connection", async () => {
  const first = watch(awaitReplay([1]));
  const second = watch(awaitReplay([2]));
  await vi.advanceTimersByTimeAsync(0);
  expect([first.result, second.result]).toEqual([false, null]);
  noteReplayed(2);
  await vi.advanceTimersByTimeAsync(0);
  expect([first.result, second.result]).toEqual([false, true]);
});
