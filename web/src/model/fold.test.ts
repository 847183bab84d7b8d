import { describe, expect, it } from "vitest";
import { foldAt } from "./fold";

const folded = (text: string) => text.slice(0, foldAt(text) ?? text.length);

describe("foldAt", () => {
  it.each([
    ["", "nothing"],
    ["short", "a word"],
    ["line\n".repeat(20), "some lines"],
    ["word ".repeat(300), "1,500 letters"],
    ["字".repeat(750), "750 wide characters"],
  ])("leaves %j as it is: %s", (text) => expect(foldAt(text)).toBeNull());

  it("keeps the first lines of many", () => {
    const text = Array.from({ length: 40 }, (_, at) => `line ${at + 1}`).join("\n");
    expect(folded(text).split("\n")).toHaveLength(14);
    expect(folded(text)).toMatch(/line 14$/);
  });

  it("ends between words", () => {
    const text = "wording ".repeat(300);
    expect(folded(text)).toMatch(/wording$/);
    expect(folded(text).length).toBeGreaterThan(880);
  });

  it("counts wide characters twice, and never splits one", () => {
    expect(folded("字".repeat(2000))).toHaveLength(450);
    const emoji = `x${"😀".repeat(2000)}`;
    expect(folded(emoji)).toMatch(/^x(😀)+$/u);
  });

  it("hides more than the line that tells so", () => {
    for (let lines = 1; lines < 60; lines += 1) {
      const text = "a\n".repeat(lines);
      const hidden = text.length - folded(text).length;
      expect(hidden === 0 || hidden >= 8).toBe(true);
    }
  });
});
