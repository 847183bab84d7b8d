// What calls for attention: windows without the focus notify of messages, and read none; the icon, and sounds.
import type { Page } from "@playwright/test";
import { badge, bubble, expect, item, newUsers, test, tick, uniqueName, write } from "./fixtures";

/** Takes the focus from all tabs that the browser of a page loads from now on, and records what they notify of. */
async function recordNotifications(page: Page): Promise<string[]> {
  const shown: string[] = [];
  await page.context().exposeBinding("noted", (_, text: string) => shown.push(text));
  await page.context().addInitScript(() => {
    document.hasFocus = () => false;
    class Seen extends EventTarget {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title: string, { body }: { body: string }) {
        super();
        (window as unknown as { noted: (text: string) => void }).noted(`${title}: ${body}`);
      }
      close() {}
    }
    Object.defineProperty(window, "Notification", { value: Seen });
  });
  return shown;
}

test("a window in view reads nothing until it has the focus", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await write(here, "while Bob looks");
  await expect(tick(bubble(here, "while Bob looks"), "read")).toBeVisible();
  await there.evaluate(() => {
    document.hasFocus = () => false;
    dispatchEvent(new Event("blur"));
  });
  await write(here, "while Bob works elsewhere");
  await expect(bubble(there, "while Bob works elsewhere")).toBeVisible();
  await expect(badge(item(there, alice.name))).toHaveText("1");
  await expect(there).toHaveTitle("(1) Chinwag");
  await expect(tick(bubble(here, "while Bob works elsewhere"), "delivered")).toBeVisible();
  await there.evaluate(() => {
    document.hasFocus = () => true;
    dispatchEvent(new Event("focus"));
  });
  await expect(tick(bubble(here, "while Bob works elsewhere"), "read")).toBeVisible();
  await expect(badge(item(there, alice.name))).toHaveCount(0);
});

test("the first message of a conversation and being added to a group notify", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const page = await enter(bob, { node: 1, permissions: ["notifications"] });
  const shown = await recordNotifications(page);
  await page.reload();
  await expect(page.locator(".me-name")).toHaveText(bob.name);
  await expect(page.getByRole("status")).toHaveText("Connected");
  await expect(item(page, "Lobby")).toBeVisible();
  await alice.send(await alice.direct(bob), "nice to meet you");
  await expect.poll(() => shown).toEqual([`${alice.name}: nice to meet you`]);
  const group = uniqueName("readers");
  await alice.group(group, bob);
  await expect.poll(() => shown.slice(1)).toEqual([`${group}: ${alice.name} added ${bob.name}`]);
  // What the user does is nothing to be notified of.
  await bob.send(await bob.group(uniqueName("own"), alice), "welcome");
  await expect(item(page, "own")).toContainText("welcome");
  expect(shown).toHaveLength(2);
});

test("several tabs show one notification per message, and none while one has the focus", async ({
  enter,
  openTab,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { permissions: ["notifications"] });
  const shown = await recordNotifications(page);
  await page.reload();
  const tabs = [page, await openTab(page, "/chat"), await openTab(page, "/chat?room=1")];
  for (const tab of tabs) await expect(tab.locator(".me-name")).toHaveText(bob.name);
  for (const tab of tabs) await expect(item(tab, alice.name)).toBeVisible();
  for (const text of ["first", "第二"]) {
    await alice.send(room, text);
    for (const tab of tabs) await expect(item(tab, alice.name)).toContainText(text);
    // Whichever tab is first shows it.
    await expect.poll(() => shown).toContain(`${alice.name}: ${text}`);
  }
  await expect.poll(() => shown).toEqual([`${alice.name}: first`, `${alice.name}: 第二`]);

  // One of the tabs gets the focus.
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await alice.send(room, "third");
  for (const tab of tabs) await expect(item(tab, alice.name)).toContainText("third");
  // Own messages cause no notification either.
  await bob.send(room, "fourth");
  for (const tab of tabs) await expect(item(tab, alice.name)).toContainText("fourth");
  expect(shown).toHaveLength(2);
});

test("the icon of the page has a dot while something is unread", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob);
  const icon = page.locator("link[rel=icon]");
  await expect(icon).toHaveAttribute("href", /icon-/);
  await alice.send(room, "hello");
  await expect(icon).toHaveAttribute("href", /icon_dot-/);
  const answer = await page.request.get((await icon.getAttribute("href")) ?? "");
  expect(answer.headers()["content-type"]).toBe("image/svg+xml");
  await item(page, alice.name).click();
  await expect(icon).toHaveAttribute("href", /icon-/);
});

test("new messages sound when the user wants that, once for all tabs", async ({ enter, openTab }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { node: 1 });
  const played: string[] = [];
  await page.context().exposeBinding("played", () => void played.push("a sound"));
  await page.context().addInitScript(() => {
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
      if (this.frequency.value < 700) (window as unknown as { played: () => void }).played();
      start.call(this, at);
    };
  });
  await page.reload();
  const tab = await openTab(page, "/chat");
  await expect(item(tab, "Lobby")).toBeVisible();
  await tab.locator(".me").click();
  await page.locator(".me").click();
  await alice.send(room, "silent");
  await expect(item(page, alice.name)).toContainText("silent");
  expect(played).toEqual([]);
  const sounds = page.getByRole("switch", { name: "Sounds" });
  await expect(sounds).toHaveAttribute("aria-checked", "false");
  await sounds.click();
  // Switching it on lets the user hear it.
  await expect.poll(() => played.length).toBe(1);
  await tab.reload();
  await tab.locator(".me").click();
  await expect(tab.getByRole("switch", { name: "Sounds" })).toHaveAttribute("aria-checked", "true");
  // The first sound keeps others quiet for a while.
  const isQuiet = async () =>
    (await navigator.locks.query()).held?.some(({ name }) => name === "chinwag.sound");
  await expect.poll(() => page.evaluate(isQuiet)).toBe(false);
  await alice.send(room, "aloud");
  for (const each of [page, tab]) await expect(item(each, alice.name)).toContainText("aloud");
  await expect.poll(() => played.length).toBe(2);
});
