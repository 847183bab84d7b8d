import { describe, expect, it } from "vitest";
import { promoteCommand } from "./placeholders";

describe("the command that makes an administrator", () => {
  it("leaves plain names unquoted", () => {
    expect(promoteCommand("alice")).toBe("chinwag user promote alice");
    expect(promoteCommand("王小明")).toBe("chinwag user promote 王小明");
  });

  it("quotes everything that a shell would interpret", () => {
    expect(promoteCommand("a; rm -rf ~")).toBe("chinwag user promote -- 'a; rm -rf ~'");
    expect(promoteCommand("$(id)")).toBe("chinwag user promote -- '$(id)'");
    expect(promoteCommand("o'neil")).toBe(String.raw`chinwag user promote -- 'o'\''neil'`);
    expect(promoteCommand("--help")).toBe("chinwag user promote -- '--help'");
  });
});
