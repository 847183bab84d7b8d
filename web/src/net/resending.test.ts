import { expect, it } from "vitest";
import { newClientId, resendWaitMs } from "./resending";

it("waits as long as the server asks, within bounds", () => {
  const waits = [undefined, null, 0, 700, 3600_000];
  expect(waits.map((retryAfterMs) => resendWaitMs({ code: "rate_limited", retryAfterMs }))).toEqual([
    1500, 1500, 250, 700, 30_000,
  ]);
});

it("is done only after what passes", () => {
  const codes = ["unavailable", "timeout", "forbidden", "lost", "expired"];
  expect(codes.map((code) => resendWaitMs({ code }))).toEqual([1500, 1500, null, null, null]);
});

it("makes distinct ids", () => {
  const ids = new Set(Array.from({ length: 100 }, newClientId));
  expect(ids.size).toBe(100);
});
