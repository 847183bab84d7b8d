// What users set for their conversations: of what they hear, which ones are pinned, which are hidden.
import type { Page } from "@playwright/test";
import { badge, bubble, expect, item, newUsers, test, title, uniqueName } from "./fixtures";

/** Opens the menu of a conversation. */
async function openMenu(page: Page, name: string) {
  await item(page, name).click({ button: "right" });
  const menu = page.getByRole("dialog");
  await expect(menu).toBeVisible();
  return menu;
}

async function chooseLevel(page: Page, name: string, level: "All" | "Mentions" | "Nothing"): Promise<void> {
  const menu = await openMenu(page, name);
  await menu.getByRole("button", { name: level }).click();
  await expect(menu.getByRole("button", { name: level })).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.press("Escape");
  await expect(menu).toHaveCount(0);
}

/** The names of the list, without that of the lobby, where other tests write. */
const names = (page: Page) => page.locator(".side .item-name", { hasNotText: "Lobby" });
const icon = (page: Page) => page.locator("link[rel=icon]");

test("a muted conversation counts nothing, or mentions only, on all devices", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("loud");
  const room = await alice.group(name, bob);
  const page = await enter(bob);
  const phone = await enter(bob, { node: 1 });
  await chooseLevel(page, name, "Mentions");
  for (const each of [page, phone]) await expect(item(each, name).getByText("muted")).toBeAttached();
  await alice.send(room, "chatter");
  for (const each of [page, phone]) {
    await expect(badge(item(each, name))).toHaveText("1");
    await expect(item(each, name)).toHaveClass(/is-muted/);
    await expect(each).toHaveTitle("Chinwag");
    await expect(icon(each)).toHaveAttribute("href", /icon-/);
  }
  await alice.send(room, `@${bob.name} listen`);
  for (const each of [page, phone]) await expect(each).toHaveTitle("(1) Chinwag");
  await expect(icon(phone)).toHaveAttribute("href", /icon_dot-/);
  await chooseLevel(phone, name, "Nothing");
  for (const each of [page, phone]) {
    await expect(each).toHaveTitle("Chinwag");
    await expect(icon(each)).toHaveAttribute("href", /icon-/);
    await expect(item(each, name).locator(".mention-badge")).toBeVisible();
  }
  await page.reload();
  await expect(item(page, name)).toHaveClass(/is-none/);
  await expect(page).toHaveTitle("Chinwag");
  await chooseLevel(page, name, "All");
  for (const each of [page, phone]) await expect(each).toHaveTitle("(2) Chinwag");
  await expect(item(phone, name)).not.toHaveClass(/is-muted/);
});

test("notifications and sounds obey the level", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("levels");
  const room = await alice.group(name, bob);
  const direct = await alice.direct(bob);
  const page = await enter(bob, { node: 1, permissions: ["notifications"] });
  const shown: string[] = [];
  let sounds = 0;
  await page.exposeFunction("noted", (text: string) => void shown.push(text));
  await page.exposeFunction("played", () => {
    sounds += 1;
  });
  await page.addInitScript(() => {
    localStorage.setItem("chinwag.sounds", "on");
    document.hasFocus = () => false;
    const told = window as unknown as { noted: (text: string) => void; played: () => void };
    class Seen extends EventTarget {
      static permission = "granted";
      constructor(_: string, { body }: { body: string }) {
        super();
        told.noted(body);
      }
      close() {}
    }
    Object.defineProperty(window, "Notification", { value: Seen });
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
      if (this.frequency.value < 700) told.played();
      start.call(this, at);
    };
  });
  await page.reload();
  await expect(item(page, name)).toBeVisible();
  await chooseLevel(page, name, "Mentions");
  await alice.send(room, "chatter");
  await expect(item(page, name)).toContainText("chatter");
  await alice.send(room, `@${bob.name} listen`);
  await expect.poll(() => shown).toEqual([`@${bob.name} listen`]);
  await expect.poll(() => sounds).toBe(1);
  await chooseLevel(page, name, "Nothing");
  await alice.send(room, `@${bob.name} again`);
  await expect(item(page, name)).toContainText("again");
  // What comes after it in another conversation is heard.
  await alice.send(direct, "in private");
  await expect.poll(() => shown).toEqual([`@${bob.name} listen`, "in private"]);
});

test("pinned conversations stay above the others, on all devices", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const [first, second] = [uniqueName("first"), uniqueName("second")];
  await alice.group(first, bob);
  const room = await alice.group(second, bob);
  const page = await enter(bob);
  const phone = await enter(bob, { node: 1 });
  await expect(names(page)).toHaveText([second, first]);
  const menu = await openMenu(page, first);
  await menu.getByRole("button", { name: "Pin to the top" }).click();
  for (const each of [page, phone]) {
    await expect(names(each)).toHaveText([first, second]);
    await expect(item(each, first).getByText("pinned")).toBeAttached();
  }
  await alice.send(room, "news");
  await expect(badge(item(phone, second))).toHaveText("1");
  await expect(names(phone)).toHaveText([first, second]);
  await (await openMenu(phone, first)).getByRole("button", { name: "Unpin" }).click();
  for (const each of [page, phone]) await expect(names(each)).toHaveText([second, first]);
});

test("a hidden conversation is found by search, and comes back with a message", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("quiet");
  const room = await alice.group(name, bob);
  await alice.send(room, "before");
  const page = await enter(bob, { room });
  const phone = await enter(bob, { node: 1 });
  await expect(bubble(page, "before")).toBeVisible();
  await (await openMenu(page, name)).getByRole("button", { name: "Hide" }).click();
  await expect(page.getByText("Pick a conversation")).toBeVisible();
  for (const each of [page, phone]) await expect(item(each, name)).toHaveCount(0);
  await page.reload();
  await expect(item(page, "Lobby")).toBeVisible();
  await expect(item(page, name)).toHaveCount(0);

  // Found and open it is listed, and no longer.
  await page.getByRole("searchbox", { name: "Search" }).fill(name);
  await item(page, name).click();
  await expect(title(page)).toHaveText(name);
  await expect(item(page, name)).toBeVisible();
  await item(page, "Lobby").click();
  await expect(item(page, name)).toHaveCount(0);

  await alice.send(room, "after");
  for (const each of [page, phone]) await expect(item(each, name)).toContainText("after");
  await item(page, name).click();
  await expect(bubble(page, "after")).toBeVisible();
  await item(page, "Lobby").click();
  for (const each of [page, phone]) await expect(item(each, name)).toBeVisible();
  await phone.reload();
  await expect(item(phone, name)).toBeVisible();
});

test("one that gets messages while no page is open comes back", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("away");
  const room = await alice.group(name, bob);
  await bob.call("PUT", `/api/v1/rooms/${room}/settings`, { hidden: true });
  await alice.send(room, "while Bob is away");
  const page = await enter(bob, { node: 1 });
  await expect(item(page, name)).toContainText("while Bob is away");
  await item(page, name).click();
  await expect(badge(item(page, name))).toHaveCount(0);
  await item(page, "Lobby").click();
  await expect(item(page, name)).toBeVisible();
});

test("the menu works by keyboard", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("keys");
  await alice.group(name, bob);
  const page = await enter(bob);
  await item(page, name).focus();
  await page.keyboard.press("Shift+F10");
  const menu = page.getByRole("dialog", { name });
  await expect(menu.getByRole("button").first()).toBeFocused();
  for (let count = 0; count < 4; count += 1) await page.keyboard.press("Tab");
  await expect(menu.getByRole("button", { name: "All" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await expect(item(page, name)).toHaveClass(/is-none/);
  await page.keyboard.press("Escape");
  await expect(item(page, name)).toBeFocused();
  // Once it is hidden the focus is on the next one.
  await page.keyboard.press("Shift+F10");
  await menu.getByRole("button", { name: "Hide" }).press("Enter");
  await expect(item(page, name)).toHaveCount(0);
  await expect(item(page, "Lobby")).toBeFocused();
});
