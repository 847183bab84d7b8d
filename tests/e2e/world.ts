// What tests share: users, rooms and messages by the APIs; pages of people who are logged in.
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  test as base,
  expect,
  type Locator,
  type Page,
} from "@playwright/test";
import { nodes } from "./servers";

export type { Browser, BrowserContext, CDPSession, Page, Request } from "@playwright/test";
export { expect, nodes };
export const PASSWORD = "correct horse";

let counter = 0;

/** A name that no other test has. */
export function fresh(base: string): string {
  counter += 1;
  return `${base}${process.pid.toString(36)}${Date.now().toString(36).slice(-4)}${counter}`;
}

// --- People, by the APIs ----------------------------------------------------------------------

interface Conversation {
  id: number;
  room_id: string;
}

export class User {
  readonly name: string;
  readonly token: string;
  /** The other name that rooms have, in documents 001 and 003. */
  private readonly texts = new Map<number, string>();

  private constructor(name: string, token: string) {
    this.name = name;
    this.token = token;
  }

  /** Registers someone with exactly this name. */
  static async named(name: string): Promise<User> {
    const body = JSON.stringify({ username: name, password: PASSWORD });
    const headers = { "content-type": "application/json" };
    const post = (path: string) =>
      fetch(`${nodes()[0]}/api/v1/auth/${path}`, { method: "POST", headers, body });
    expect((await post("register")).status, name).toBe(201);
    return new User(name, ((await (await post("login")).json()) as { token: string }).token);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const isForm = body instanceof FormData;
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (body !== undefined && !isForm) headers["content-type"] = "application/json";
    const sent = isForm ? body : body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(nodes()[0] + path, { method, headers, body: sent });
    const text = await answer.text();
    expect(answer.ok, `${method} ${path}: ${answer.status} ${text}`).toBeTruthy();
    return JSON.parse(text) as T;
  }

  async group(name: string, ...members: User[]): Promise<number> {
    const { id } = await this.call<Conversation>("POST", "/api/v1/rooms", { name, is_private: false });
    for (const member of members) {
      await this.call("POST", `/api/v1/rooms/${id}/members`, { username: member.name });
    }
    return id;
  }

  async direct(other: User): Promise<number> {
    const body = { is_private: true, username: other.name };
    return (await this.call<Conversation>("POST", "/api/v1/rooms", body)).id;
  }

  /** A public room, through document 003. */
  async publicRoom(name: string): Promise<void> {
    const form = new FormData();
    form.append("room_name", name);
    await this.call("POST", "/api/chat/rooms", form);
  }

  /** Sends through document 001. */
  async send(room: number, content: string, type = "text"): Promise<void> {
    await this.call("POST", "/api/v1/chat/message", { type, content, group_id: await this.textOf(room) });
  }

  /** Sends a file through document 003. */
  async upload(room: number, name: string, bytes: string): Promise<void> {
    const form = new FormData();
    form.append("room_id", await this.textOf(room));
    form.append("file", new File([bytes], name));
    await this.call("POST", "/api/chat/upload", form);
  }

  /** Sends a picture through documents 000 and 001. */
  async picture(room: number, bytes: Buffer): Promise<void> {
    const form = new FormData();
    form.append("image", new File([new Uint8Array(bytes)], "picture.jpg", { type: "image/jpeg" }));
    const { url } = await this.call<{ url: string }>("POST", "/api/v1/upload/image", form);
    await this.send(room, url, "image");
  }

  /** The texts of a room's newest messages in document 003, oldest first. */
  async texts003(room: number): Promise<string[]> {
    const path = `/api/chat/messages?limit=100&room_id=${await this.textOf(room)}`;
    return (await this.call<{ content: string }[]>("GET", path)).map((it) => it.content).reverse();
  }

  async textOf(room: number): Promise<string> {
    if (!this.texts.has(room)) {
      const all = await this.call<Conversation[]>("GET", "/api/v1/conversations");
      for (const it of all) this.texts.set(it.id, it.room_id);
    }
    return this.texts.get(room) ?? "";
  }
}

/** New users, their names beginning as given. */
export function people<const Names extends string[]>(
  ...names: Names
): Promise<{ [At in keyof Names]: User }> {
  return Promise.all(names.map((name) => User.named(fresh(name)))) as Promise<{ [At in keyof Names]: User }>;
}

/** Does something for each, some at once, in order of their beginning. */
export async function forEach<T>(all: readonly T[], act: (it: T) => Promise<unknown>): Promise<void> {
  const rest = [...all];
  const one = async () => {
    for (let it = rest.shift(); it !== undefined; it = rest.shift()) await act(it);
  };
  await Promise.all(Array.from({ length: 8 }, one));
}

// --- Pages ------------------------------------------------------------------------------------

/** Which node, or another address; which room is to be open. */
type Options = { node?: number; url?: string; room?: number } & BrowserContextOptions;

interface Fixtures {
  /** A page of nobody, at a path of a node. */
  visit: (path: string, options?: Options) => Promise<Page>;
  /** A page of a user who is logged in. */
  enter: (user: User, options?: Options) => Promise<Page>;
  /** Another page of that page's browser. */
  another: (page: Page, path: string) => Promise<Page>;
  /** What pages complained of; the test fails when there is anything at its end. */
  complaints: string[];
}

export const test = base.extend<Fixtures & { contexts: BrowserContext[] }>({
  complaints: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
    async ({}, use) => {
      const found: string[] = [];
      await use(found);
      expect(found).toEqual([]);
    },
    { auto: true },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
  contexts: async ({}, use) => {
    const opened: BrowserContext[] = [];
    await use(opened);
    await Promise.all(opened.map((it) => it.close()));
  },
  visit: async ({ browser, contexts, complaints }, use) => {
    await use(async (path, options = {}) => {
      const page = await (await newContext(browser, contexts, complaints, options)).newPage();
      await page.goto(path);
      return page;
    });
  },
  enter: async ({ browser, contexts, complaints }, use) => {
    await use(async (user, options = {}) => {
      const context = await newContext(browser, contexts, complaints, options);
      await context.addInitScript((token) => {
        // Once: a test may log out. Not in the blank document that a page begins with.
        if (!location.protocol.startsWith("http")) return;
        if (!sessionStorage.getItem("begun")) localStorage.setItem("token", token);
        sessionStorage.setItem("begun", "1");
      }, user.token);
      const page = await context.newPage();
      const { room } = options;
      await page.goto(room === undefined ? "/chat" : `/chat?room=${room}`);
      await isIn(page, user);
      if (room !== undefined) await expect(page.locator(".pane-title h1")).not.toBeEmpty();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      return page;
    });
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
  another: async ({}, use) => {
    await use(async (page, path) => {
      const other = await page.context().newPage();
      await other.goto(path);
      return other;
    });
  },
});

/** Waits until the page knows who is logged in and is connected. */
export async function isIn(page: Page, user: User): Promise<void> {
  await expect(page.locator(".me-name")).toHaveText(user.name);
  await expect(page.locator(".net .sr")).toHaveCount(1);
}

async function newContext(
  browser: Browser,
  opened: BrowserContext[],
  complaints: string[],
  { node = 0, url, room: _, ...options }: Options,
): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: url ?? nodes()[node], ...options });
  opened.push(context);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`refused by the content security policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
    // Something that users wrote was run.
    Object.defineProperty(window, "hit", { set: (value) => console.error(`hit: ${value}`) });
  });
  context.on("page", (page) => watch(page, complaints));
  return context;
}

/** Chromium on answers and connections, some of which fail on purpose, and on files that the next page needs. */
const EXPECTED = /^(Failed to load resource|WebSocket connection to|The resource .* was preloaded)/;

function watch(page: Page, complaints: string[]): void {
  page.on("pageerror", (error) => complaints.push(`script error: ${error.stack}`));
  page.on("console", (message) => {
    const isBad = message.type() === "error" || message.type() === "warning";
    if (isBad && !EXPECTED.test(message.text())) complaints.push(`console: ${message.text()}`);
  });
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog was opened: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("response", (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
  });
}

// --- Parts of a page --------------------------------------------------------------------------

export const composer = (page: Page) => page.getByRole("textbox", { name: "Message" });
export const bubble = (page: Page, text: string) =>
  page.locator(".bubble", { has: page.locator(".text", { hasText: text }) });
export const item = (page: Page, name: string) =>
  page.locator(".side .item", { has: page.locator(".item-name", { hasText: name }) });
export const badge = (item: Locator) => item.locator(".badge [aria-hidden]");
export const title = (page: Page) => page.locator(".pane-title h1");
export const tick = (bubble: Locator, state: "waiting" | "sending" | "sent" | "delivered" | "read") =>
  bubble.locator(`[data-state=${state}]`);
/** What a search has found of one kind. */
export const found = (page: Page, kind: "Users" | "Public rooms" | "Messages") =>
  page
    .locator(".side section", { has: page.getByRole("heading", { name: kind, exact: true }) })
    .locator(".item");

export async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Opens one of the menus above the list and picks something. */
export async function pick(page: Page, menu: string | RegExp, entry: string): Promise<void> {
  await page.getByRole("button", { name: menu, exact: typeof menu === "string" }).click();
  await page.locator(".menu").getByRole("button", { name: entry }).click();
}

/** Some picture. */
export const picture = (page: Page) => page.screenshot({ clip: { x: 0, y: 0, width: 120, height: 80 } });

// --- A client that is not ours ------------------------------------------------------------------

/** A page without any client of ours, from which plain WebSockets may be opened. */
export async function plainPage(browser: Browser, contexts: BrowserContext[], node = 0): Promise<Page> {
  const context = await browser.newContext({ baseURL: nodes()[node] });
  contexts.push(context);
  const page = await context.newPage();
  await page.goto("/health/live");
  return page;
}

/** Sends many texts through one WebSocket of document 000, in order, and waits until the last is stored. */
export async function sendAll(plain: Page, user: User, room: number, texts: string[]): Promise<void> {
  await plain.evaluate(
    ({ token, room, texts }) =>
      new Promise<void>((done, failed) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?token=${token}`);
        let seen = 0;
        socket.onclose = () => failed(new Error("closed"));
        socket.onmessage = ({ data }) => {
          const { type, payload } = JSON.parse(data);
          if (type === "error") failed(new Error(payload.message));
          if (type !== "new_message" || payload.room_id !== room) return;
          seen += 1;
          if (seen < texts.length) return;
          done();
          socket.close();
        };
        socket.onopen = () => {
          for (const content of texts) {
            const payload = { room_id: room, content, is_image: false };
            socket.send(JSON.stringify({ type: "send_message", payload }));
          }
        };
      }),
    { token: user.token, room, texts },
  );
}
