// Invitations to a room by link: made and revoked by its owner, opened by others, who may first have to register.
import { expect, newUsers, PASSWORD, type Page, test, title, uniqueName } from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const dialog = (page: Page, name: string) => page.getByRole("dialog", { name, exact: true });

/** Opens the dialog about the links of the room that is shown. */
async function openLinks(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Members" }).click();
  await page.getByRole("button", { name: "Invite by link" }).click();
  await expect(dialog(page, "Invite by link").getByText("No links yet")).toBeVisible();
}

/** Makes a link, and returns its path. */
async function makeLink(page: Page): Promise<string> {
  const shown = dialog(page, "Invite by link");
  await shown.getByRole("button", { name: "Make a link" }).click();
  const address = new URL(await shown.getByLabel("The new link").inputValue());
  await expect(shown.getByText(/^by .* used 0 (of 10 )?times$/)).toBeVisible();
  return address.pathname + address.search;
}

test("a link leads those who register first into the group, on another node", async ({ enter, visit }) => {
  const [alice] = await newUsers("alice");
  const name = uniqueName("circle");
  const room = await alice.group(name);
  await alice.call("PATCH", `/api/v1/rooms/${room}`, { description: "All about **tea**" });
  const here = await enter(alice, { room, permissions: ["clipboard-read", "clipboard-write"] });
  await expect(here.locator(".pane-title p")).toHaveText("1 member · 1 online");
  await openLinks(here);
  await dialog(here, "Invite by link").getByLabel("Expires after").selectOption("1 day");
  await dialog(here, "Invite by link").getByLabel("Can be used").selectOption("10 times");
  const path = await makeLink(here);
  // What comes next is to copy it.
  await expect(here.getByRole("button", { name: "Copy the link" })).toBeFocused();
  await here.keyboard.press("Enter");
  await expect(here.locator(".toast")).toHaveText("Copied");
  expect(await here.evaluate(() => navigator.clipboard.readText())).toContain(path);

  const there = await visit(path, { node: 1 });
  await expect(there.getByText("You are invited to a room.")).toBeVisible();
  await there.getByRole("link", { name: "Create one" }).click();
  const newName = uniqueName("newcomer");
  await there.getByLabel("Username").fill(newName);
  await there.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await there.getByLabel("Confirm password").fill(PASSWORD);
  await there.getByRole("button", { name: "Register" }).click();
  await expect(there.getByText("Account created")).toBeVisible();
  await there.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await there.getByRole("button", { name: "Log in" }).click();
  const invitation = dialog(there, "Invitation");
  await expect(invitation).toContainText(name);
  await expect(invitation).toContainText("1 member");
  await expect(invitation.locator(".join-description strong")).toHaveText("tea");
  await invitation.getByRole("button", { name: "Join" }).click();
  await expect(title(there)).toHaveText(name);
  expect(new URL(there.url()).search).toBe(`?room=${room}`);
  // A join like any other.
  await here.keyboard.press("Escape");
  await expect(here.locator(".rows").getByText(`${newName} joined`)).toBeVisible();
  // Members go where they are already.
  await there.goto(new URL(path, there.url()).href);
  await expect(title(there)).toHaveText(name);
  await expect(invitation).toHaveCount(0);
});

test("a link that was revoked lets nobody in, nor one those who were removed", async ({ enter }) => {
  const [alice, bob, eve] = await newUsers("alice", "bob", "eve");
  const room = await alice.group(uniqueName("closed"), bob);
  const { id } = await bob.call<{ id: number }>("GET", "/api/v1/me");
  await alice.call("DELETE", `/api/v1/rooms/${room}/members/${id}`);
  const here = await enter(alice, { room });
  await openLinks(here);
  const path = await makeLink(here);
  const theirs = await enter(bob, { node: 1 });
  await theirs.goto(path);
  await expect(dialog(theirs, "Invitation").getByRole("alert")).toContainText("You were removed");
  // It would be in vain.
  await expect(theirs.getByRole("button", { name: "Try again" })).toHaveCount(0);

  const others = await enter(eve, { node: 1 });
  await others.goto(path);
  const invitation = dialog(others, "Invitation");
  await expect(invitation.getByRole("button", { name: "Join" })).toBeFocused();
  await here.getByRole("button", { name: /^Revoke the link until/ }).click();
  await dialog(here, "Revoke the link?").getByRole("button", { name: "Revoke" }).click();
  await expect(dialog(here, "Invite by link").getByText("No links yet")).toBeVisible();
  await expect(here.getByRole("list", { name: "Valid links" })).toBeFocused();
  await expect(here.getByLabel("The new link")).toHaveCount(0);
  await invitation.getByRole("button", { name: "Join" }).click();
  await expect(invitation.getByRole("alert")).toContainText("This link does not work");
  await invitation.getByRole("button", { name: "Close" }).last().click();
  await expect(others.getByText("Pick a conversation")).toBeVisible();
  expect(new URL(others.url()).search).toBe("");
});

test("links are made and followed on a phone", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("pocket");
  const room = await alice.group(name);
  const here = await enter(alice, { ...PHONE, room });
  await openLinks(here);
  const path = await makeLink(here);
  const box = await dialog(here, "Invite by link").boundingBox();
  expect(box && box.x >= 0 && box.x + box.width <= 390).toBe(true);
  // In a low window the actions below leave room for the members.
  await here.setViewportSize({ width: 390, height: 560 });
  const members = await here.locator(".members-tab").boundingBox();
  expect(members?.height).toBeGreaterThanOrEqual(220);
  const there = await enter(bob, { ...PHONE, node: 1 });
  await there.goto(path);
  await dialog(there, "Invitation").getByRole("button", { name: "Join" }).tap();
  await expect(title(there)).toHaveText(name);
});
