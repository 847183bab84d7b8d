import { expect, it } from "vitest";
import { hue, initials } from "./avatar";

it("makes initials from names in any script", () => {
  expect(initials("alice")).toBe("A");
  expect(initials("Carol Danvers")).toBe("CD");
  expect(initials("李雷")).toBe("李");
  expect(initials("室友 群")).toBe("室");
  expect(initials("a_very_long_name_32c")).toBe("A");
  expect(initials("Дмитрий Иванов")).toBe("ДИ");
  expect(initials("👩‍🚀 crew")).toBe("👩");
  expect(initials("  ")).toBe("?");
});

it("gives the same name the same hue", () => {
  expect(hue("alice")).toBe(hue("alice"));
  expect(hue("alice")).not.toBe(hue("bob"));
  for (const name of ["", "a", "李雷", "x".repeat(100)]) {
    expect(hue(name)).toBeGreaterThanOrEqual(0);
    expect(hue(name)).toBeLessThanOrEqual(360);
  }
});
