// What tests share: users, rooms, messages by the API; logged-in pages.
import { type BrowserContext, type BrowserContextOptions, expect, type Page, test as base } from "@playwright/test";

export const nodes = () => (process.env.NODES ?? "").split(" ");
export const PASSWORD = "correct horse";

let counter = 0;

/** A name that no other test has. */
export function fresh(base: string): string {
  counter += 1;
  return `${base}${process.pid.toString(36)}${Date.now().toString(36).slice(-5)}${counter}`;
}

export class User {
  readonly name: string;
  readonly token: string;
  private constructor(name: string, token: string) {
    this.name = name;
    this.token = token;
  }

  static async named(name: string): Promise<User> {
    const credentials = JSON.stringify({ username: name, password: PASSWORD });
    const post = (path: string) =>
      fetch(`${nodes()[0]}/api/v1/auth/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: credentials,
      });
    expect((await post("register")).status).toBe(201);
    return new User(name, ((await (await post("login")).json()) as { token: string }).token);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(nodes()[0] + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    expect(answer.ok, `${method} ${path}: ${answer.status}`).toBeTruthy();
    return (await answer.json()) as T;
  }

  async group(name: string, ...members: User[]): Promise<number> {
    const { id } = await this.call<{ id: number }>("POST", "/api/v1/rooms", { name, is_private: false });
    for (const member of members) {
      await this.call("POST", `/api/v1/rooms/${id}/members`, { username: member.name });
    }
    return id;
  }

  async direct(other: User): Promise<number> {
    const body = { is_private: true, username: other.name };
    return (await this.call<{ id: number }>("POST", "/api/v1/rooms", body)).id;
  }

  /** Sends through document 001, which takes rooms by their other name. */
  async send(room: number, content: string, type = "text"): Promise<void> {
    const all = await this.call<{ id: number; room_id: string }[]>("GET", "/api/v1/conversations");
    const group_id = all.find((it) => it.id === room)?.room_id;
    await this.call("POST", "/api/v1/chat/message", { type, content, group_id });
  }
}

type Options = { node?: number; room?: number } & BrowserContextOptions;

/** `enter` opens a page of a user on a node, logged in, with a room open when one is given. */
export const test = base.extend<{ enter: (user: User, options?: Options) => Promise<Page> }>({
  enter: async ({ browser }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (user, { node = 0, room, ...options } = {}) => {
      const context = await browser.newContext({ baseURL: nodes()[node], ...options });
      contexts.push(context);
      await context.addInitScript((token) => {
        if (!sessionStorage.getItem("begun")) localStorage.setItem("token", token);
        sessionStorage.setItem("begun", "1");
      }, user.token);
      const page = await context.newPage();
      watch(page);
      await page.goto(room === undefined ? "/chat" : `/chat?room=${room}`);
      await expect(page.locator(".me-name")).toHaveText(user.name);
      if (room !== undefined) await expect(page.locator(".pane-title h1")).not.toBeEmpty();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      return page;
    });
    for (const context of contexts) await context.close();
  },
});
export { expect };

/** Whatever a page complains of, errors of scripts and of the content security policy, fails the test. */
export function watch(page: Page): void {
  page.on("pageerror", (error) => {
    throw new Error(`script error: ${error.stack}`);
  });
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) throw new Error(message.text());
  });
}

export const composer = (page: Page) => page.getByRole("textbox", { name: "Message" });
export const bubble = (page: Page, text: string) => page.locator(".bubble", { hasText: text });

export async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Some picture. */
export const picture = (page: Page) => page.screenshot({ clip: { x: 0, y: 0, width: 120, height: 80 } });
