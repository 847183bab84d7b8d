// The card of a user, and what a room is: its pictures and files.
import {
  bubble,
  composer,
  expect,
  newUsers,
  type Page,
  pick,
  picture,
  test,
  title,
  uniqueName,
} from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const card = (page: Page, name: string) => page.getByRole("dialog", { name, exact: true });

test("names and avatars show the card of their user, who can be written to and blocked", async ({
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("cards"), bob);
  await bob.call("PATCH", "/api/v1/me", { status_text: "On **the** train" });
  await bob.send(room, "hello all");
  const theirs = await enter(bob, { node: 1 });
  const page = await enter(alice, { room });
  // By name, by avatar, in the list of members.
  await page.locator(".row-name", { hasText: bob.name }).click();
  await expect(card(page, bob.name)).toContainText("On the train");
  await expect(card(page, bob.name)).toContainText("online");
  await page.keyboard.press("Escape");
  // The card is always the present one.
  await bob.call("PATCH", "/api/v1/me", { status_text: "`Arrived`" });
  await page.locator(".row-avatar button").click();
  // It is shown as text, without the marks of formatting.
  await expect(page.locator(".user-card-status")).toHaveText("Arrived");
  await page.keyboard.press("Escape");
  await expect(card(page, bob.name)).toHaveCount(0);
  await page.getByRole("button", { name: "Members" }).click();
  await expect(page.locator(".member", { hasText: bob.name }).locator("small").last()).toHaveText("Arrived");
  await page
    .locator(".member")
    .getByRole("button", { name: `About ${bob.name}` })
    .click();
  await card(page, bob.name).getByRole("button", { name: "Write a message" }).click();
  await expect(title(page)).toHaveText(bob.name);
  await expect(page.locator(".pane-title p bdi")).toHaveText("Arrived");

  // From the head of the direct conversation it can be blocked, and in the account unblocked.
  await page
    .locator(".pane-head")
    .getByRole("button", { name: `About ${bob.name}` })
    .click();
  await expect(card(page, bob.name).getByRole("button", { name: "Write a message" })).toHaveCount(0);
  await card(page, bob.name).getByRole("button", { name: "Block" }).click();
  const ask = page.getByRole("dialog", { name: `Block ${bob.name}?` });
  await ask.getByRole("button", { name: "Block", exact: true }).click();
  await expect(page.locator(".pane-title")).toContainText("blocked by you");
  await pick(page, /Account and settings/, "Account and security");
  const account = page.getByRole("dialog", { name: "Account and security" });
  await account.getByRole("button", { name: `Unblock ${bob.name}` }).click();
  await expect(account).toContainText("You have blocked nobody.");
  await page.keyboard.press("Escape");
  await expect(page.locator(".pane-title")).not.toContainText("blocked by you");
  await theirs.close();
});

test("the card is reached by keys from a message, and by a long press", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("keys"), bob);
  await bob.send(room, "hello all");
  const page = await enter(alice, { room });
  await expect(bubble(page, "hello all")).toBeVisible();
  await page.getByRole("region", { name: "Messages" }).focus();
  await page.keyboard.press("ArrowUp");
  const row = page.locator(".row", { hasText: "hello all" });
  await expect(row).toBeFocused();
  await row
    .locator(".actions")
    .getByRole("button", { name: `About ${bob.name}` })
    .press("Enter");
  await expect(card(page, bob.name)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(card(page, bob.name)).toHaveCount(0);

  const phone = await enter(alice, { ...PHONE, room });
  await phone.locator(".row", { hasText: "hello all" }).locator(".more").dispatchEvent("click");
  await phone
    .locator(".sheet")
    .getByRole("button", { name: `About ${bob.name}` })
    .tap();
  await expect(card(phone, bob.name).getByRole("button", { name: "Write a message" })).toBeVisible();
});

test("a room lists its pictures and files, from which one gets to the messages", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("album"), bob);
  const page = await enter(bob, { node: 1, room });
  await alice.picture(room, await picture(page));
  await alice.upload(room, "plan.txt", "first this");
  await bob.send(room, "https://example.org/elsewhere.png", "image");
  await expect(
    bubble(page, "plan.txt")
      .or(page.locator(".card", { hasText: "plan.txt" }))
      .first(),
  ).toBeVisible();
  await page.getByRole("button", { name: "Members" }).click();
  const tab = (name: string) => page.getByRole("tab", { name });
  await tab("Members").focus();
  await page.keyboard.press("ArrowRight");
  await expect(tab("Pictures")).toBeFocused();
  const tiles = page.locator(".media-pictures li");
  await expect(tiles).toHaveCount(2);
  // Another host learns of nobody who does not want that.
  await expect(tiles.first()).toContainText("Picture from example.org");
  await expect(tiles.first().locator("img")).toHaveCount(0);
  await tiles
    .nth(1)
    .getByRole("button", { name: /Enlarge picture/ })
    .click();
  await expect(page.locator(".lightbox img")).toBeVisible();
  await page.keyboard.press("Escape");
  await tab("Files").click();
  const files = page.locator(".media-files li");
  await expect(files).toHaveCount(1);
  await expect(files).toContainText("plan.txt");
  await expect(files).toContainText(alice.name);
  await files.getByRole("button", { name: "Show the message" }).click();
  await expect(page.locator(".row.is-flashed")).toContainText("plan.txt");
  await tab("Members").click();
  await expect(page.locator(".member")).toHaveCount(2);
  await expect(composer(page)).toBeVisible();
});

test("mentions show the card of whom they name, by mouse, keyboard and touch", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("named"), bob);
  await bob.call("PATCH", "/api/v1/me", { status_text: "On the train" });
  await bob.send(room, `@${alice.name} and @${bob.name} and @all`);
  const page = await enter(alice, { room });
  const mention = (name: string) => page.locator(".text").getByRole("button", { name: `@${name}` });
  await mention(bob.name).click();
  await expect(card(page, bob.name)).toContainText("On the train");
  await page.keyboard.press("Escape");
  await expect(card(page, bob.name)).toHaveCount(0);
  // The keyboard goes to the message, and from there to the names in it, in their order.
  await composer(page).focus();
  const row = page.locator(".row", { has: mention(bob.name) });
  await row.focus();
  const own = mention(alice.name);
  for (let stops = 0; stops < 4 && !(await own.evaluate((it) => it === document.activeElement)); stops += 1) {
    await page.keyboard.press("Tab");
  }
  await expect(own).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(mention(bob.name)).toBeFocused();
  for (const key of ["Enter", " "]) {
    await page.keyboard.press(key);
    await expect(card(page, bob.name)).toBeVisible();
    await page.keyboard.press("Escape");
    // The browser returns the focus before the page learns that the dialog is closed.
    await expect(card(page, bob.name)).toHaveCount(0);
    await expect(mention(bob.name)).toBeFocused();
  }
  // Bob, who is no owner, names nobody with the word for all.
  await expect(page.locator(".text").getByRole("button")).toHaveCount(2);

  const phone = await enter(bob, { ...PHONE, node: 1, room });
  await phone
    .locator(".text")
    .getByRole("button", { name: `@${alice.name}` })
    .tap();
  await expect(card(phone, alice.name).getByRole("button", { name: "Write a message" })).toBeVisible();
});
