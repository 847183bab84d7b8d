// The keyboard and screen readers: search, lists, dialogs, where the focus is.
import type { Page } from "@playwright/test";
import {
  bubble,
  composer,
  expect,
  forEach,
  item,
  newUsers,
  pick,
  test,
  title,
  User,
  uniqueName,
} from "./fixtures";

const focused = (page: Page) => page.locator(":focus");

test("Ctrl+K, a name and Enter open the first hit, once it is there", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const stranger = await User.named(`kim ${uniqueName("Osterhagen")}`);
  await alice.direct(bob);
  const page = await enter(alice);
  await expect(item(page, bob.name)).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(bob.name);
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText(bob.name);
  await expect(page.getByRole("searchbox", { name: "Search" })).toHaveValue("");
  // The last name of a user who is found by the server only.
  await page.keyboard.press("Control+k");
  await page.keyboard.type(stranger.name.split(" ")[1] ?? "");
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText(stranger.name);
});

test("what is typed right after Ctrl+K goes to the search", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  await alice.direct(bob);
  const page = await enter(alice);
  await item(page, bob.name).click();
  await expect(composer(page)).toBeFocused();
  const focus = await page.evaluate(() => {
    document.activeElement?.dispatchEvent(
      new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true, cancelable: true }),
    );
    return document.activeElement?.getAttribute("type");
  });
  expect(focus).toBe("search");
});

test("the list is one Tab stop, and a link leads past it", async ({ enter }) => {
  const [alice, ...others] = await newUsers("alice", "one", "two", "three", "four");
  await forEach(others, (other) => alice.direct(other));
  const page = await enter(alice);
  await expect(page.locator(".side .item")).toHaveCount(5);
  const stops = () =>
    page
      .locator(".side .item")
      .evaluateAll((all) => all.filter((e) => (e as HTMLElement).tabIndex === 0).length);
  await expect.poll(stops).toBe(1);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Skip to the conversation" })).toBeFocused();
  await expect(focused(page)).toBeInViewport({ ratio: 1 });
  // The arrows move through the list, and a Tab leaves it.
  await page.locator(".side .item").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(page.locator(".side .item").nth(2)).toBeFocused();
  await expect.poll(stops).toBe(1);
  await page.keyboard.press("Tab");
  await expect(page.locator(".side :focus")).toHaveCount(0);
  await page.keyboard.press("Shift+Tab");
  await expect(page.locator(".side .item").nth(2)).toBeFocused();
  await page.keyboard.press("End");
  await expect(page.locator(".side .item").last()).toBeFocused();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await expect(title(page)).not.toBeEmpty();
  await page.getByRole("button", { name: "Skip to the conversation" }).focus();
  await page.keyboard.press("Enter");
  await expect(composer(page)).toBeFocused();
});

test("dialogs focus their first field, and give the focus back", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("dialogs"), bob);
  await alice.send(room, "mine");
  const page = await enter(alice, { room });
  const dialog = page.getByRole("dialog");
  for (const [entry, field] of [
    ["New chat", "Find people by name"],
    ["New group", "Group name"],
    ["Browse rooms", "Find rooms by name"],
  ] as const) {
    await pick(page, "New", entry);
    await expect(dialog.getByLabel(field)).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "New", exact: true })).toBeFocused();
    await pick(page, "New", entry);
    await dialog.getByRole("button", { name: "Close" }).click();
    await expect(page.getByRole("button", { name: "New", exact: true })).toBeFocused();
  }
  const account = /Account and settings/;
  await pick(page, account, "Account and security");
  await expect(dialog.getByLabel("Username")).toBeFocused();
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("button", { name: account })).toBeFocused();
  await page.getByRole("button", { name: "Members" }).press("Enter");
  await page.getByRole("button", { name: "Edit the room" }).press("Enter");
  await expect(dialog.getByLabel("Name of the room")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Edit the room" })).toBeFocused();
  // What cannot be undone starts at the button that does nothing.
  await page.getByRole("button", { name: "Leave the group" }).press("Enter");
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `Remove ${bob.name}` }).press("Enter");
  await dialog.getByRole("button", { name: "Remove" }).press("Enter");
  await expect(page.locator(".member")).toHaveCount(1);
  await expect(page.locator(".members:focus, .members :focus")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Members" })).toBeFocused();
});

test("the arrows lead from a search in a dialog to what it found, and Enter takes the first", async ({
  enter,
}) => {
  const [alice] = await newUsers("alice");
  const name = uniqueName("arrow");
  const [first, second] = await Promise.all([User.named(`${name}a`), User.named(`${name}b`)]);
  const page = await enter(alice);
  await pick(page, "New", "New chat");
  const found = page.getByRole("dialog").locator(".item");
  await expect(page.getByRole("dialog").getByRole("searchbox")).toBeFocused();
  await page.keyboard.type(name);
  await expect(found).toHaveCount(2);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(found.nth(1)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("dialog").getByRole("searchbox")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText(new RegExp(`${first.name}|${second.name}`));
  // In a form Enter picks the person and sends nothing.
  await pick(page, "New", "New group");
  await page.getByLabel("Group name").fill("no group yet");
  await page.getByRole("dialog").getByRole("searchbox").fill(second.name);
  await expect(found).toHaveCount(1);
  await page.getByRole("dialog").getByRole("searchbox").press("Enter");
  await expect(page.getByRole("dialog").locator(".chip")).toContainText(second.name);
  await expect(page.getByRole("dialog").getByRole("searchbox")).toBeFocused();
});

test("the focus stays among the messages when one of them is deleted", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  for (const text of ["one", "two", "three"]) await alice.send(room, text);
  const page = await enter(alice, { room });
  await expect(bubble(page, "three")).toBeVisible();
  const row = (text: string) => page.locator(".row", { has: bubble(page, text) });
  await page.getByRole("region", { name: "Messages" }).focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await expect(row("two")).toBeFocused();
  await row("two").getByRole("button", { name: "Delete" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
  await expect(bubble(page, "two")).toHaveCount(0);
  await expect(row("three")).toBeFocused();
  await row("three").getByRole("button", { name: "Delete" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
  await expect(bubble(page, "three")).toHaveCount(0);
  await expect(row("one")).toBeFocused();
  await row("one").getByRole("button", { name: "Delete" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
  await expect(bubble(page, "one")).toHaveCount(0);
  await expect(composer(page)).toBeFocused();
});

test("a focused message is read with its text", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "what is said");
  await alice.send(room, "what I said");
  const page = await enter(alice, { room });
  const articles = page.getByRole("article");
  await expect(articles.first()).toHaveAccessibleName(new RegExp(`^${bob.name}: what is said, .*20\\d\\d`));
  await expect(articles.last()).toHaveAccessibleName(/^You: what I said, .*20\d\d/);
  // Its reactions take the place of its actions, and the focus with them.
  await articles.last().focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(focused(page)).toHaveAccessibleName("React");
  await page.keyboard.press("Enter");
  await expect(focused(page)).toHaveAccessibleName("React with 👍");
  await page.keyboard.press("Enter");
  await expect(articles.last().locator(".reaction")).toHaveCount(1);
  await expect(focused(page)).toHaveAccessibleName("React");
});

test("the pages of the login focus what is to be filled in first", async ({ visit }) => {
  const page = await visit("/login");
  await expect(page.getByLabel("Username")).toBeFocused();
  await page.getByRole("link", { name: "Create one" }).click();
  await expect(page.getByRole("heading", { name: "Create your account" })).toBeVisible();
  await expect(page.getByLabel("Username")).toBeFocused();
  await page.goto("/login?registered=1&name=kim");
  await expect(page.getByLabel("Password", { exact: true })).toBeFocused();
});

test("forced colours show which conversation is open", async ({ enter }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const room = await alice.direct(bob);
  await alice.direct(carol);
  const page = await enter(alice, { room, forcedColors: "active" });
  const look = (name: string) =>
    item(page, name).evaluate((element) => {
      const { outlineStyle, outlineWidth, borderInlineStartStyle } = getComputedStyle(element);
      return [outlineStyle, outlineWidth, borderInlineStartStyle].join();
    });
  expect(await look(bob.name)).not.toBe(await look(carol.name));
});

for (const [platform, keys] of [
  ["MacIntel", "⌘K"],
  ["Linux x86_64", "Ctrl K"],
] as const) {
  test(`the search names its keys as the keyboard does: ${keys}`, async ({ enter }) => {
    const [alice] = await newUsers("alice");
    const page = await enter(alice);
    await page.addInitScript(
      (name) => Object.defineProperty(navigator, "platform", { get: () => name }),
      platform,
    );
    await page.reload();
    await expect(page.getByPlaceholder(new RegExp(`^Search\\s+${keys}$`))).toBeVisible();
    await expect(page.getByText(`or press ${keys} to find`)).toBeVisible();
  });
}

test("what is typed or pasted where nothing takes it is for the composer", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "click me");
  const page = await enter(bob, { room, permissions: ["clipboard-read", "clipboard-write"] });
  await bubble(page, "click me").click();
  await page.keyboard.press("Space");
  await expect(composer(page)).not.toBeFocused();
  await page.keyboard.type("hello");
  await expect(composer(page)).toHaveValue("hello");
  await page.evaluate(() => navigator.clipboard.writeText(" there"));
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press("Control+v");
  await expect(composer(page)).toHaveValue("hello there");
  // But not behind a dialog.
  await page.keyboard.press("Control+/");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.type("x");
  await page.keyboard.press("Escape");
  await expect(composer(page)).toHaveValue("hello there");
});

test("touch screens are told of no keys", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice, { viewport: { width: 1000, height: 700 }, hasTouch: true, isMobile: true });
  await expect(page.getByText("Pick a conversation")).toBeVisible();
  await expect(page.getByPlaceholder("Search", { exact: true })).toBeVisible();
  await expect(page.locator("body")).not.toContainText("Ctrl");
});

test("Alt and the arrows lead through the conversations, with Shift through the unread ones", async ({
  enter,
}) => {
  const [alice, one, two, three] = await newUsers("alice", "one", "two", "three");
  for (const other of [three, two, one]) await alice.send(await alice.direct(other), `to ${other.name}`);
  // The list is longer than the window.
  const page = await enter(alice, { viewport: { width: 1280, height: 300 } });
  const names = page.locator(".side .item-name");
  await expect(names).toHaveText([one.name, two.name, three.name, "Lobby"]);
  const press = async (keys: string, name: string) => {
    await page.keyboard.press(keys);
    await expect(title(page)).toHaveText(name);
    await expect(composer(page)).toBeFocused();
    await expect(item(page, name)).toBeInViewport({ ratio: 1 });
  };
  await press("Alt+ArrowDown", one.name);
  await press("Alt+ArrowDown", two.name);
  await press("Alt+ArrowDown", three.name);
  await press("Alt+ArrowUp", two.name);
  await press("Alt+ArrowUp", one.name);
  await press("Alt+ArrowUp", one.name);
  await three.send(await alice.direct(three), "news");
  await expect(names.first()).toHaveText(three.name);
  await press("Alt+Shift+ArrowDown", three.name);
  await expect(page.locator(".side .badge")).toHaveCount(0);
  await press("Alt+Shift+ArrowUp", three.name);
  // A dialog keeps the keys for itself.
  await page.keyboard.press("Control+/");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(dialog).toContainText("Next unread conversation");
  await page.keyboard.press("Alt+ArrowDown");
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(title(page)).toHaveText(three.name);
  await expect(composer(page)).toBeFocused();
  await pick(page, /Account and settings/, "Keyboard shortcuts");
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(focused(page)).toHaveAccessibleName(/Account and settings/);
});
