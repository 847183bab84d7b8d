// Accessibility: screen readers, keyboards, phones, light and dark.
import type { Page } from "@playwright/test";
import { scanThemes as scan } from "./axe";
import {
  bubble,
  composer,
  expect,
  item,
  newUsers,
  pick,
  picture,
  results,
  sendPicture,
  test,
  title,
  uniqueName,
  write,
} from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

// Without animations, which would distort the contrast.
const look = { reducedMotion: "reduce" } as const;

test("pages have no serious violations", async ({ visit, enter }) => {
  const out = await visit("/login", look);
  await expect(out.getByRole("main")).toBeVisible();
  await scan(out, "login");
  await out.getByRole("button", { name: "Log in" }).click();
  await expect(out.locator(".field-error").first()).toBeVisible();
  await scan(out, "login with errors");
  await out.goto("/register");
  await expect(out.getByRole("main")).toBeVisible();
  await scan(out, "register");

  const [alice, bob, carol] = await newUsers("alice", "bob", "小红");
  const page = await enter(alice, look);
  await expect(page.getByText("Pick a conversation")).toBeVisible();
  await scan(page, "nothing open");
  const room = await alice.group(uniqueName("对大家开放"), bob, carol);
  await bob.send(room, "see https://example.org for more");
  await page.goto(`/chat?room=${room}`);
  await write(page, "thank you");
  await sendPicture(page, await picture(page));
  await expect(page.locator(".picture:not(.is-uploading) img")).toHaveCount(1);
  await carol.send(room, "and a reply");
  await expect(bubble(page, "and a reply")).toBeVisible();
  await page.getByRole("button", { name: "Members" }).click();
  await expect(page.locator(".member")).toHaveCount(3);
  await bubble(page, "thank you").hover();
  await scan(page, "group with members");
  await page.getByRole("tab", { name: "Pictures" }).click();
  await expect(page.locator(".tile")).toHaveCount(1);
  await scan(page, "pictures of a group");
  await page.getByRole("tab", { name: "Files" }).click();
  await expect(page.getByText("No files yet")).toBeVisible();
  await scan(page, "files of a group");
});

test("writing has no serious violations", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const page = await enter(alice, { ...look, room: await alice.group(uniqueName("writing"), bob) });
  for (const name of ["Emoji", "Formatting"]) {
    await page.getByRole("button", { name, exact: true }).click();
    const shown = page.getByRole("dialog", { name });
    await expect(shown.locator(name === "Emoji" ? ".emoji" : "pre").first()).toBeVisible();
    await scan(page, name);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await page
    .locator("input[type=file]")
    .first()
    .setInputFiles({
      name: "plan.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("a plan"),
    });
  await expect(page.locator(".tray-item")).toBeVisible();
  await scan(page, "tray");
  await page.getByRole("button", { name: "Remove plan.txt" }).click();
  await write(page, "**a** `b`\n- c\n> d\n```js\ne\n```");
  await expect(page.locator(".text pre").last()).toBeVisible();
  await scan(page, "formatted");
});

test("mentions have no serious violations", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const page = await enter(alice, { ...look, room: await alice.group(uniqueName("mentions"), bob) });
  await write(page, `@all and @${bob.name}`);
  await expect(page.locator("mark.mention")).toBeVisible();
  await composer(page).pressSequentially("@");
  await expect(page.getByRole("option")).toHaveCount(2);
  await scan(page, "mentions");
});

test("invitations by link have no serious violations", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("invited"));
  await alice.call("PATCH", `/api/v1/rooms/${room}`, { description: "What we plan" });
  const page = await enter(alice, { ...look, room });
  await page.getByRole("button", { name: "Members" }).click();
  await page.getByRole("button", { name: "Invite by link" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  await expect(page.getByRole("button", { name: /^Revoke the link/ })).toBeVisible();
  await scan(page, "links");
  const address = await page.getByLabel("The new link").inputValue();
  const other = await enter(bob, look);
  await other.goto(address);
  await expect(other.getByRole("button", { name: "Join" })).toBeVisible();
  await scan(other, "invitation");
  await other.goto(`${address.slice(0, -1)}1`);
  await expect(other.getByRole("dialog").getByRole("alert")).toContainText("This link does not work");
  await scan(other, "invitation that does not work");
});

test("dialogs and menus have no serious violations", async ({ enter }) => {
  test.slow(); // axe looks at more than twenty states
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("windows"), bob);
  await bob.send(room, "something to find");
  const page = await enter(alice, { ...look, room });
  await write(page, "mine");
  const mine = page.locator(".row", { hasText: "mine" });
  await expect(storedTick(mine)).toBeVisible();
  for (const name of ["Details", "Delete"]) {
    await mine.hover();
    await mine.getByRole("button", { name }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await scan(page, name);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await mine.hover();
  await mine.getByRole("button", { name: "More actions" }).click();
  const menu = page.getByRole("dialog", { name: "More actions" });
  await expect(menu).toBeVisible();
  await scan(page, "menu of a message");
  await menu.getByRole("button", { name: "Pin" }).click();
  await expect(page.locator(".pinned")).toBeVisible();
  await mine.hover();
  await mine.getByRole("button", { name: "More actions" }).click();
  await menu.getByRole("button", { name: "Forward…" }).click();
  await page.getByRole("dialog", { name: "Forward to" }).getByRole("checkbox").first().click();
  await scan(page, "forwarding");
  await page.getByRole("button", { name: "Forward", exact: true }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("button", { name: "1 pinned" }).click();
  await expect(page.getByRole("dialog", { name: "Pinned messages" })).toBeVisible();
  await scan(page, "pinned messages");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  for (const entry of ["New chat", "New group", "Browse rooms"]) {
    await pick(page, "New", entry);
    await page.getByRole("dialog").getByRole("searchbox").fill("b");
    await expect(page.getByRole("dialog")).toBeVisible();
    await scan(page, entry);
    await page.getByRole("button", { name: "Close" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await page.getByRole("button", { name: "Members" }).click();
  for (const name of ["Edit the room", "Delete for everyone"]) {
    await page.getByRole("button", { name }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await scan(page, name);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await page.getByRole("button", { name: /Account and settings/ }).click();
  await expect(page.locator(".menu")).toBeVisible();
  await scan(page, "settings");
  await page.locator(".menu").getByRole("button", { name: "Account and security" }).click();
  await expect(page.locator(".session")).toHaveCount(1);
  await scan(page, "account");
  await page.locator(".portrait input").setInputFiles({
    name: "me.png",
    mimeType: "image/png",
    buffer: await picture(page),
  });
  await expect(page.locator(".crop-area")).toBeFocused();
  await scan(page, "part of a picture");
  await page.keyboard.press("Escape");
  await expect(page.locator(".crop-area")).toHaveCount(0);
  await page.getByRole("button", { name: "Delete account" }).click();
  await expect(page.getByRole("dialog", { name: "Delete your account?" })).toBeVisible();
  await scan(page, "deletion of the account");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await item(page, "windows").click({ button: "right" });
  const level = page.getByRole("button", { name: "Mentions" });
  await level.click();
  await expect(level).toHaveAttribute("aria-pressed", "true");
  await scan(page, "menu of a conversation");
  await page.getByRole("button", { name: "Pin to the top" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await item(page, "Lobby").click();
  await bob.send(room, `@${alice.name}`);
  await expect(item(page, "windows").locator(".mention-badge")).toBeVisible();
  await scan(page, "muted, pinned and mentioned");
  await page.getByRole("searchbox", { name: "Search" }).fill("something");
  await expect(results(page, "Messages")).toBeVisible();
  await scan(page, "found");
  await page.getByRole("button", { name: "Search all messages for “something”" }).click();
  await expect(page.locator(".hit .item")).toHaveCount(1);
  await scan(page, "search panel");
  await page.locator(".hit-person").click();
  await expect(page.getByRole("dialog", { name: bob.name })).toBeVisible();
  await scan(page, "card of a user");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^From/ }).first().click();
  await expect(page.getByRole("dialog", { name: "Whose messages?" })).toBeVisible();
  await scan(page, "choice of a sender");
});

test("pages on a phone have no serious violations and are not too wide", async ({ visit, enter }) => {
  const out = await visit("/login", { ...look, ...PHONE });
  await expect(out.getByRole("main")).toBeVisible();
  await expectFits(out);
  await scan(out, "login");
  await out.goto("/register");
  await expect(out.getByRole("main")).toBeVisible();
  await expectFits(out);

  const [alice, bob] = await newUsers("alice", "a_name_without_breaks");
  const room = await alice.group(`${uniqueName("名字很长的群")}${"很长".repeat(20)}`, bob);
  await bob.send(room, "w".repeat(300));
  await bob.send(room, `https://example.org/${"path/".repeat(60)}`);
  await bob.send(room, "字".repeat(300));
  const page = await enter(alice, { ...look, ...PHONE });
  await expect(item(page, "名字很长的群")).toBeVisible();
  await expectFits(page);
  await scan(page, "list");
  await item(page, "名字很长的群").tap();
  await expect(bubble(page, "字字字")).toBeVisible();
  await expectFits(page);
  await composer(page).fill("y".repeat(200));
  await expectFits(page);
  await scan(page, "room");
  await page.getByRole("button", { name: "Members" }).tap();
  await expect(page.locator(".member")).toHaveCount(2);
  await expectFits(page);
  await scan(page, "members");
  await page.getByRole("button", { name: "Close" }).tap();
  await page.getByRole("button", { name: "Search in this conversation" }).tap();
  await page.getByRole("searchbox", { name: "Search in messages" }).fill("字");
  await expect(page.locator(".hit .item")).toHaveCount(1);
  await expectFits(page);
  await scan(page, "search panel");
});
const storedTick = (row: ReturnType<Page["locator"]>) =>
  row.locator("[data-state=sent], [data-state=delivered]");

async function expectFits(page: Page): Promise<void> {
  const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(width).toBeLessThanOrEqual(390);
  expect(inner).toBe(390);
}

test("a phone shows one side at a time", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "hello phone");
  const page = await enter(alice, PHONE);
  await expect(page.locator(".pane")).toBeHidden();
  await item(page, bob.name).tap();
  await expect(bubble(page, "hello phone")).toBeVisible();
  await expect(page.locator(".side")).toBeHidden();
  await composer(page).fill("hello back");
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await expect(bubble(page, "hello back")).toBeVisible();
  await page.getByRole("button", { name: "Back to the list" }).tap();
  await expect(page.locator(".side")).toBeVisible();
  await expect(page.locator(".pane")).toBeHidden();
  await page.goBack();
  await expect(bubble(page, "hello phone")).toBeVisible();
});

test("the keyboard reaches everything", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "by keys");
  const page = await enter(alice);
  await expect(item(page, bob.name)).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.locator(".item").first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText(bob.name);
  await expect(bubble(page, "by keys")).toBeVisible();
  await page.getByRole("region", { name: "Messages" }).focus();
  await page.keyboard.press("ArrowUp");
  const row = page.locator(".row", { hasText: "by keys" });
  await expect(row).toBeFocused();
  await expect(row.getByRole("button", { name: "Delete" })).toBeVisible();
  // The focus moves to the actions of the message, into the dialog, and out again.
  await page.keyboard.press("Tab");
  await expect(row.getByRole("button", { name: "Reply" })).toBeFocused();
  await row.getByRole("button", { name: "Delete" }).press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(row).toBeVisible();
});

test("a screen reader announces new messages and the state of the connection", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "old news");
  const page = await enter(alice, { room });
  await expect(bubble(page, "old news")).toBeVisible();
  await expect(page.getByRole("log")).toBeEmpty();
  await bob.send(room, "live news");
  await expect(page.getByRole("log")).toHaveText(`${bob.name}: live news`);
  await expect(page.getByRole("status")).toHaveText("Connected");
});
