import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EVERY_MS, Poller, retryMs } from "./poll";

type Answer = { resolve: (data: string) => void; reject: (error: unknown) => void; signal: AbortSignal };

function poller() {
  const asked: Answer[] = [];
  const seen: string[] = [];
  const failed: (number | null)[] = [];
  const it = new Poller<string>({
    load: (signal) => new Promise((resolve, reject) => asked.push({ resolve, reject, signal })),
    onData: (data) => seen.push(data),
    onError: (_, retryAt) => failed.push(retryAt),
    isFinal: (error) => error === "final",
  });
  const answer = async (at: number, data: string) => {
    asked[at]?.resolve(data);
    await vi.advanceTimersByTimeAsync(0);
  };
  const fail = async (at: number, error = "error") => {
    asked[at]?.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { it, asked, seen, failed, answer, fail };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("asking again and again", () => {
  it("waits for the answer before it asks anew", async () => {
    const { it, asked, seen, answer } = poller();
    it.ask();
    await vi.advanceTimersByTimeAsync(EVERY_MS * 5);
    expect(asked).toHaveLength(1);
    await answer(0, "a");
    expect(seen).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(asked).toHaveLength(2);
  });

  it("slows down while it fails and is quick again afterwards", async () => {
    const { it, asked, failed, answer, fail } = poller();
    it.ask();
    const began = Date.now();
    await fail(0);
    expect(failed[0]).toBe(began + EVERY_MS);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    await fail(1);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(asked).toHaveLength(3);
    await answer(2, "a");
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(asked).toHaveLength(4);
  });

  it("stops at an error that will not pass", async () => {
    const { it, asked, failed, fail } = poller();
    it.ask();
    await fail(0, "final");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(failed).toEqual([null]);
    expect(asked).toHaveLength(1);
  });

  it("asks nothing while nobody looks, and at once when somebody does", async () => {
    const { it, asked, seen, answer } = poller();
    it.ask();
    it.sleep();
    await answer(0, "a");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(seen).toEqual(["a"]);
    expect(asked).toHaveLength(1);
    it.wake();
    it.wake();
    expect(asked).toHaveLength(2);
  });

  it("gives up an answer that is no longer wanted", async () => {
    const { it, asked, seen, failed, answer, fail } = poller();
    it.ask();
    it.ask();
    expect(asked[0]?.signal.aborted).toBe(true);
    await fail(0);
    await answer(1, "b");
    expect(seen).toEqual(["b"]);
    expect(failed).toEqual([]);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(asked).toHaveLength(3);
  });

  it("never waits less than usual nor more than 20 seconds", () => {
    for (let failures = 1; failures < 40; failures += 1) {
      for (const random of [0, 0.5, 1]) {
        expect(retryMs(failures, () => random)).toBeGreaterThanOrEqual(EVERY_MS);
        expect(retryMs(failures, () => random)).toBeLessThanOrEqual(20_000);
      }
    }
  });
});
