// Registering, logging in, the guard, the end of a session; languages.
import type { Page } from "@playwright/test";
import { operate } from "./servers";
import { bubble, composer, expect, fresh, isIn, PASSWORD, people, pick, test, title, write } from "./world";

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

test("one registers, logs in, and comes to where one wanted to go", async ({ visit }) => {
  const name = fresh("新用户");
  const page = await visit("/chat?room=1");
  await expect(page).toHaveURL(/\/login\?next=/);
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

test("a taken name is told beside its field", async ({ visit }) => {
  const [user] = await people("taken");
  const page = await visit("/register");
  await register(page, user.name.toUpperCase(), PASSWORD, PASSWORD);
  await expect(field(page, "Username")).toContainText("That username is taken");
});

test("where one is led after the login is a place of the chat, never another site", async ({ visit }) => {
  const [user] = await people("led");
  const page = await visit("/login?next=https%3A%2F%2Fexample.org%2F");
  await logIn(page, user.name, PASSWORD);
  await isIn(page, user);
  await expect(page).toHaveURL(/\/chat$/);
});

test("a session that ends leads to the login and keeps the draft", async ({ enter }) => {
  const [user] = await people("ended");
  const page = await enter(user, { room: 1 });
  await composer(page).fill("a thought that must not be lost");
  await operate("user", "ban", user.name);
  await expect(page.getByText("Your session has ended")).toBeVisible();
  await operate("user", "unban", user.name);
  await logIn(page, user.name, PASSWORD);
  await expect(page).toHaveURL(/\/chat\?room=1$/);
  await expect(composer(page)).toHaveValue("a thought that must not be lost");
});

test("who logs out does so in all tabs", async ({ enter, another }) => {
  const [user] = await people("tabs");
  const page = await enter(user, { room: 1 });
  const other = await another(page, "/chat");
  await isIn(other, user);
  await pick(page, /Account and settings/, "Log out");
  for (const tab of [page, other]) await expect(tab).toHaveURL(/\/login/);
});

test("a token that no longer holds leads to the login", async ({ enter }) => {
  const [user] = await people("forged");
  const page = await enter(user, { room: 1 });
  await page.evaluate(() => {
    const [header, claims] = (localStorage.getItem("token") ?? "").split(".");
    localStorage.setItem("token", `${header}.${claims}.${"A".repeat(43)}`);
  });
  await page.reload();
  await expect(page.getByText("Your session has ended")).toBeVisible();
});

test("light and dark are the system's, or as one likes", async ({ enter }) => {
  const [user] = await people("looks");
  const page = await enter(user, { colorScheme: "light" });
  const ink = () => page.locator(".me-name").evaluate((name) => getComputedStyle(name).color);
  const light = await ink();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(ink).not.toBe(light);
  const dark = await ink();
  await pick(page, /Account and settings/, "Light");
  await expect.poll(ink).toBe(light);
  await page.reload();
  await isIn(page, user);
  await expect.poll(ink).toBe(light);
  await pick(page, /Account and settings/, "System");
  await expect.poll(ink).toBe(dark);
});

test("the language is the browser's, and changes at once, both ways", async ({ enter }) => {
  const [user] = await people("语言");
  const page = await enter(user, { room: 1, locale: "zh-CN" });
  await expect(title(page)).toHaveText("全局聊天室");
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  const box = page.locator(".composer textarea");
  await box.fill("写了一半");
  await pick(page, /账号与设置/, "English");
  await expect(title(page)).toHaveText("Lobby");
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  // Nothing was loaded anew.
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
  // Elsewhere: everyone hears the lobby, and other tests count what they hear.
  await page.goto(`/chat?room=${await user.group("语言")}`);
  await write(page, "说完了");
  await expect(bubble(page, "说完了")).toBeVisible();
});
