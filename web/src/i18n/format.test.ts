import { beforeAll, describe, expect, it } from "vitest";
import { loadTexts } from ".";
import { briefTime, dayText, sizeText } from "./format";

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

  it("formats sizes", () => {
    expect(sizeText(0)).toBe("0 byte");
    expect(sizeText(48_213)).toBe("48 kB");
    expect(sizeText(1_843_221)).toBe("1.8 MB");
  });
});
