import { describe, expect, it } from "vitest";
import { filterView, parseView, showSection, type View, view, viewUrl } from "./view";

describe("the view", () => {
  it("is kept by the address", () => {
    const views: [string, View][] = [
      ["/admin", { section: "users", q: "", kind: null }],
      ["/admin?section=rooms&q=%E8%8C%B6", { section: "rooms", q: "茶", kind: null }],
      ["/admin?section=audit&kind=user", { section: "audit", q: "", kind: "user" }],
      ["/admin?section=audit&kind=hook", { section: "audit", q: "", kind: "hook" }],
    ];
    for (const [url, expected] of views) {
      expect(parseView(new URL(url, location.origin).search)).toEqual(expected);
      expect(viewUrl(expected)).toBe(url);
    }
    expect(parseView("?section=nothing&kind=x")).toEqual({ section: "users", q: "", kind: null });
  });

  it("begins anew in another section, which can be gone back from", () => {
    const before = history.length;
    filterView({ q: "tea" });
    expect(history.length).toBe(before);
    expect(location.search).toBe("?q=tea");
    showSection("audit");
    expect(view.value).toEqual({ section: "audit", q: "", kind: null });
    expect(history.length).toBe(before + 1);
    showSection("audit");
    expect(history.length).toBe(before + 1);
  });
});
