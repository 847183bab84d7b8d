import { describe, expect, it } from "vitest";
import { parsePlace, place, placeUrl, show } from "./place";

describe("the address", () => {
  it("is read with its range and node", () => {
    expect(parsePlace("?range=6h&node=n1")).toEqual({ range: "6h", node: "n1" });
  });

  it("falls back to an hour of all nodes", () => {
    expect(parsePlace("?range=2d&node=")).toEqual({ range: "1h", node: null });
  });

  it("leaves out what goes without saying", () => {
    expect(placeUrl({ range: "1h", node: null })).toBe("/dashboard");
    expect(placeUrl({ range: "24h", node: null })).toBe("/dashboard?range=24h");
  });

  it("survives a node of any name", () => {
    const odd = { range: "6h", node: "a b&c=ü" } as const;
    expect(parsePlace(placeUrl(odd).split("?")[1] ?? "")).toEqual(odd);
  });

  it("follows what is shown, and going back", () => {
    const before = history.length;
    show({ node: "n2" });
    show({ node: "n2" });
    expect(location.search).toBe("?node=n2");
    expect(history.length).toBe(before + 1);
    history.replaceState(null, "", "/dashboard?range=6h");
    dispatchEvent(new PopStateEvent("popstate"));
    expect(place.value).toEqual({ range: "6h", node: null });
  });
});
