import { describe, expect, it } from "vitest";
import { changeView, parseView, view, viewUrl } from "./view";

describe("the address", () => {
  it("names the range and the node", () => {
    expect(parseView("?range=6h&node=n1")).toEqual({ range: "6h", node: "n1" });
  });

  it("falls back to one hour of all nodes", () => {
    expect(parseView("?range=2d&node=")).toEqual({ range: "1h", node: null });
  });

  it("leaves out the defaults", () => {
    expect(viewUrl({ range: "1h", node: null })).toBe("/dashboard");
    expect(viewUrl({ range: "24h", node: null })).toBe("/dashboard?range=24h");
  });

  it("encodes node names", () => {
    const odd = { range: "6h", node: "a b&c=ü" } as const;
    expect(parseView(viewUrl(odd).split("?")[1] ?? "")).toEqual(odd);
  });

  it("follows changes of the view and the back button", () => {
    const before = history.length;
    changeView({ node: "n2" });
    changeView({ node: "n2" });
    expect(location.search).toBe("?node=n2");
    expect(history.length).toBe(before + 1);
    history.replaceState(null, "", "/dashboard?range=6h");
    dispatchEvent(new PopStateEvent("popstate"));
    expect(view.value).toEqual({ range: "6h", node: null });
  });
});
