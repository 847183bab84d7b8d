import { describe, expect, it } from "vitest";
import { withOpacity } from "./colours";

describe("colours", () => {
  it("take an opacity", () => {
    expect(withOpacity("rgb(15, 107, 98)", 0.12)).toBe("rgba(15, 107, 98, 0.12)");
    expect(withOpacity("rgb(15, 107, 98)", 1)).toBe("rgb(15, 107, 98)");
  });
});
