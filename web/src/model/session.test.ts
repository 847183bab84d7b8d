import { beforeEach, describe, expect, it, vi } from "vitest";
import { safeNext } from "./session";

beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
  vi.stubGlobal("fetch", async () => new Response("{}"));
});

it("stores the token under the key of document 000", async () => {
  const session = await import("./session");
  session.startSession("a.b.c");
  expect(localStorage.getItem("token")).toBe("a.b.c");
  session.logOut();
  expect(localStorage.getItem("token")).toBeNull();
  expect(session.hasExpired.value).toBe(false);
});

it("tells the server that it ends", async () => {
  localStorage.setItem("token", "old");
  const session = await import("./session");
  const requests: [string, RequestInit][] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    requests.push([path, init]);
    throw new Error("offline");
  });
  session.logOut();
  expect(session.token.value).toBeNull();
  const [path, init] = requests[0] as [string, RequestInit];
  expect([path, init.method, init.body]).toEqual(["/api/v1/auth/logout", "POST", '{"everywhere":false}']);
  expect(init.headers).toMatchObject({ authorization: "Bearer old" });
  session.logOut();
  expect(requests).toHaveLength(1);
});

it("goes on with the new token although the old one is refused before it arrives", async () => {
  localStorage.setItem("token", "old");
  const session = await import("./session");
  const { api } = await import("../net/http");
  vi.stubGlobal("fetch", async (path: string) => {
    if (path !== "/api/v1/me/password") {
      return new Response('{"error":"no","code":"unauthenticated"}', { status: 401 });
    }
    await expect(api.me()).rejects.toMatchObject({ status: 401 });
    return new Response('{"token":"new"}');
  });
  await session.changePassword("a", "b");
  expect(session.token.value).toBe("new");
  expect(session.hasExpired.value).toBe(false);
  await expect(api.me()).rejects.toMatchObject({ status: 401 });
  expect(session.token.value).toBeNull();
});

it("ends when the server refuses the token", async () => {
  localStorage.setItem("token", "old");
  const session = await import("./session");
  const { api } = await import("../net/http");
  vi.stubGlobal(
    "fetch",
    async () =>
      new Response('{"error":"Invalid or missing token","code":"unauthenticated"}', { status: 401 }),
  );
  await expect(api.conversations()).rejects.toMatchObject({ status: 401 });
  expect(session.token.value).toBeNull();
  expect(session.hasExpired.value).toBe(true);
});

it("does not end because of a wrong password or an answer to an older token", async () => {
  localStorage.setItem("token", "new");
  const session = await import("./session");
  const { api } = await import("../net/http");
  const answer = '{"error":"Invalid username or password","code":"bad_credentials"}';
  vi.stubGlobal("fetch", async () => new Response(answer, { status: 401 }));
  await expect(api.logIn("a", "b")).rejects.toMatchObject({ status: 401 });
  expect(session.token.value).toBe("new");
  vi.stubGlobal("fetch", async () => {
    session.startSession("newer");
    return new Response("{}", { status: 401 });
  });
  await expect(api.me()).rejects.toMatchObject({ status: 401 });
  expect(session.token.value).toBe("newer");
});

it("follows logins and logouts in other tabs", async () => {
  const session = await import("./session");
  dispatchEvent(new StorageEvent("storage", { key: "token", newValue: "theirs" }));
  expect(session.token.value).toBe("theirs");
  dispatchEvent(new StorageEvent("storage", { key: "token", newValue: null }));
  expect(session.token.value).toBeNull();
});

describe("safeNext", () => {
  it("allows the chat and the pages of administrators, with their query", () => {
    expect(safeNext("/chat?room=7")).toBe("/chat?room=7");
    expect(safeNext("/dashboard?range=6h&node=n1")).toBe("/dashboard?range=6h&node=n1");
    expect(safeNext("/admin?section=rooms&q=tea")).toBe("/admin?section=rooms&q=tea");
  });

  it("replaces everything else by the chat", () => {
    for (const next of [
      undefined,
      "",
      "/dashboards",
      "/dashboard/figures",
      "/administrators",
      "//evil.example/chat",
      "https://evil.example/chat",
      "/chatter",
      "/chat#x",
      "/login",
    ]) {
      expect(safeNext(next)).toBe("/chat");
    }
  });
});
