// What is unread: where rooms open, what counts as read, and how to leave something unread.
import type { Locator, Page } from "@playwright/test";
import {
  badge,
  bubble,
  expect,
  item,
  newUsers,
  plainPage,
  sendAll,
  test,
  tick,
  title,
  type User,
  uniqueName,
} from "./fixtures";

const numbered = (count: number) => Array.from({ length: count }, (_, at) => `number ${at + 1}.`);
const bar = (page: Page) => page.locator(".catch-up");
const divider = (page: Page) => page.locator(".divider");

/** The number of unread messages of a user in a room, as the server counts them. */
async function leftUnread(user: User, room: number): Promise<number> {
  const list = await user.call<{ id: number; unread: number }[]>("GET", "/api/v1/conversations");
  return list.find(({ id }) => id === room)?.unread ?? 0;
}

/** The number of unread messages that an item of the list shows. */
async function unreadOf(item: Locator): Promise<number> {
  const shown = badge(item);
  return (await shown.count()) === 0 ? 0 : Number(await shown.textContent());
}

for (const viewport of [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]) {
  test(`a room opens at the first new message, and is read down to what was in view, ${viewport.width} px`, async ({
    browser,
    contexts,
    enter,
  }) => {
    const [alice, bob] = await newUsers("alice", "bob");
    const room = await alice.direct(bob);
    const plain = await plainPage(browser, contexts);
    await alice.send(room, "what Bob knows");
    const page = await enter(bob, { node: 1, viewport, room });
    await expect(bubble(page, "what Bob knows")).toBeVisible();
    await page.goto("/chat");
    const entry = item(page, alice.name);
    await expect(badge(entry)).toHaveCount(0);
    await sendAll(plain, alice, room, numbered(40));
    await expect(badge(entry)).toHaveText("40");
    for (const isLoaded of [false, true]) {
      // Once from the server, once from what the page has.
      await (isLoaded ? page.goto(`/chat?room=${room}`) : entry.click());
      await expect(title(page)).toHaveText(alice.name);
      await expect(divider(page)).toBeInViewport();
      await expect(bar(page)).toHaveCount(0);
      await expect(bubble(page, "number 40.")).not.toBeInViewport();
      // A phone shows the room alone.
      await expect.poll(() => leftUnread(bob, room)).toBeLessThan(40);
      expect(await leftUnread(bob, room)).toBeGreaterThan(0);
      await page.goto("/chat");
      await expect(badge(entry)).toBeVisible();
    }
    // Scrolling down reads the rest.
    const rest = await unreadOf(entry);
    await entry.click();
    await expect(divider(page)).toBeInViewport();
    await expect(bubble(page, `number ${41 - rest}.`)).toBeInViewport();
    const rows = page.locator(".rows");
    await rows.hover();
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 300);
        return unreadOf(entry);
      })
      .toBe(0);
    await page.goto("/chat");
    await expect(item(page, alice.name)).toBeVisible();
    await expect(badge(entry)).toHaveCount(0);
  });
}

test("the end of a room that was in view before the list came is not read", async ({
  browser,
  contexts,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { node: 1, viewport: { width: 390, height: 844 } });
  // The end and the beginning overlap.
  await sendAll(await plainPage(browser, contexts), alice, room, numbered(24));
  let release = () => {};
  const released = new Promise<void>((go) => {
    release = go;
  });
  await page.route("**/api/v1/conversations", async (route) => {
    await released;
    await route.fallback();
  });
  await page.goto(`/chat?room=${room}`);
  await expect(bubble(page, "number 24.")).toBeInViewport();
  release();
  await expect(divider(page)).toBeInViewport();
  await expect(bubble(page, "number 24.")).not.toBeInViewport();
  await expect.poll(() => leftUnread(bob, room)).toBeLessThan(24);
  expect(await leftUnread(bob, room)).toBeGreaterThan(0);
});

test("583 new messages: a bar leads to the first, or marks all as read", async ({
  browser,
  contexts,
  enter,
}) => {
  test.setTimeout(120_000);
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const room = await alice.group(uniqueName("busy"), bob, carol);
  const plain = await plainPage(browser, contexts);
  await alice.send(room, "known to Bob");
  const known = await enter(bob, { room });
  await expect(bubble(known, "known to Bob")).toBeVisible();
  await known.goto("/chat");
  await expect(badge(item(known, "busy"))).toHaveCount(0);
  await known.context().close();
  await sendAll(plain, alice, room, numbered(583));

  const page = await enter(bob, { node: 1, room });
  const entry = item(page, "busy");
  await expect(bubble(page, "number 583.")).toBeInViewport({ ratio: 1 });
  await expect(bar(page)).toContainText(/^583 new since \d/);
  await expect(divider(page)).toHaveCount(0);
  await expect(badge(entry)).toHaveText("99+");
  // What arrives now is unread as well.
  await alice.send(room, "one more.");
  await expect(bar(page)).toContainText("584 new");
  await bar(page).getByRole("button", { name: "Jump" }).press("Enter");
  await expect(divider(page)).toBeInViewport();
  await expect(bubble(page, "number 1.")).toBeInViewport({ ratio: 1 });
  await expect(page.locator(".row", { has: bubble(page, "number 1.") })).toBeFocused();
  await expect(bar(page)).toHaveCount(0);
  await page.reload();
  // A jump has read no more than what was in view.
  await expect(bar(page)).toContainText(/^5[0-8]\d new since/);
  await bar(page).getByRole("button", { name: "Mark as read" }).click();
  await expect(bar(page)).toHaveCount(0);
  await expect(badge(entry)).toHaveCount(0);
  await page.reload();
  await expect(bubble(page, "one more.")).toBeInViewport();
  await expect(badge(entry)).toHaveCount(0);
  await expect(bar(page)).toHaveCount(0);

  // Carol has never been there: all of it is new to her, and the bar leads her to the beginning.
  const other = await enter(carol, { room });
  await expect(bar(other)).toContainText("585 new");
  await bar(other).getByRole("button", { name: "Jump" }).click();
  await expect(bubble(other, "known to Bob")).toBeInViewport({ ratio: 1 });
});

test("what passed by while nobody looked is not read", async ({ browser, contexts, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const plain = await plainPage(browser, contexts);
  const page = await enter(bob, { room });
  await alice.send(room, "seen");
  await expect(bubble(page, "seen")).toBeVisible();
  await expect(badge(item(page, alice.name))).toHaveCount(0);
  await page.evaluate(() => {
    document.hasFocus = () => false;
    dispatchEvent(new Event("blur"));
  });
  await sendAll(plain, alice, room, numbered(40));
  await expect(bubble(page, "number 40.")).toBeInViewport({ ratio: 1 });
  await expect(badge(item(page, alice.name))).toHaveText("40");
  await page.evaluate(() => {
    document.hasFocus = () => true;
    dispatchEvent(new Event("focus"));
  });
  await expect(bar(page)).toContainText("40 new since");
  await expect(badge(item(page, alice.name))).toHaveText("40");
  await bar(page).getByRole("button", { name: "Jump" }).click();
  await expect(bubble(page, "number 1.")).toBeInViewport({ ratio: 1 });
  await expect(bar(page)).toHaveCount(0);
});

test("the ticks of the sender follow what was in view", async ({ browser, contexts, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await sendAll(await plainPage(browser, contexts), alice, room, numbered(45));
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await expect(bubble(there, "number 1.")).toBeInViewport();
  await expect(tick(bubble(here, "number 45."), "delivered")).toBeVisible();
  await there.getByRole("button", { name: "jump to latest" }).click();
  await expect(tick(bubble(here, "number 45."), "read")).toBeVisible();
});

test("a message is marked as unread, and stays so until the room is opened again", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  for (const text of ["one", "two", "three"]) await alice.send(room, text);
  await bob.send(room, "mine");
  const page = await enter(bob, { node: 1, room });
  const entry = item(page, alice.name);
  await expect(bubble(page, "three")).toBeVisible();
  await expect(badge(entry)).toHaveCount(0);
  const row = (text: string) => page.locator(".row", { has: page.locator(".text", { hasText: text }) });
  await row("mine").hover();
  await expect(row("mine").getByRole("button", { name: "Mark as unread" })).toHaveCount(0);
  await row("two").hover();
  await row("two").getByRole("button", { name: "Mark as unread" }).click();
  await expect(badge(entry)).toHaveText("2");
  await expect(page.locator(".row-box", { has: divider(page) })).toContainText("two");
  await expect(bar(page)).toContainText("2 new since");
  await alice.send(room, "four");
  await expect(bar(page)).toContainText("3 new since");
  // The server keeps it, and another device sees it.
  const elsewhere = await enter(bob);
  await expect(badge(item(elsewhere, alice.name))).toHaveText("3");
  await elsewhere.context().close();
  await page.goto("/chat");
  await expect(badge(entry)).toHaveText("3");
  await entry.click();
  await expect(bubble(page, "four")).toBeInViewport();
  await expect(badge(entry)).toHaveCount(0);
});

test("conversations are marked as unread and read by their menu, and filtered", async ({ enter }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const room = await alice.direct(bob);
  await alice.send(room, "hello");
  await carol.send(await carol.direct(bob), "hi");
  const page = await enter(bob, { room });
  await expect(bubble(page, "hello")).toBeVisible();
  await expect(badge(item(page, alice.name))).toHaveCount(0);
  await page.goto("/chat");
  const menu = page.getByRole("dialog");
  // By the right button of the mouse, by the button that it sees, by the keyboard.
  await item(page, alice.name).click({ button: "right" });
  await menu.getByRole("button", { name: "Mark as unread" }).click();
  await expect(menu).toHaveCount(0);
  await expect(badge(item(page, alice.name))).toHaveText("1");
  await item(page, alice.name).hover();
  const more = page.locator(".side").getByRole("button", { name: "More" });
  const time = await item(page, alice.name).locator(".item-time").boundingBox();
  // It leaves the time free.
  expect((await more.boundingBox())?.y).toBeGreaterThan((time?.y ?? 0) + (time?.height ?? 0));
  await more.click();
  await menu.getByRole("button", { name: "Mark as read" }).click();
  await expect(badge(item(page, alice.name))).toHaveCount(0);
  await page.mouse.move(900, 400);
  await item(page, alice.name).focus();
  await page.keyboard.press("Shift+F10");
  await expect(menu.getByRole("button", { name: "Mark as unread" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu).toHaveCount(0);
  await expect(item(page, alice.name)).toBeFocused();
  // Where nobody else has written there is nothing to mark.
  await item(page, "Lobby").click({ button: "right" });
  const isEmpty = await item(page, "Lobby").locator(".item-last", { hasText: "No messages yet" }).count();
  if (isEmpty) {
    await menu.getByRole("button", { name: "Mark as unread" }).click();
    await expect(page.getByRole("alert")).toContainText("Nobody else has written here");
  } else await page.keyboard.press("Escape");

  const filter = page.getByRole("button", { name: "Show only unread conversations" });
  await filter.click();
  await expect(item(page, carol.name)).toBeVisible();
  await expect(item(page, alice.name)).toHaveCount(0);
  await item(page, carol.name).click();
  await expect(badge(item(page, carol.name))).toHaveCount(0);
  await expect(page.locator(".side")).toContainText("Everything is read.");
  await alice.send(room, "more");
  await expect(item(page, alice.name)).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await expect(item(page, "Lobby")).toBeVisible();
  await expect(filter).toHaveAttribute("aria-pressed", "false");
});

test("a phone marks conversations and messages as unread", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "hello");
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const page = await enter(bob, { ...phone, room });
  await expect(bubble(page, "hello")).toBeVisible();
  await page.getByRole("button", { name: "Back to the list" }).tap();
  await expect(badge(item(page, alice.name))).toHaveCount(0);
  await rest(page, item(page, alice.name));
  await page.getByRole("dialog").getByRole("button", { name: "Mark as unread" }).tap();
  await expect(badge(item(page, alice.name))).toHaveText("1");
  await item(page, alice.name).tap();
  await rest(page, bubble(page, "hello"));
  await page.getByRole("dialog").getByRole("button", { name: "Mark as unread" }).tap();
  await expect(bar(page)).toContainText("1 new since");
});

/** Rests a finger on an element until a dialog opens. */
async function rest(page: Page, target: Locator): Promise<void> {
  const box = await target.boundingBox();
  const at = { x: (box?.x ?? 0) + 60, y: (box?.y ?? 0) + 16 };
  const touch = await page.context().newCDPSession(page);
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [at] });
  await expect(page.getByRole("dialog")).toBeVisible();
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
}
