import { expect, it } from "vitest";
import { fileUrl, foreignHost, httpUrl } from "./urls";

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

it("finds the uploads of this server by their path", () => {
  expect(fileUrl("/uploads/chat/a.txt")).toBe(`${location.origin}/uploads/chat/a.txt`);
  expect(fileUrl("https://example.org/uploads/a.png")).toBe("https://example.org/uploads/a.png");
  for (const text of ["/elsewhere/a.png", "uploads/a.png", "//example.org/a.png", "a text", ""]) {
    expect(fileUrl(text), text).toBeNull();
  }
  // A path never leads to another host.
  for (const text of ["/uploads//example.org/a.png", "/uploads/../\\example.org", "/uploads/@example.org"]) {
    expect(foreignHost(fileUrl(text) ?? "https://example.org"), text).toBeNull();
  }
});

it("names the hosts that this page did not come from", () => {
  expect(foreignHost(`${location.origin}/uploads/images/a.png`)).toBeNull();
  expect(foreignHost("https://a@example.org:8443/a.png")).toBe("example.org:8443");
});
