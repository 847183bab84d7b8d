// Administration: what administrators do at /admin on one node, and what users on the other notice.
import type { Locator, Page } from "@playwright/test";
import { scan } from "./axe";
import { expect, item, newUsers, nodes, PASSWORD, plainPage, test, type User, uniqueName } from "./fixtures";
import { runCommand } from "./servers";

const row = (page: Page, text: string) => page.locator(".row", { hasText: text });
const dialog = (page: Page) => page.getByRole("dialog");
const said = (page: Page) => page.locator(".admin-toast, .dialog .note.is-good");

/** Registers an administrator. */
async function newAdmin(): Promise<User> {
  const [user] = await newUsers("operator");
  await runCommand("user", "promote", user.name);
  return user;
}

async function open(page: Page, section?: string): Promise<void> {
  await page.goto(section ? `/admin?section=${section}` : "/admin");
  await expect(page.getByRole("navigation", { name: "Administration" })).toBeVisible();
  await expect(page.locator(".rows-box")).toHaveAttribute("aria-busy", "false");
}

/** Finds what has exactly one row. */
async function find(page: Page, text: string): Promise<Locator> {
  await page.getByRole("searchbox").fill(text);
  await expect(page.locator(".row")).toHaveCount(1);
  await expect(row(page, text)).toHaveCount(1);
  return row(page, text);
}

/** Opens an act on the user whom the page shows, and confirms it. */
async function act(page: Page, user: User, action: string, yes: string): Promise<void> {
  await begin(page, user, action);
  await dialog(page).getByRole("button", { name: yes, exact: true }).click();
}

async function begin(page: Page, user: User, action: string): Promise<void> {
  if ((await dialog(page).count()) === 0) {
    await page.getByRole("button", { name: `Manage ${user.name}` }).click();
  }
  await dialog(page).getByRole("button", { name: action, exact: true }).click();
}

async function logIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** The status of a log-in on the second node. */
async function logInStatus(name: string, password: string): Promise<number> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ username: name, password });
  return (await fetch(`${nodes()[1]}/api/v1/auth/login`, { method: "POST", headers, body })).status;
}

test("only administrators see the page and the link to it, as soon as they are promoted", async ({
  visit,
}) => {
  const [user] = await newUsers("somebody");
  const page = await visit("/admin?section=rooms&q=tea");
  await expect(page.getByRole("heading", { name: "Sign in to administer" })).toBeVisible();
  await page.getByRole("link", { name: "Log in" }).click();
  await logIn(page, user.name);
  await expect(page).toHaveURL(/\/admin\?section=rooms&q=tea$/);
  await expect(page.getByRole("heading", { name: "This page is for administrators" })).toBeVisible();
  await expect(page.getByText(`You are signed in as ${user.name}`)).toBeVisible();
  await page.getByRole("link", { name: "Chat" }).click();
  await page.getByRole("button", { name: /Account and settings/ }).click();
  await expect(page.getByRole("link", { name: "API documentation" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Administration" })).toHaveCount(0);

  await page.goto("/admin?section=rooms&q=tea");
  await expect(page.getByRole("heading", { name: "This page is for administrators" })).toBeVisible();
  await runCommand("user", "promote", user.name);
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(page.getByRole("heading", { name: "Rooms" })).toBeVisible();
  await expect(page.getByRole("searchbox")).toHaveValue("tea");
  await page.getByRole("link", { name: "Chat" }).click();
  await page.getByRole("button", { name: /Account and settings/ }).click();
  await page.getByRole("link", { name: "Administration" }).click();
  await expect(page.getByRole("heading", { name: "Users" })).toBeVisible();

  // Who is demoted meanwhile sees it at the next act.
  await runCommand("user", "demote", user.name);
  await page.getByRole("link", { name: "Audit log" }).click();
  await expect(page.getByRole("heading", { name: "This page is for administrators" })).toBeVisible();
  // A log-out in another tab ends the page as well.
  const chat = await page.context().newPage();
  await chat.goto("/chat");
  await chat.getByRole("button", { name: /Account and settings/ }).click();
  await chat.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in to administer" })).toBeVisible();
});

test("users are banned with a reason, logged out, and let in again, on every node", async ({ enter }) => {
  const [root, [bob]] = [await newAdmin(), await newUsers("bob")];
  const page = await enter(root);
  const theirs = await enter(bob, { node: 1 });
  await open(page);
  const line = await find(page, bob.name);

  await act(page, bob, "End all sessions", "End sessions");
  await expect(said(page)).toHaveText(`All sessions of ${bob.name} have ended.`);
  await expect(theirs).toHaveURL(/\/login/);
  await logIn(theirs, bob.name);
  await expect(theirs.locator(".me-name")).toHaveText(bob.name);

  await begin(page, bob, "Ban…");
  await dialog(page).getByLabel("Reason").fill("sends <b>advertisements</b>");
  await dialog(page).getByRole("button", { name: "Ban", exact: true }).click();
  await expect(said(page)).toHaveText(`${bob.name} is banned.`);
  await expect(dialog(page)).toContainText("sends <b>advertisements</b>");
  await expect(theirs).toHaveURL(/\/login/);
  expect(await logInStatus(bob.name, PASSWORD)).toBe(401);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: `Manage ${bob.name}` })).toBeFocused();
  await page.reload();
  await expect(line).toContainText("banned");
  await expect(line).toContainText("Reason: sends <b>advertisements</b>");

  await act(page, bob, "Lift the ban", "Lift the ban");
  await expect(said(page)).toHaveText(`${bob.name} is not banned any more.`);
  await page.keyboard.press("Escape");
  await expect(line).not.toContainText("banned");
  await logIn(theirs, bob.name);
  await expect(theirs.locator(".me-name")).toHaveText(bob.name);
});

test("a one-time password is shown once, and lets its user in once", async ({ enter, visit }) => {
  const [root, [bob]] = [await newAdmin(), await newUsers("bob")];
  const page = await enter(root, { permissions: ["clipboard-read", "clipboard-write"] });
  await open(page);
  await find(page, bob.name);
  await act(page, bob, "One-time password…", "Make a password");
  const field = dialog(page).getByLabel("Password");
  await expect(field).toHaveValue(/^[0-9a-f]{20}$/);
  await expect(field).toBeFocused();
  const password = await field.inputValue();
  await dialog(page).getByRole("button", { name: "Copy" }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(password);
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await expect(dialog(page)).toHaveCount(0);
  expect(await page.content()).not.toContain(password);

  const theirs = await visit("/login", { node: 1 });
  await logIn(theirs, bob.name, password);
  await expect(theirs.locator(".me-name")).toHaveText(bob.name);
  expect(await logInStatus(bob.name, password)).toBe(401);
});

test("administrators make others administrators, and delete accounts once they typed the name", async ({
  enter,
}) => {
  const [root, [bob]] = [await newAdmin(), await newUsers("bob")];
  const page = await enter(root);
  const theirs = await enter(bob, { node: 1 });
  await open(page);
  const line = await find(page, bob.name);
  await act(page, bob, "Make an administrator", "Make an administrator");
  await expect(said(page)).toHaveText(`${bob.name} is an administrator.`);
  await theirs.goto("/admin");
  await expect(theirs.getByRole("heading", { name: "Users" })).toBeVisible();
  await act(page, bob, "Make an ordinary user", "Make an ordinary user");
  await expect(said(page)).toHaveText(`${bob.name} is an ordinary user.`);
  await theirs.reload();
  await expect(theirs.getByRole("heading", { name: "This page is for administrators" })).toBeVisible();

  await begin(page, bob, "Delete the account…");
  const confirm = dialog(page).getByRole("button", { name: "Delete the account", exact: true });
  await confirm.click();
  await expect(dialog(page)).toContainText("This is not the name of the account.");
  await dialog(page).getByRole("textbox").fill(bob.name);
  await confirm.click();
  await expect(said(page)).toHaveText(`${bob.name} is deleted.`);
  await expect(line).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Users" })).toBeFocused();
  await theirs.goto("/chat");
  await expect(theirs).toHaveURL(/\/login/);

  // Nobody acts on themselves.
  await find(page, root.name);
  await page.getByRole("button", { name: `Manage ${root.name}` }).click();
  await expect(dialog(page)).toContainText("Other administrators can change your account");
  await expect(dialog(page).getByRole("button")).toHaveCount(1);
});

test("invitations are made, copied, listed without their codes, and revoked", async ({ enter }) => {
  const page = await enter(await newAdmin(), { permissions: ["clipboard-read", "clipboard-write"] });
  const other = await enter(await newAdmin(), { node: 1 });
  await open(page, "invites");
  await page.getByLabel(/^Accounts/).fill("37");
  await page.getByLabel(/^Days/).fill("400");
  await page.getByRole("button", { name: "Make an invitation" }).click();
  await expect(dialog(page)).toHaveCount(0); // the browser refuses 400 days
  await page.getByLabel(/^Days/).fill("365");
  await page.getByRole("button", { name: "Make an invitation" }).click();
  const link = await dialog(page).getByLabel("Link").inputValue();
  expect(link).toMatch(/\/register\?invite=[a-z2-7]{20}$/);
  await dialog(page).getByRole("button", { name: "Done" }).click();
  const id = await row(page, "0 of 37 used").first().getAttribute("data-invite");
  const made = (where: Page) => where.locator(`[data-invite="${id}"]`);
  await made(page).getByRole("button", { name: "Copy link" }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(link);

  await open(other, "invites");
  await expect(made(other)).toContainText("0 of 37 used");
  await expect(made(other)).toContainText("made by operator");
  await expect(made(other).getByRole("button", { name: "Copy link" })).toHaveCount(0);
  await made(other)
    .getByRole("button", { name: /^Revoke/ })
    .click();
  await dialog(other).getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(made(other)).toHaveCount(0);
  await page.reload();
  await expect(page.locator(".rows-box")).toHaveAttribute("aria-busy", "false");
  await expect(made(page)).toHaveCount(0);
});

test("rooms are found, show their members, and are deleted for everyone", async ({ enter }) => {
  const [root, [alice, bob]] = [await newAdmin(), await newUsers("alice", "bob")];
  const name = uniqueName("<i>Grüner</i> Tee ");
  await alice.group(name, bob);
  const theirs = await enter(bob, { node: 1 });
  await expect(item(theirs, name)).toBeVisible();
  const page = await enter(root);
  await open(page, "rooms");
  await page.getByRole("searchbox").fill(name.slice(5).toUpperCase());
  const line = row(page, name);
  await expect(line).toHaveCount(1);
  await expect(line).toContainText("2 members");
  await expect(line).toContainText(`owner: ${alice.name}`);
  await page.getByRole("button", { name: `Members of ${name}` }).click();
  await expect(dialog(page).locator(".row")).toHaveText([
    new RegExp(`${alice.name}owner`),
    new RegExp(bob.name),
  ]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await dialog(page).getByRole("button", { name: "Delete the room" }).click();
  await expect(said(page)).toHaveText(`${name} is deleted.`);
  await expect(line).toHaveCount(0);
  await expect(item(theirs, name)).toHaveCount(0);
  // The room of everyone stays.
  await page.getByRole("searchbox").fill("全局聊天室");
  await expect(page.locator("[data-room='1'] .row-title")).toContainText("Lobby");
  await expect(page.locator("[data-room='1']").getByRole("button")).toHaveCount(1);
});

test("uploads are listed by user, and the log by act and name", async ({ enter }) => {
  const [root, [alice, bob]] = [await newAdmin(), await newUsers("alice", "bob")];
  const room = await alice.group(uniqueName("files"));
  await alice.upload(room, "long.txt", "x".repeat(3_000_000));
  const page = await enter(root);
  await open(page, "uploads");
  await expect(row(page, alice.name)).toContainText(/3 MB stored/);

  await page.getByRole("link", { name: "Users" }).click();
  await find(page, bob.name);
  await begin(page, bob, "Ban…");
  await dialog(page).getByLabel("Reason").fill("flood");
  await dialog(page).getByRole("button", { name: "Ban", exact: true }).click();
  await expect(said(page)).toHaveText(`${bob.name} is banned.`);
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Audit log" }).click();
  await page.getByRole("searchbox").fill(bob.name);
  await expect(page.locator(".row")).toHaveText([
    new RegExp(`${root.name} banned ${bob.name}.*Reason: flood`),
  ]);
  await page.getByLabel("Actions").selectOption("on rooms");
  await expect(page.getByText("No entries match.")).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`section=audit&q=${bob.name}&kind=room`));
  await page.getByLabel("Actions").selectOption("on users");
  await expect(page.locator(".row")).toHaveCount(1);
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Users" })).toBeVisible();
});

test("long lists are read page by page", async ({ enter }) => {
  const root = await newAdmin();
  const page = await enter(root);
  const asked: string[] = [];
  const name = (at: number) => `user ${at}`;
  await page.route("**/api/v1/admin/users?*", async (route) => {
    const cursor = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    asked.push(String(cursor));
    const user = { email: "", avatar: "", is_admin: false, is_banned: false, ban_reason: "" };
    const users = Array.from({ length: 50 }, (_, at) => {
      const id = cursor + at + 1000;
      return { ...user, id, username: name(id), created_at: "2026-01-01T00:00:00.000Z" };
    });
    await route.fulfill({ json: { users, next: cursor < 100 ? String(cursor + 50) : null } });
  });
  await page.goto("/admin?q=user");
  await expect(page.locator(".row")).toHaveCount(50);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.locator(".row")).toHaveCount(100);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.locator(".row")).toHaveCount(150);
  await expect(page.getByRole("button", { name: "Show more" })).toHaveCount(0);
  expect(asked).toEqual(["0", "50", "100"]);
});

test("a list that cannot be loaded says so, and can be tried again", async ({ enter }) => {
  const page = await enter(await newAdmin());
  await page.route("**/api/v1/admin/rooms*", (route) => route.abort());
  await page.goto("/admin?section=rooms");
  await expect(page.getByRole("alert")).toContainText("The list could not be loaded");
  await page.unroute("**/api/v1/admin/rooms*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("[data-room='1'] .row-title")).toContainText("Lobby");
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("everything is done with the keyboard", async ({ enter }) => {
  const [root, [bob]] = [await newAdmin(), await newUsers("bob")];
  const page = await enter(root);
  await page.goto(`/admin?q=${bob.name}`);
  await expect(page.locator(".row")).toHaveCount(1);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the list" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("button", { name: "Make an administrator" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(said(page)).toHaveText(`${bob.name} is an administrator.`);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: `Manage ${bob.name}` })).toBeFocused();
});

for (const [colorScheme, width] of [
  ["light", 1280],
  ["dark", 390],
] as const) {
  test(`has no serious accessibility violations (${colorScheme}, ${width})`, async ({ enter }) => {
    test.slow(); // axe looks at nine states
    const [root, [alice, bob]] = [await newAdmin(), await newUsers("alice", "bob")];
    const room = uniqueName("a room with a rather long name, which takes more than a line ");
    await alice.upload(await alice.group(room, bob), "a.txt", "x".repeat(50_000));
    await runCommand("user", "ban", bob.name, "--reason", "sends advertisements to everybody all day long");
    const page = await enter(root, { colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 844 });
    const check = async (what: string) => {
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(scrolled, `${what} at ${width}`).toBeLessThanOrEqual(width);
      await scan(page, `${what} at ${width}`);
    };
    await open(page);
    await find(page, bob.name);
    await check("users");
    await page.getByRole("button", { name: `Manage ${bob.name}` }).click();
    await check("a user");
    for (const action of ["One-time password…", "Delete the account…"]) {
      await dialog(page).getByRole("button", { name: action }).click();
      await expect(dialog(page).getByRole("button", { name: "Cancel" })).toBeVisible();
      if (action.startsWith("Delete")) {
        await dialog(page).getByRole("button", { name: "Delete the account", exact: true }).click();
      }
      await check(action);
      await dialog(page).getByRole("button", { name: "Cancel" }).click();
    }
    await page.keyboard.press("Escape");
    await open(page, "invites");
    await page.getByRole("button", { name: "Make an invitation" }).click();
    await expect(dialog(page).getByLabel("Link")).toBeVisible();
    await check("a link");
    await dialog(page).getByRole("button", { name: "Done" }).click();
    await expect(page.locator(".row").first()).toBeVisible();
    await check("invitations");
    await open(page, "rooms");
    await find(page, room);
    await check("rooms");
    await page.getByRole("button", { name: `Members of ${room}` }).click();
    await expect(dialog(page).locator(".row")).toHaveCount(2);
    await check("members");
    await page.keyboard.press("Escape");
    for (const section of ["uploads", "audit"]) {
      await open(page, section);
      await expect(page.locator(".row").first()).toBeVisible();
      await check(section);
    }
    await page.locator("button[lang=zh-CN]").click();
    await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
    await expect(page.getByRole("heading", { name: "审计日志" })).toBeVisible();
    await expect(page).toHaveTitle("审计日志 · 管理 · Chinwag");
  });
}

test("has no serious accessibility violations without access", async ({
  browser,
  contexts,
  enter,
  visit,
}) => {
  const out = await visit("/admin", { reducedMotion: "reduce" });
  await expect(out.getByRole("link", { name: "Log in" })).toBeVisible();
  await scan(out, "signed out");
  const [user] = await newUsers("somebody");
  const page = await enter(user, { reducedMotion: "reduce" });
  await page.goto("/admin");
  await expect(page.getByRole("heading", { name: "This page is for administrators" })).toBeVisible();
  await scan(page, "forbidden");
  // The page itself tells nothing to those who have no token.
  const plain = await plainPage(browser, contexts, 1);
  const answer = await plain.goto("/admin/");
  expect(answer?.status()).toBe(200);
  expect(answer?.headers()["content-security-policy"]).not.toContain("unsafe");
});
