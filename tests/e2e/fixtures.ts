// Fixtures of the tests: users, rooms and messages through the APIs, and pages of users who are logged in.
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

export type { Browser, BrowserContext, CDPSession, Locator, Page, Request } from "@playwright/test";
export { expect, nodes };
export const PASSWORD = "correct horse";

let counter = 0;

/** A name that no other test uses. */
export function uniqueName(base: string): string {
  counter += 1;
  return `${base}${process.pid.toString(36)}${Date.now().toString(36).slice(-4)}${counter}`;
}

// --- Users, through the APIs ------------------------------------------------------------------

interface Conversation {
  id: number;
  room_id: string;
}

export class User {
  readonly name: string;
  readonly token: string;
  /** The ids of rooms in documents 001 and 003, by their numbers. */
  private readonly textIds = new Map<number, string>();

  private constructor(name: string, token: string) {
    this.name = name;
    this.token = token;
  }

  /** Registers a user with exactly this name. */
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

  /** Creates a public room through document 003. */
  async publicRoom(name: string): Promise<void> {
    const form = new FormData();
    form.append("room_name", name);
    await this.call("POST", "/api/chat/rooms", form);
  }

  /** Sends through document 001. */
  async send(room: number, content: string, type = "text"): Promise<void> {
    await this.call("POST", "/api/v1/chat/message", { type, content, group_id: await this.textIdOf(room) });
  }

  /** Sends a file through document 003. */
  async upload(room: number, name: string, bytes: string | Buffer): Promise<void> {
    const form = new FormData();
    form.append("room_id", await this.textIdOf(room));
    form.append("file", new File([typeof bytes === "string" ? bytes : new Uint8Array(bytes)], name));
    await this.call("POST", "/api/chat/upload", form);
  }

  /** Sends a picture through documents 000 and 001. */
  async picture(room: number, bytes: Buffer): Promise<void> {
    const form = new FormData();
    form.append("image", new File([new Uint8Array(bytes)], "picture.jpg", { type: "image/jpeg" }));
    const { url } = await this.call<{ url: string }>("POST", "/api/v1/upload/image", form);
    await this.send(room, url, "image");
  }

  /** The texts of the newest messages of a room in document 003, oldest first. */
  async messageTexts(room: number): Promise<string[]> {
    const path = `/api/chat/messages?limit=100&room_id=${await this.textIdOf(room)}`;
    return (await this.call<{ content: string }[]>("GET", path)).map(({ content }) => content).reverse();
  }

  async textIdOf(room: number): Promise<string> {
    if (!this.textIds.has(room)) {
      const all = await this.call<Conversation[]>("GET", "/api/v1/conversations");
      for (const conversation of all) this.textIds.set(conversation.id, conversation.room_id);
    }
    return this.textIds.get(room) ?? "";
  }
}

/** Registers users whose names start as given. */
export function newUsers<const Names extends string[]>(
  ...names: Names
): Promise<{ [At in keyof Names]: User }> {
  return Promise.all(names.map((name) => User.named(uniqueName(name)))) as Promise<{
    [At in keyof Names]: User;
  }>;
}

/** Runs an action for each item, eight at a time, started in order. */
export async function forEach<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const rest = [...items];
  const work = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

// --- Pages ------------------------------------------------------------------------------------

/** The index of a node or another address, and the room to open. */
type Options = { node?: number; url?: string; room?: number } & BrowserContextOptions;

interface Fixtures {
  /** Opens a page without a login. */
  visit: (path: string, options?: Options) => Promise<Page>;
  /** Opens the chat of a user who is logged in. */
  enter: (user: User, options?: Options) => Promise<Page>;
  /** Opens another tab of the browser of a page. */
  openTab: (page: Page, path: string) => Promise<Page>;
  /** Errors of all pages. A test fails if there is one at its end. */
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
    // A request that a route of the test still fetches must not fail the test when its context closes.
    const pages = opened.flatMap((context) => context.pages());
    await Promise.all(pages.map((page) => page.unrouteAll({ behavior: "ignoreErrors" })));
    await Promise.all(opened.map((context) => context.close()));
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
        // Only once, as a test may log out, and not in the blank document that a page starts with.
        if (!location.protocol.startsWith("http")) return;
        if (!sessionStorage.getItem("begun")) localStorage.setItem("token", token);
        sessionStorage.setItem("begun", "1");
      }, user.token);
      const page = await context.newPage();
      const { room } = options;
      await page.goto(room === undefined ? "/chat" : `/chat?room=${room}`);
      await expectLoggedIn(page, user);
      if (room !== undefined) await expect(page.locator(".pane-title h1")).not.toBeEmpty();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      return page;
    });
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
  openTab: async ({}, use) => {
    await use(async (page, path) => {
      const other = await page.context().newPage();
      await other.goto(path);
      return other;
    });
  },
});

/** Waits until the page is connected and knows its user. */
export async function expectLoggedIn(page: Page, user: User): Promise<void> {
  await expect(page.locator(".me-name")).toHaveText(user.name);
  await expect(page.locator(".net .sr")).toHaveCount(1);
  // Nothing of the loading page stays below the chat, which fills the window.
  expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBe(0);
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
    // Payloads of the tests set this variable when they run.
    Object.defineProperty(window, "hit", { set: (value) => console.error(`hit: ${value}`) });
  });
  context.on("page", (page) => watch(page, complaints));
  return context;
}

/**
 * Messages of Chromium about requests that tests make fail, and about files that only the next page uses; of Playwright
 * about service workers that it keeps away.
 */
const EXPECTED =
  /^(Failed to load resource|WebSocket connection to|The resource .* was preloaded|Service Worker registration blocked)/;

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
/** The search results of one kind. */
export const results = (page: Page, kind: "Users" | "Public rooms" | "Messages") =>
  page
    .locator(".side section", { has: page.getByRole("heading", { name: kind, exact: true }) })
    .locator(".item");

export async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  // After a load nothing can be sent until the page knows its user.
  await expect(page.locator(".composer .is-send")).toBeEnabled();
  await composer(page).press("Enter");
}

/** Opens one of the menus above the list and clicks an item. */
export async function pick(page: Page, menu: string | RegExp, entry: string): Promise<void> {
  await page.getByRole("button", { name: menu, exact: typeof menu === "string" }).click();
  await page.locator(".menu").getByRole("button", { name: entry }).click();
}

/** Adds a picture through the button of the composer, and sends it. */
export async function sendPicture(page: Page, buffer: Buffer, name = "p.png"): Promise<void> {
  await page.locator("input[type=file]").setInputFiles({ name, mimeType: "image/png", buffer });
  await expect(page.locator(".tray-item")).toHaveCount(1);
  await composer(page).press("Enter");
  await expect(page.locator(".tray-item")).toHaveCount(0);
}

/** Makes a small picture. */
export const picture = (page: Page) => page.screenshot({ clip: { x: 0, y: 0, width: 120, height: 80 } });

// --- Other clients ----------------------------------------------------------------------------

/** Opens a page without the web client, from which tests open plain WebSockets. */
export async function plainPage(browser: Browser, contexts: BrowserContext[], node = 0): Promise<Page> {
  const context = await browser.newContext({ baseURL: nodes()[node] });
  contexts.push(context);
  const page = await context.newPage();
  await page.goto("/health/live");
  return page;
}

/** Sends texts in order through one WebSocket of document 000, and waits until the last is stored. */
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

/** Seconds of silence, as a WAV file. */
export function silence(secs: number): Buffer {
  const rate = 8000;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + secs * rate, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write("data", 36);
  head.writeUInt32LE(secs * rate, 40);
  return Buffer.concat([head, Buffer.alloc(secs * rate, 128)]);
}
