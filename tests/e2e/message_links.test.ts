// Links to messages: copied from one, opened by others, who may first have to log in or not be allowed at all.
import {
  bubble,
  expect,
  item,
  newUsers,
  PASSWORD,
  type Page,
  plainPage,
  sendAll,
  test,
  title,
  uniqueName,
  write,
} from "./fixtures";

/** Chooses an entry of the menu of a message. */
async function more(page: Page, text: string, entry: string): Promise<void> {
  await bubble(page, text).hover();
  const row = page.locator(".row", { has: bubble(page, text) });
  await row.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("dialog").getByRole("button", { name: entry }).click();
}

const rowOf = (page: Page, text: string) =>
  page.locator(".row", { has: page.locator(".text", { hasText: text }) });

test("a link leads to its message on another node, after the login as well", async ({
  browser,
  contexts,
  enter,
  visit,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const texts = Array.from({ length: 120 }, (_, at) => (at === 4 ? "the needle" : `message ${at}`));
  await sendAll(await plainPage(browser, contexts), alice, room, texts.slice(0, 5));
  const here = await enter(alice, { room, permissions: ["clipboard-read", "clipboard-write"] });
  await more(here, "the needle", "Copy link");
  await expect(here.locator(".toast")).toHaveText("Copied");
  // The focus is back at the message.
  await expect(rowOf(here, "the needle").getByRole("button", { name: "More actions" })).toBeFocused();
  const address = new URL(await here.evaluate(() => navigator.clipboard.readText()));
  await sendAll(await plainPage(browser, contexts), alice, room, texts.slice(5));
  const path = address.pathname + address.search;

  const there = await visit(path, { node: 1 });
  await there.getByLabel("Username").fill(bob.name);
  await there.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await there.getByRole("button", { name: "Log in" }).click();
  await expect(title(there)).toHaveText(alice.name);
  await expect(rowOf(there, "the needle")).toHaveClass(/is-flashed/);
  await expect(bubble(there, "the needle")).toBeInViewport({ ratio: 1 });
  await expect(rowOf(there, "the needle")).toBeFocused();
  // It leads there once.
  expect(new URL(there.url()).search).toBe(`?room=${room}`);
  await there.reload();
  await expect(bubble(there, "message 119")).toBeInViewport({ ratio: 1 });
  await there.goto(new URL(path, there.url()).href);
  await expect(bubble(there, "the needle")).toBeInViewport({ ratio: 1 });
});

test("a link in a message is opened in place", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const [from, to] = [await alice.direct(bob), await alice.group("other", bob)];
  await bob.send(from, "look at this");
  const page = await enter(alice, { room: from, permissions: ["clipboard-read", "clipboard-write"] });
  await more(page, "look at this", "Copy link");
  await expect(page.locator(".toast")).toHaveText("Copied");
  await bob.send(to, await page.evaluate(() => navigator.clipboard.readText()));
  await page.locator(`[data-room="${to}"]`).click();
  await page.locator(".bubble a").click();
  await expect(title(page)).toHaveText(bob.name);
  await expect(rowOf(page, "look at this")).toHaveClass(/is-flashed/);
  expect(page.context().pages()).toHaveLength(1);
});

test("a link to what is gone, or of others, says so", async ({ enter }) => {
  const [alice, bob, eve] = await newUsers("alice", "bob", "eve");
  const room = await alice.direct(bob);
  await alice.send(room, "kept");
  await alice.send(room, "to be deleted");
  const page = await enter(alice, { room, permissions: ["clipboard-read", "clipboard-write"] });
  await more(page, "to be deleted", "Copy link");
  await expect(page.locator(".toast")).toHaveText("Copied");
  const { pathname, search } = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  await page
    .locator(".row", { has: bubble(page, "to be deleted") })
    .getByRole("button", { name: "Delete" })
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(bubble(page, "to be deleted")).toHaveCount(0);
  await page.goto(pathname + search);
  await expect(page.locator(".toast")).toHaveText("This message no longer exists");
  await expect(bubble(page, "kept")).toBeVisible();

  const other = await enter(eve, { node: 1 });
  await other.goto(pathname + search);
  await expect(other.getByText("This message is not available")).toBeVisible();
  await expect(other.getByText("you are not a member of it")).toBeVisible();
  await other.getByRole("button", { name: "Back to the list" }).click();
  await expect(other.getByText("Pick a conversation")).toBeVisible();
});

test("a link into a public room lets others join, and then leads to the message", async ({ enter }) => {
  const [alice, eve] = await newUsers("alice", "eve");
  const name = uniqueName("plaza");
  await alice.publicRoom(name);
  const here = await enter(alice, { permissions: ["clipboard-read", "clipboard-write"] });
  await item(here, name).click();
  await write(here, "for everyone");
  await more(here, "for everyone", "Copy link");
  await expect(here.locator(".toast")).toHaveText("Copied");
  const address = new URL(await here.evaluate(() => navigator.clipboard.readText()));
  const there = await enter(eve, { node: 1 });
  await there.goto(address.pathname + address.search);
  await expect(there.getByText("You are not a member of this public room.")).toBeVisible();
  await there.getByRole("main").getByRole("button", { name: "Join" }).click();
  await expect(title(there)).toHaveText(name);
  await expect(rowOf(there, "for everyone")).toBeFocused();
});
