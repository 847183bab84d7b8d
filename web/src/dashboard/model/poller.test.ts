import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { INTERVAL_MS, Poller, retryMs } from "./poller";

type Answer = { resolve: (data: string) => void; reject: (error: unknown) => void; signal: AbortSignal };

function startTest() {
  const requests: Answer[] = [];
  const seen: string[] = [];
  const failed: (number | null)[] = [];
  const poller = new Poller<string>({
    load: (signal) => new Promise((resolve, reject) => requests.push({ resolve, reject, signal })),
    onData: (data) => seen.push(data),
    onError: (_, retryAt) => failed.push(retryAt),
    isFinal: (error) => error === "final",
  });
  const answer = async (at: number, data: string) => {
    requests[at]?.resolve(data);
    await vi.advanceTimersByTimeAsync(0);
  };
  const fail = async (at: number, error = "error") => {
    requests[at]?.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { poller, requests, seen, failed, answer, fail };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("polling", () => {
  it("waits for an answer before the next request", async () => {
    const { poller, requests, seen, answer } = startTest();
    poller.pollNow();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS * 5);
    expect(requests).toHaveLength(1);
    await answer(0, "a");
    expect(seen).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(requests).toHaveLength(2);
  });

  it("slows down after failures and recovers after an answer", async () => {
    const { poller, requests, failed, answer, fail } = startTest();
    poller.pollNow();
    const began = Date.now();
    await fail(0);
    expect(failed[0]).toBe(began + INTERVAL_MS);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    await fail(1);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(requests).toHaveLength(3);
    await answer(2, "a");
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(requests).toHaveLength(4);
  });

  it("stops at a final failure", async () => {
    const { poller, requests, failed, fail } = startTest();
    poller.pollNow();
    await fail(0, "final");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(failed).toEqual([null]);
    expect(requests).toHaveLength(1);
  });

  it("requests nothing while paused, and resumes at once", async () => {
    const { poller, requests, seen, answer } = startTest();
    poller.pollNow();
    poller.pause();
    await answer(0, "a");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(seen).toEqual(["a"]);
    expect(requests).toHaveLength(1);
    poller.resume();
    poller.resume();
    expect(requests).toHaveLength(2);
  });

  it("ignores the answer of an aborted request", async () => {
    const { poller, requests, seen, failed, answer, fail } = startTest();
    poller.pollNow();
    poller.pollNow();
    expect(requests[0]?.signal.aborted).toBe(true);
    await fail(0);
    await answer(1, "b");
    expect(seen).toEqual(["b"]);
    expect(failed).toEqual([]);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(requests).toHaveLength(3);
  });

  it("waits at least the interval and at most 20 seconds", () => {
    for (let failures = 1; failures < 40; failures += 1) {
      for (const random of [0, 0.5, 1]) {
        expect(retryMs(failures, () => random)).toBeGreaterThanOrEqual(INTERVAL_MS);
        expect(retryMs(failures, () => random)).toBeLessThanOrEqual(20_000);
      }
    }
  });
});
