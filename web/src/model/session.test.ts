import { describe, expect, it } from "vitest";
import { safeNext } from "./session";

describe("where one goes after the login", () => {
  it("is the chat or the dashboard, with what was shown there", () => {
    expect(safeNext("/chat?room=7")).toBe("/chat?room=7");
    expect(safeNext("/dashboard?range=6h&node=n1")).toBe("/dashboard?range=6h&node=n1");
  });

  it("is nowhere else", () => {
    for (const next of [
      undefined,
      "",
      "/dashboards",
      "/dashboard/figures",
      "//evil.example/chat",
      "/login",
    ]) {
      expect(safeNext(next)).toBe("/chat");
    }
  });
});
