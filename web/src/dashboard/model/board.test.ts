import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startSession, token } from "../../model/session";
import { ApiError } from "../../net/http";
import { ageMs, askNow, failure, isLive, isOfPlace, metrics, STALE_MS, start, troubleOf } from "./board";
import { place, show } from "./place";
import { EVERY_MS } from "./poll";

/** What the server answers until it is told otherwise: a status, or nothing at all. */
let status: number | "nothing" = 200;
const asked: string[] = [];

async function serve(address: string): Promise<Response> {
  asked.push(address);
  if (status === "nothing") throw new TypeError("failed to fetch");
  const query = new URL(address, "http://node").searchParams;
  const body = { range: query.get("range"), node: query.get("node"), series: { at_ms: [] }, current: {} };
  return new Response(JSON.stringify(status === 200 ? body : { error: "no" }), { status });
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeAll(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", serve);
  startSession("token");
  start();
  await settle();
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
beforeEach(async () => {
  status = 200;
  askNow();
  await settle();
});

describe("the board", () => {
  it("is live while answers come", async () => {
    await vi.advanceTimersByTimeAsync(EVERY_MS * 20);
    expect(isLive.value).toBe(true);
    expect(failure.value).toBeNull();
  });

  it("keeps what it has when the server goes, and says so", async () => {
    status = "nothing";
    await vi.advanceTimersByTimeAsync(STALE_MS + EVERY_MS);
    expect(isLive.value).toBe(false);
    expect(ageMs.value).toBeGreaterThan(STALE_MS);
    expect(failure.value?.trouble).toBe("unreachable");
    expect(metrics.value).not.toBeNull();
  });

  it("asks at once for another view, and calls the former one by its name", async () => {
    const before = asked.length;
    show({ node: "n1" });
    expect(isOfPlace.value).toBe(false);
    expect(isLive.value).toBe(false);
    await settle();
    expect(asked.slice(before)).toEqual(["/dashboard/figures?range=1h&node=n1"]);
    expect(isOfPlace.value).toBe(true);
    show({ node: null });
    await settle();
    expect(metrics.value?.node).toBeNull();
  });

  it("shows nothing to who is no administrator, and stops asking", async () => {
    status = 403;
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(failure.value?.trouble).toBe("forbidden");
    expect(metrics.value).toBeNull();
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked.length).toBe(before);
  });

  it("ends the session that the server refuses", async () => {
    status = 401;
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(token.value).toBeNull();
    expect(place.value).toEqual({ range: "1h", node: null });
  });
});

describe("troubles", () => {
  it("are told apart", () => {
    const of = (status: number) => troubleOf(new ApiError(status, "")).trouble;
    expect([0, 400, 403, 404, 408, 429, 500, 502, 503].map(of)).toEqual([
      "unreachable",
      "refused",
      "forbidden",
      "refused",
      "server",
      "server",
      "server",
      "server",
      "away",
    ]);
    expect(troubleOf(new Error("odd")).trouble).toBe("unreachable");
  });
});
