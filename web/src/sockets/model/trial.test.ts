import { expect, it } from "vitest";
import { pretty } from "./trial";

it("shows JSON with line breaks, and all else as it is", () => {
  expect(pretty('{"type":"ping"}')).toBe('{\n  "type": "ping"\n}');
  expect(pretty("not JSON {")).toBe("not JSON {");
});

it("keeps numbers that JavaScript cannot hold", () => {
  expect(pretty('{"id":9007199254740993}')).toContain("9007199254740993");
});
