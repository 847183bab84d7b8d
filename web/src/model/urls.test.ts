import { expect, it } from "vitest";
import { foreignHost, httpUrl } from "./urls";

it("accepts http and https only", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "//example.org",
    "ftp://example.org",
    "",
    null,
  ]) {
    expect(httpUrl(text)).toBeNull();
  }
  expect(httpUrl("javascript:alert(1)", "https://here.example")).toBeNull();
  expect(httpUrl("", "https://here.example")).toBeNull();
  expect(httpUrl("/uploads/images/a.png", "https://here.example")).toBe(
    "https://here.example/uploads/images/a.png",
  );
  expect(httpUrl("HTTPS://Example.org")).toBe("https://example.org/");
});

it("names the hosts that this page did not come from", () => {
  expect(foreignHost(`${location.origin}/uploads/images/a.png`)).toBeNull();
  expect(foreignHost("https://a@example.org:8443/a.png")).toBe("example.org:8443");
});
