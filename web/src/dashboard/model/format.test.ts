import { afterEach, describe, expect, it } from "vitest";
import { lang } from "../../settings/preferences";
import {
  agoText,
  axisText,
  durationText,
  format,
  formatText,
  NO_VALUE,
  rowTimeText,
  tickText,
} from "./format";

afterEach(() => {
  lang.value = "en";
});
lang.value = "en";

describe("numbers", () => {
  it("that are missing are not zero", () => {
    expect(formatText(null, "ms")).toBe(NO_VALUE);
    expect(formatText(undefined, "count")).toBe(NO_VALUE);
    expect(formatText(Number.NaN, "bytes")).toBe(NO_VALUE);
    expect(formatText(0, "count")).toBe("0");
  });

  it("have about three digits", () => {
    expect(formatText(0.416, "ms")).toBe("0.42 ms");
    expect(formatText(4.16, "ms")).toBe("4.2 ms");
    expect(formatText(416.4, "ms")).toBe("416 ms");
    expect(formatText(4160, "ms")).toBe("4.2 s");
    expect(formatText(12.34, "percent")).toBe("12.3%");
  });

  it("of bytes use powers of 1024", () => {
    expect(formatText(1023, "bytes")).toBe("1,023 B");
    expect(formatText(1024, "bytes")).toBe("1 KB");
    expect(format(1.5 * 1024 ** 2, "bytes")).toEqual({ number: "1.5", unit: "MB" });
    expect(formatText(268435456, "bytes")).toBe("256 MB");
  });

  it("are grouped and shortened by the rules of the language", () => {
    expect(formatText(1284117, "count")).toBe("1,284,117");
    expect(axisText(15_000, "count")).toBe("15K");
    lang.value = "zh";
    expect(axisText(150_000, "count")).toBe("15万");
  });
});

describe("times", () => {
  it("show the two largest parts of a duration", () => {
    expect(durationText(0)).toBe("0s");
    expect(durationText(42)).toBe("42s");
    expect(durationText(3 * 86_400 + 2 * 3_600 + 59)).toBe("3d 2h");
    expect(durationText(3_600)).toBe("1h");
    lang.value = "zh";
    expect(durationText(125)).toBe("2分钟 5秒");
  });

  it("show ages in seconds, minutes or hours", () => {
    expect(agoText(12_400)).toBe("12s ago");
    expect(agoText(125_000)).toBe("2m ago");
    expect(agoText(7_300_000)).toBe("2h ago");
  });

  it("are local, with the day unless it is today", () => {
    const now = new Date(2026, 10, 21, 14, 30).getTime();
    expect(rowTimeText(new Date(2026, 10, 21, 9, 5).getTime(), now)).toBe("09:05");
    expect(rowTimeText(new Date(2026, 10, 20, 9, 5).getTime(), now)).toBe("Nov 20 09:05");
    expect(tickText(new Date(2026, 10, 21).getTime())).toBe("Nov 21");
  });
});
