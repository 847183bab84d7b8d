// The dialog about the account, and registration with an invite.
import { expect, newUsers, nodes, PASSWORD, type Page, pick, test, type User, uniqueName } from "./fixtures";

const field = (page: Page, label: string) => page.locator(".field", { hasText: label });

async function openAccount(page: Page): Promise<void> {
  await pick(page, /Account and settings/, "Account and security");
  await expect(page.getByRole("dialog", { name: "Account and security" })).toBeVisible();
}

async function status(user: User): Promise<number> {
  const headers = { authorization: `Bearer ${user.token}` };
  return (await fetch(`${nodes()[1]}/api/v1/me`, { headers })).status;
}

test("a log-out ends the token on the server", async ({ enter }) => {
  const [user] = await newUsers("leaves");
  const page = await enter(user);
  await pick(page, /Account and settings/, "Log out");
  await expect(page).toHaveURL(/\/login/);
  await expect.poll(() => status(user)).toBe(401);
});

test("a new password keeps this device and ends the others", async ({ enter, visit }) => {
  const [user] = await newUsers("changes");
  const page = await enter(user, { room: 1 });
  const other = await enter(user, { node: 1 });
  await openAccount(page);
  const change = page.getByRole("button", { name: "Change password" });
  await change.click();
  await expect(field(page, "Current password")).toContainText("Enter a password");
  await page.getByLabel("Current password").fill("wrong password");
  await page.getByLabel("New password").fill("short");
  await change.click();
  await expect(field(page, "New password")).toContainText("At least 6 characters");
  await page.getByLabel("New password").fill("another horse");
  await change.click();
  await expect(field(page, "Current password")).toContainText("Wrong password");
  await expect(page.getByLabel("Current password")).toBeFocused();
  await page.getByLabel("Current password").fill(PASSWORD);
  await change.click();
  await expect(page.getByRole("alert")).toHaveText("The password is changed");
  await expect(other.getByText("Your session has ended")).toBeVisible();
  await expect(page.locator(".me-name")).toHaveText(user.name);
  await page.reload();
  await expect(page.locator(".me-name")).toHaveText(user.name);
  expect(await status(user)).toBe(401);

  const again = await visit("/login");
  await again.getByLabel("Username").fill(user.name);
  await again.getByLabel("Password", { exact: true }).fill("another horse");
  await again.getByRole("button", { name: "Log in" }).click();
  await expect(again.locator(".me-name")).toHaveText(user.name);
});

test("a user ends the session of another device, then all of them", async ({ enter, visit }) => {
  const [user] = await newUsers("devices");
  const other = await visit("/login", { node: 1 });
  await other.getByLabel("Username").fill(user.name);
  await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.getByRole("button", { name: "Log in" }).click();
  await expect(other.locator(".me-name")).toHaveText(user.name);

  const page = await enter(user);
  await openAccount(page);
  const sessions = page.locator(".session");
  await expect(sessions).toHaveCount(2);
  await expect(sessions.filter({ hasText: "this device" })).toHaveCount(1);
  await sessions.filter({ hasText: "Chrome · Linux" }).getByRole("button").click();
  await expect(other.getByText("Your session has ended")).toBeVisible();
  await expect(sessions.filter({ hasText: "ended" })).toHaveCount(1);

  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await page
    .getByRole("dialog", { name: /all devices/ })
    .getByRole("button", { name: "everywhere" })
    .click();
  await expect(page).toHaveURL(/\/login/);
  await expect.poll(() => status(user)).toBe(401);
});

test("a user deletes the account, and others see that", async ({ enter, visit }) => {
  const [user, friend] = await newUsers("goes", "stays");
  const room = await friend.direct(user);
  await user.send(room, "Farewell");
  const page = await enter(user);
  await openAccount(page);
  await page.getByRole("button", { name: "Delete account" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete your account?" });
  await dialog.getByLabel("Password", { exact: true }).fill("wrong password");
  await dialog.getByRole("button", { name: "Delete forever" }).click();
  await expect(dialog.locator(".field-error")).toHaveText("Wrong password");
  await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Delete forever" }).click();
  await expect(page).toHaveURL(/\/login/);

  const theirs = await enter(friend, { room });
  await expect(theirs.locator(".pane-title h1")).toHaveText("Deleted account");
  await expect(theirs.getByText("Farewell").first()).toBeVisible();
  // There is nobody to write to, to block, or to be offline.
  await expect(theirs.getByText("This account was deleted")).toBeVisible();
  await expect(theirs.getByRole("textbox", { name: "Message" })).toHaveCount(0);
  await expect(theirs.getByRole("button", { name: /^Block/ })).toHaveCount(0);
  await expect(theirs.locator(".pane")).not.toContainText("offline");
  await theirs.locator(".pane-head").getByRole("button", { name: "About Deleted account" }).click();
  await expect(theirs.getByRole("dialog")).toContainText("This account was deleted.");
  await expect(theirs.getByRole("dialog").getByRole("button")).toHaveCount(1);
  await theirs.keyboard.press("Escape");
  const again = await visit("/login");
  await again.getByLabel("Username").fill(user.name);
  await again.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await again.getByRole("button", { name: "Log in" }).click();
  await expect(again.getByRole("alert")).toHaveText("Wrong username or password");
});

test("the registration takes an invite and says why it is refused", async ({ visit }) => {
  const page = await visit("/register?invite=abcdefghijklmnopqrst");
  await expect(page.getByText("You are invited")).toBeVisible();
  await expect(page.getByLabel("Invite code")).toHaveValue("abcdefghijklmnopqrst");
  const register = async (code: string) => {
    const refuse = { status: 403, json: { error: "no", code } };
    await page.route("**/auth/register?ext=1", (route) => route.fulfill(refuse), { times: 1 });
    await page.getByLabel("Username").fill(uniqueName("invited"));
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("Confirm password").fill(PASSWORD);
    await page.getByRole("button", { name: "Register" }).click();
  };
  await register("invite_invalid");
  await expect(field(page, "Invite code")).toContainText("not valid, has expired or is used up");
  await register("registration_closed");
  await expect(page.getByRole("alert")).toContainText("Registration is closed");
  await page.goto("/register");
  await expect(page.getByLabel("Invite code")).toHaveCount(0);
  await register("invite_required");
  await expect(field(page, "Invite code")).toContainText("takes an invite");
});
