import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startSession, token } from "../../model/session";
import { ApiError } from "../../net/http";
import {
  ageMs,
  failure,
  failureOf,
  isCurrentView,
  isLive,
  metrics,
  refreshNow,
  STALE_MS,
  startPolling,
} from "./dashboard";
import { INTERVAL_MS } from "./poller";
import { changeView, view } from "./view";

/** The status of all answers; with "nothing" requests fail. */
let status: number | "nothing" = 200;
const requests: string[] = [];

async function serve(address: string): Promise<Response> {
  requests.push(address);
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
  startPolling();
  await settle();
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
beforeEach(async () => {
  status = 200;
  refreshNow();
  await settle();
});

describe("the dashboard", () => {
  it("is live while answers arrive", async () => {
    await vi.advanceTimersByTimeAsync(INTERVAL_MS * 20);
    expect(isLive.value).toBe(true);
    expect(failure.value).toBeNull();
  });

  it("keeps its metrics as stale ones when the server becomes unreachable", async () => {
    status = "nothing";
    await vi.advanceTimersByTimeAsync(STALE_MS + INTERVAL_MS);
    expect(isLive.value).toBe(false);
    expect(ageMs.value).toBeGreaterThan(STALE_MS);
    expect(failure.value?.kind).toBe("unreachable");
    expect(metrics.value).not.toBeNull();
  });

  it("fetches another view at once, and tells the former metrics apart", async () => {
    const before = requests.length;
    changeView({ node: "n1" });
    expect(isCurrentView.value).toBe(false);
    expect(isLive.value).toBe(false);
    await settle();
    expect(requests.slice(before)).toEqual(["/dashboard/figures?range=1h&node=n1"]);
    expect(isCurrentView.value).toBe(true);
    changeView({ node: null });
    await settle();
    expect(metrics.value?.node).toBeNull();
  });

  it("shows nothing to users who are no administrators, and stops polling", async () => {
    status = 403;
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(failure.value?.kind).toBe("forbidden");
    expect(metrics.value).toBeNull();
    const before = requests.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(requests.length).toBe(before);
  });

  it("ends a session that the server refuses", async () => {
    status = 401;
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(token.value).toBeNull();
    expect(view.value).toEqual({ range: "1h", node: null });
  });
});

describe("failures", () => {
  it("are distinguished by status", () => {
    const of = (status: number) => failureOf(new ApiError(status, "internal")).kind;
    expect([0, 400, 403, 404, 408, 429, 500, 502, 503].map(of)).toEqual([
      "unreachable",
      "refused",
      "forbidden",
      "refused",
      "server",
      "server",
      "server",
      "server",
      "unavailable",
    ]);
    expect(failureOf(new Error("odd")).kind).toBe("unreachable");
  });
});
