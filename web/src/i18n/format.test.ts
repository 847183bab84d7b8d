import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadTexts } from ".";
import { briefTime, dayText, sinceText } from "./format";
import { durationText, sizeText } from "./units";

describe("format", () => {
  beforeAll(() => loadTexts("en"));

  it("shortens times for lists", () => {
    const now = new Date(2026, 5, 17, 15, 0).getTime();
    expect(briefTime(new Date(2026, 5, 17, 9, 5).getTime(), now)).toMatch(/9:05/);
    expect(briefTime(new Date(2026, 5, 16, 23, 0).getTime(), now)).toBe("Yesterday");
    expect(briefTime(new Date(2026, 5, 14).getTime(), now)).toBe("Sun");
    expect(briefTime(new Date(2026, 1, 3).getTime(), now)).toBe("Feb 3");
    expect(briefTime(new Date(2024, 1, 3).getTime(), now)).toBe("2/3/2024");
    expect(dayText(now, now)).toBe("Today");
  });

  it("names times within a sentence", () => {
    const now = new Date(2026, 5, 17, 15, 0).getTime();
    expect(sinceText(new Date(2026, 5, 17, 9, 5).getTime(), now)).toMatch(/9:05/);
    expect(sinceText(new Date(2026, 5, 16, 23, 0).getTime(), now)).toBe("yesterday");
    expect(sinceText(new Date(2026, 5, 12).getTime(), now)).toBe("Friday");
    expect(sinceText(new Date(2026, 5, 11).getTime(), now)).toBe("Jun 11");
    expect(sinceText(new Date(2024, 1, 3).getTime(), now)).toBe("2/3/2024");
  });

  it("counts days by the calendar, also where one has 23 or 25 hours", () => {
    vi.stubEnv("TZ", "Europe/Berlin");
    const cases: [string, string, string][] = [
      ["2026-10-24T22:00", "2026-10-25T23:30", "Yesterday"],
      ["2026-10-25T00:10", "2026-10-25T23:50", "Today"],
      ["2026-10-25T12:00", "2026-10-26T00:30", "Yesterday"],
      ["2026-03-28T23:45", "2026-03-30T00:30", "Saturday, March 28"],
      ["2026-03-29T12:00", "2026-03-30T00:30", "Yesterday"],
      ["2025-12-31T23:00", "2026-01-01T00:30", "Yesterday"],
    ];
    const at = (text: string) => new Date(text).getTime();
    expect((at("2026-10-26T00:00") - at("2026-10-25T00:00")) / 3_600_000).toBe(25);
    for (const [time, now, text] of cases) expect(dayText(at(time), at(now)), time).toBe(text);
    expect(briefTime(at("2026-03-28T23:45"), at("2026-03-30T00:30"))).toBe("Sat");
    vi.unstubAllEnvs();
  });

  it("follows the day", async () => {
    vi.useFakeTimers({ now: new Date(2026, 5, 17, 23, 59) });
    vi.resetModules();
    const format = await import("./format");
    await (await import(".")).loadTexts("en");
    const { effect } = await import("@preact/signals");
    const shown: string[] = [];
    const at = Date.now();
    effect(() => void shown.push(format.dayText(at)));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(shown).toEqual(["Today", "Yesterday"]);
    vi.useRealTimers();
  });

  it("formats sizes", () => {
    expect([0, 1, 193].map(sizeText)).toEqual(["0 bytes", "1 byte", "193 bytes"]);
    expect(sizeText(48_213)).toBe("48 kB");
    expect(sizeText(1_843_221)).toBe("1.8 MB");
  });

  it("formats durations", () => {
    expect([10, 60, 90, 900, 3600, 21_600].map(durationText)).toEqual([
      "10 seconds",
      "1 minute",
      "90 seconds",
      "15 minutes",
      "1 hour",
      "6 hours",
    ]);
  });
});
