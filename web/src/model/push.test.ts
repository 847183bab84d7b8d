import { beforeEach, expect, it, vi } from "vitest";

const KEY = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const calls: string[] = [];

class FakeSubscription {
  readonly endpoint: string;
  readonly options: { applicationServerKey: ArrayBuffer };
  constructor(key: Uint8Array<ArrayBuffer>) {
    this.endpoint = "https://push.example/1";
    this.options = { applicationServerKey: key.slice().buffer };
  }
  toJSON() {
    return { endpoint: this.endpoint, keys: { p256dh: "p", auth: "a" } };
  }
  async unsubscribe() {
    calls.push("browser unsubscribes");
    manager.current = null;
    return true;
  }
}

const manager = {
  current: null as FakeSubscription | null,
  getSubscription: async () => manager.current,
  subscribe: async ({ applicationServerKey }: { applicationServerKey: Uint8Array<ArrayBuffer> }) => {
    calls.push("browser subscribes");
    manager.current = new FakeSubscription(applicationServerKey);
    return manager.current;
  },
};

/** A page that is opened by a user with a token. */
async function page(id: number, token = "t") {
  vi.resetModules();
  const session = await import("./session");
  const push = await import("./push");
  session.startSession(token);
  session.noteMe({ id, username: "Bob" } as Parameters<typeof session.noteMe>[0]);
  return { ...session, ...push };
}

let serverKey = KEY;

beforeEach(() => {
  calls.length = 0;
  manager.current = null;
  serverKey = KEY;
  localStorage.clear();
  vi.stubGlobal("PushManager", class {});
  vi.stubGlobal("Notification", { permission: "granted" });
  const getRegistration = async () => ({ pushManager: manager });
  Object.defineProperty(navigator, "serviceWorker", { value: { getRegistration }, configurable: true });
  vi.stubGlobal("fetch", async (path: string, { method }: { method: string }) => {
    if (!path.endsWith("/key") && path.includes("/push/")) calls.push(`server: ${method}`);
    return new Response(JSON.stringify({ public_key: serverKey }));
  });
});

it("subscribes once, and tells the server again with each new token", async () => {
  const first = await page(1);
  expect(first.isPushed.value).toBe(false);
  await first.subscribe();
  expect(first.isPushed.value).toBe(true);
  expect(calls).toEqual(["browser subscribes", "server: POST"]);
  calls.length = 0;
  const second = await page(1, "another token");
  await vi.waitFor(() => expect(calls).toEqual(["server: POST"]));
  expect(second.isPushed.value).toBe(true);
});

it("subscribes anew when the server has another key", async () => {
  await (await page(1)).subscribe();
  calls.length = 0;
  serverKey = KEY.replace("BP4z", "BP4y");
  await page(1);
  const expected = ["browser unsubscribes", "browser subscribes", "server: POST"];
  await vi.waitFor(() => expect(calls).toEqual(expected));
});

it("ends with the log-out, and with another user", async () => {
  const { subscribe, logOut, isPushed } = await page(1);
  await subscribe();
  logOut();
  await vi.waitFor(() => expect(manager.current).toBeNull());
  expect([isPushed.value, localStorage.getItem("chinwag.push")]).toEqual([false, null]);

  await (await page(1)).subscribe();
  calls.length = 0;
  await page(2);
  await vi.waitFor(() => expect(manager.current).toBeNull());
  expect(calls).toEqual(["server: DELETE", "browser unsubscribes"]);
});

it("stays through a session that has expired", async () => {
  const { subscribe, token, hasExpired } = await page(1);
  await subscribe();
  calls.length = 0;
  hasExpired.value = true;
  token.value = null;
  await page(1, "after the log-in");
  await vi.waitFor(() => expect(calls).toEqual(["server: POST"]));
});
