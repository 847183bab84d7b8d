import { expect, it } from "vitest";
import { backoffMs, hintedMs } from "./backoff";

it("doubles the wait up to a bound, with jitter", () => {
  const longest = Array.from({ length: 12 }, (_, attempt) => backoffMs(attempt, () => 1));
  const shortest = Array.from({ length: 12 }, (_, attempt) => backoffMs(attempt, () => 0));
  expect(longest.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
  expect(Math.max(...longest)).toBe(20_000);
  for (const [attempt, least] of shortest.entries()) {
    expect(least).toBeGreaterThan(0);
    expect(least).toBeLessThan((longest[attempt] ?? 0) / 2);
  }
});

it("reads the wait that a close reason asks for", () => {
  expect(hintedMs("restart, retry_after_ms=1234")).toBe(1234);
  expect(hintedMs("retry_after_ms=999999")).toBe(60_000);
  expect(hintedMs("retry_after_ms=12345678")).toBeNull();
  expect(hintedMs("restart")).toBeNull();
  expect(hintedMs("")).toBeNull();
});
