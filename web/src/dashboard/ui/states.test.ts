import { describe, expect, it } from "vitest";
import { promotion } from "./states";

describe("the command that makes an administrator", () => {
  it("names plain names plainly", () => {
    expect(promotion("alice")).toBe("chinwag user promote alice");
    expect(promotion("王小明")).toBe("chinwag user promote 王小明");
  });

  it("leaves nothing to a shell", () => {
    expect(promotion("a; rm -rf ~")).toBe("chinwag user promote -- 'a; rm -rf ~'");
    expect(promotion("$(id)")).toBe("chinwag user promote -- '$(id)'");
    expect(promotion("o'neil")).toBe(String.raw`chinwag user promote -- 'o'\''neil'`);
    expect(promotion("--help")).toBe("chinwag user promote -- '--help'");
  });
});
