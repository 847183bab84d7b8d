import { composer, expect, fresh, nodes, PASSWORD, test, User, watch } from "./world";

test("one registers, logs in, and comes to where one wanted to go", async ({ page }) => {
  watch(page);
  const name = fresh("新用户");
  await page.goto(`${nodes()[0]}/chat?room=1`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByRole("link", { name: "Create one" }).click();

  await page.getByRole("button", { name: "Register" }).click();
  await expect(page.getByText("Enter a username")).toBeVisible();
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Confirm password").fill("another");
  await page.getByRole("button", { name: "Register" }).click();
  await expect(page.getByText("The two passwords differ")).toBeVisible();
  await page.getByLabel("Confirm password").fill(PASSWORD);
  await page.getByRole("button", { name: "Register" }).click();

  await expect(page.getByText("Account created")).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill("wrong password");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toHaveText("Wrong username or password");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL(/\/chat\?room=1$/);
  await expect(page.getByRole("heading", { name: "Lobby" })).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem("token")?.split(".").length)).toBe(3);

  await page.getByRole("button", { name: /Account and settings/ }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page).toHaveURL(/\/login/);
  expect(await page.evaluate(() => localStorage.getItem("token"))).toBeNull();
});

test("a taken name is told beside its field", async ({ page }) => {
  const user = await User.named(fresh("taken"));
  await page.goto(`${nodes()[0]}/register`);
  await page.getByLabel("Username").fill(user.name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Confirm password").fill(PASSWORD);
  await page.getByRole("button", { name: "Register" }).click();
  await expect(page.locator(".field", { hasText: "Username" }).getByText("That username is taken")).toBeVisible();
});

test("an expired session leads to the login and keeps the draft", async ({ enter }) => {
  const user = await User.named(fresh("expired"));
  const page = await enter(user, { room: 1 });
  await composer(page).fill("a thought that must not be lost");
  await page.evaluate(() => {
    const parts = (localStorage.getItem("token") ?? "").split(".");
    localStorage.setItem("token", `${parts[0]}.${parts[1]}.${"A".repeat(43)}`);
  });
  await page.reload();
  await expect(page.getByText("Your session has ended")).toBeVisible();
  await page.getByLabel("Username").fill(user.name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(composer(page)).toHaveValue("a thought that must not be lost");
});

test("the language is the browser's, and changes at once", async ({ enter }) => {
  const user = await User.named(fresh("lang"));
  const page = await enter(user, { room: 1, locale: "zh-CN" });
  await expect(page.getByRole("heading", { name: "全局聊天室" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await page.getByRole("button", { name: /账号与设置/ }).click();
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { name: "Lobby" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Lobby" })).toBeVisible();
});
