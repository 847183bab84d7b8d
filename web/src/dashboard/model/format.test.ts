import { afterEach, describe, expect, it } from "vitest";
import { lang } from "../../settings/preferences";
import { agoText, axisText, NOTHING, rowTime, shown, spanText, text, tickText } from "./format";

afterEach(() => {
  lang.value = "en";
});
lang.value = "en";

describe("metrics", () => {
  it("that were not measured are no zeros", () => {
    expect(text(null, "ms")).toBe(NOTHING);
    expect(text(undefined, "count")).toBe(NOTHING);
    expect(text(Number.NaN, "bytes")).toBe(NOTHING);
    expect(text(0, "count")).toBe("0");
  });

  it("have three digits at most behind their size", () => {
    expect(text(0.416, "ms")).toBe("0.42 ms");
    expect(text(4.16, "ms")).toBe("4.2 ms");
    expect(text(416.4, "ms")).toBe("416 ms");
    expect(text(4160, "ms")).toBe("4.2 s");
    expect(text(12.34, "percent")).toBe("12.3%");
  });

  it("of bytes go by 1024", () => {
    expect(text(1023, "bytes")).toBe("1,023 B");
    expect(text(1024, "bytes")).toBe("1 KB");
    expect(shown(1.5 * 1024 ** 2, "bytes")).toEqual({ number: "1.5", unit: "MB" });
    expect(text(268435456, "bytes")).toBe("256 MB");
  });

  it("are grouped and shortened as the language does", () => {
    expect(text(1284117, "count")).toBe("1,284,117");
    expect(axisText(15_000, "count")).toBe("15K");
    lang.value = "zh";
    expect(axisText(150_000, "count")).toBe("15万");
  });
});

describe("times", () => {
  it("spans have their two largest parts", () => {
    expect(spanText(0)).toBe("0s");
    expect(spanText(42)).toBe("42s");
    expect(spanText(3 * 86_400 + 2 * 3_600 + 59)).toBe("3d 2h");
    expect(spanText(3_600)).toBe("1h");
    lang.value = "zh";
    expect(spanText(125)).toBe("2分钟 5秒");
  });

  it("ages are told in seconds, minutes, hours", () => {
    expect(agoText(12_400)).toBe("12s ago");
    expect(agoText(125_000)).toBe("2m ago");
    expect(agoText(7_300_000)).toBe("2h ago");
  });

  it("are of the viewer's zone, with the day where it is another", () => {
    const now = new Date(2026, 10, 21, 14, 30).getTime();
    expect(rowTime(new Date(2026, 10, 21, 9, 5).getTime(), now)).toBe("09:05");
    expect(rowTime(new Date(2026, 10, 20, 9, 5).getTime(), now)).toBe("Nov 20 09:05");
    expect(tickText(new Date(2026, 10, 21).getTime())).toBe("Nov 21");
  });
});
