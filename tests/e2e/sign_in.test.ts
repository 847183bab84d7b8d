// Registration, login, guarded pages, the end of a session, themes and languages.
import type { Page } from "@playwright/test";
import {
  bubble,
  composer,
  expect,
  expectLoggedIn,
  newUsers,
  PASSWORD,
  pick,
  test,
  title,
  uniqueName,
  write,
} from "./fixtures";
import { runCommand } from "./servers";

const field = (page: Page, label: string) => page.locator(".field", { hasText: label });

async function register(page: Page, name: string, password: string, again: string): Promise<void> {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("Confirm password").fill(again);
  await page.getByRole("button", { name: "Register" }).click();
}

async function logIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("a user registers, logs in and returns to the requested page", async ({ visit }) => {
  const name = uniqueName("新用户");
  const page = await visit("/chat?room=1");
  await expect(page).toHaveURL(/\/login\?next=/);
  await expect(page.getByRole("button", { name: "Log in" })).toBeVisible();
  // Nothing is left of what the page said before.
  await expect(page.locator(".loading")).toHaveCount(0);
  await page.getByRole("link", { name: "Create one" }).click();
  await expect(page).toHaveURL(/\/register/);

  await page.getByRole("button", { name: "Register" }).click();
  await expect(field(page, "Username")).toContainText("Enter a username");
  await register(page, name, PASSWORD, "another");
  await expect(field(page, "Confirm password")).toContainText("The two passwords differ");
  await register(page, name, "short", "short");
  await expect(page.getByText("At least 6 characters")).toBeVisible();
  await register(page, name, PASSWORD, PASSWORD);

  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByText("Account created")).toBeVisible();
  await logIn(page, name, "wrong password");
  await expect(page.getByRole("alert")).toHaveText("Wrong username or password");
  await logIn(page, name, PASSWORD);
  await expect(page).toHaveURL(/\/chat\?room=1$/);
  await expect(title(page)).toHaveText("Lobby");
  expect(await page.evaluate(() => localStorage.getItem("token")?.split(".").length)).toBe(3);

  await pick(page, /Account and settings/, "Log out");
  await expect(page).toHaveURL(/\/login/);
  expect(await page.evaluate(() => localStorage.getItem("token"))).toBeNull();
  await page.goto("/chat");
  await expect(page).toHaveURL(/\/login/);
});

test("a taken name is reported under its field", async ({ visit }) => {
  const [user] = await newUsers("taken");
  const page = await visit("/register");
  await register(page, user.name.toUpperCase(), PASSWORD, PASSWORD);
  await expect(field(page, "Username")).toContainText("That username is taken");
});

test("the login never redirects to another site", async ({ visit }) => {
  const [user] = await newUsers("led");
  const page = await visit("/login?next=https%3A%2F%2Fexample.org%2F");
  await logIn(page, user.name, PASSWORD);
  await expectLoggedIn(page, user);
  await expect(page).toHaveURL(/\/chat$/);
});

test("an ended session leads to the login and keeps the draft", async ({ enter }) => {
  const [user] = await newUsers("ended");
  const page = await enter(user, { room: 1 });
  await composer(page).fill("a thought that must not be lost");
  await runCommand("user", "ban", user.name);
  await expect(page.getByText("Your session has ended")).toBeVisible();
  await runCommand("user", "unban", user.name);
  await logIn(page, user.name, PASSWORD);
  await expect(page).toHaveURL(/\/chat\?room=1$/);
  await expect(composer(page)).toHaveValue("a thought that must not be lost");
});

test("a logout applies to all tabs", async ({ enter, openTab }) => {
  const [user] = await newUsers("tabs");
  const page = await enter(user, { room: 1 });
  const other = await openTab(page, "/chat");
  await expectLoggedIn(other, user);
  await pick(page, /Account and settings/, "Log out");
  for (const tab of [page, other]) await expect(tab).toHaveURL(/\/login/);
});

test("an invalid token leads to the login", async ({ enter }) => {
  const [user] = await newUsers("forged");
  const page = await enter(user, { room: 1 });
  await page.evaluate(() => {
    const [header, claims] = (localStorage.getItem("token") ?? "").split(".");
    localStorage.setItem("token", `${header}.${claims}.${"A".repeat(43)}`);
  });
  await page.reload();
  await expect(page.getByText("Your session has ended")).toBeVisible();
});

test("the theme follows the system or the choice of the user", async ({ enter }) => {
  const [user] = await newUsers("looks");
  const page = await enter(user, { colorScheme: "light" });
  const ink = () => page.locator(".me-name").evaluate((name) => getComputedStyle(name).color);
  const light = await ink();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(ink).not.toBe(light);
  const dark = await ink();
  await pick(page, /Account and settings/, "Light");
  await expect.poll(ink).toBe(light);
  await page.reload();
  await expectLoggedIn(page, user);
  await expect.poll(ink).toBe(light);
  await pick(page, /Account and settings/, "System");
  await expect.poll(ink).toBe(dark);
});

test("the language follows the browser and changes without a reload", async ({ enter }) => {
  const [user] = await newUsers("语言");
  const page = await enter(user, { room: 1, locale: "zh-CN" });
  await expect(title(page)).toHaveText("全局聊天室");
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  const box = page.locator(".composer textarea");
  await box.fill("写了一半");
  await pick(page, /账号与设置/, "English");
  await expect(title(page)).toHaveText("Lobby");
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  // The page was not reloaded.
  await expect(box).toHaveValue("写了一半");
  await page
    .locator(".menu")
    .getByRole("button", { name: "切换到中文" })
    .or(page.getByText("中文"))
    .first()
    .click();
  await expect(title(page)).toHaveText("全局聊天室");
  await page.locator(".menu").getByText("English").click();
  await page.reload();
  await expect(title(page)).toHaveText("Lobby");
  // Uses another room, as every user gets the messages of the lobby and other tests count theirs.
  await page.goto(`/chat?room=${await user.group("语言")}`);
  await write(page, "说完了");
  await expect(bubble(page, "说完了")).toBeVisible();
});
