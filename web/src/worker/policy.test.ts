import { describe, expect, it } from "vitest";
import type { PushedMessage } from "./messages";
import {
  cacheName,
  isFromServer,
  isGone,
  isOfBuild,
  outdated,
  pushedBody,
  pushedTitle,
  roomUrl,
  sourceOf,
  windowFor,
} from "./policy";

const ORIGIN = "https://chat.example";
const FILES = new Set(["/assets/index-1a2b.js", "/assets/chat-3c4d.css"]);
const source = (path: string, part: { method?: string; mode?: string } = {}) =>
  sourceOf({ method: "GET", mode: "cors", url: new URL(path, ORIGIN).href, ...part }, ORIGIN, FILES);

describe("the source of an answer", () => {
  it("is the cache for files of this build alone", () => {
    expect(source("/assets/index-1a2b.js")).toBe("cache first");
    expect(source("/assets/chat-3c4d.css?again")).toBe("cache first");
    expect(source("/assets/index-9z9z.js")).toBe("network");
    expect(source("https://elsewhere.example/assets/index-1a2b.js")).toBe("network");
    expect(source("/assets/index-1a2b.js", { method: "POST" })).toBe("network");
  });

  it("is the network, then the cache, for pages of the client", () => {
    for (const path of ["/", "/chat", "/chat?room=7", "/login?next=%2Fchat", "/register"]) {
      expect(source(path, { mode: "navigate" }), path).toBe("network first");
      // What is no visit, such as the test of a connection, is not answered from the cache.
      expect(source(path), path).toBe("network");
    }
    expect(source("/login", { mode: "navigate", method: "POST" })).toBe("network");
  });

  it("is the network for everything else", () => {
    const paths = [
      "/api/v1/me",
      "/api/v1/conversations",
      "/uploads/images/a.png",
      "/ws?token=t",
      "/ws/check",
    ];
    const pages = ["/dashboard", "/dashboard/", "/docs/", "/docs/index.html", "/nowhere", "/chat/"];
    for (const path of [...paths, ...pages, "/worker.js", "/app.webmanifest", "/openapi.json"]) {
      expect(source(path), path).toBe("network");
      expect(source(path, { mode: "navigate" }), path).toBe("network");
    }
  });
});

it("a page is of the build if it names files of the build and no others", () => {
  const page = (...names: string[]) =>
    names.map((name) => `<script src="/assets/${name}"></script>`).join("");
  expect(isOfBuild(page("index-1a2b.js", "chat-3c4d.css"), FILES)).toBe(true);
  expect(isOfBuild(page("index-1a2b.js", "chat-5e6f.css"), FILES)).toBe(false);
  expect(isOfBuild("<h1>Sign in to the network</h1>", FILES)).toBe(false);
});

it("caches of other versions are outdated, those of others are not ours", () => {
  const names = [cacheName("one"), cacheName("two"), "another"];
  expect(outdated(names, "two")).toEqual([cacheName("one")]);
});

it("the kept page is shown instead of errors of proxies, not instead of answers", () => {
  expect([200, 304, 404, 429].every(isFromServer)).toBe(true);
  expect([500, 502, 503, 504].some(isFromServer)).toBe(false);
});

it("only a server without a worker ends the worker", () => {
  expect([404, 410].every(isGone)).toBe(true);
  expect([200, 304, 401, 403, 429, 500, 502, 503].some(isGone)).toBe(false);
});

describe("a pushed message", () => {
  const pushed = (part: Partial<PushedMessage>): PushedMessage => ({
    room: 7,
    id: 1,
    direct: false,
    from: "Bob",
    name: "Team",
    kind: "text",
    text: "hello",
    ...part,
  });

  it("is titled as messages of its room are", () => {
    expect(pushedTitle(pushed({}))).toBe("Bob · Team");
    expect(pushedTitle(pushed({ direct: true, name: "" }))).toBe("Bob");
  });

  it("names pictures and files in the language of the browser", () => {
    expect(pushedBody(pushed({}), "zh-CN")).toBe("hello");
    expect(pushedBody(pushed({ text: "**now** at `ten`" }), "en")).toBe("now at ten");
    expect(pushedBody(pushed({ kind: "image", text: "a.png" }), "en-GB")).toBe("[Picture]");
    expect(pushedBody(pushed({ kind: "image", text: "a.png" }), "zh-CN")).toBe("[图片]");
    expect(pushedBody(pushed({ kind: "file", text: "\u202Ea.pdf" }), "en")).toBe("[File] a.pdf");
    expect(pushedBody(pushed({ kind: "audio", text: "" }), "zh")).toBe("[文件]");
  });
});

describe("a notification leads", () => {
  const urls = (...paths: string[]) => paths.map((path) => new URL(path, ORIGIN).href);

  it("to the window that shows its room", () => {
    expect(windowFor(urls("/chat?room=1", "/chat?room=7", "/chat"), 7)).toBe(1);
  });

  it("else to a window of the chat", () => {
    expect(windowFor(urls("/login", "/chat?room=1"), 7)).toBe(1);
    expect(windowFor(urls("/docs/?room=7", "/chat"), 7)).toBe(1);
  });

  it("else to a new window", () => {
    expect(windowFor(urls("/login"), 7)).toBe(-1);
    expect(roomUrl(7)).toBe("/chat?room=7");
  });
});
