// Forwarding messages, seen by users on two nodes.
import {
  bubble,
  expect,
  item,
  newUsers,
  type Page,
  picture,
  test,
  title,
  type User,
  uniqueName,
} from "./fixtures";

const forwarded = (page: Page, text: string) =>
  page.locator(".row", { has: bubble(page, text) }).locator(".forwarded");

async function openDialog(page: Page, text: string) {
  await bubble(page, text).hover();
  const row = page.locator(".row", { has: bubble(page, text) });
  await row.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Forward…" }).click();
  const dialog = page.getByRole("dialog", { name: "Forward to" });
  await expect(dialog.getByRole("searchbox")).toBeFocused();
  return dialog;
}

/** A conversation of Alice with Bob, and two groups with Carol. */
async function cast(): Promise<{ users: [User, User, User]; names: [string, string]; rooms: number[] }> {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const names: [string, string] = [uniqueName("garden"), uniqueName("kitchen")];
  const rooms = [await alice.direct(bob)];
  for (const name of names) rooms.push(await alice.group(name, carol));
  return { users: [alice, bob, carol], names, rooms };
}

test("a message is forwarded to several conversations by keyboard", async ({ enter }) => {
  const { users, names, rooms } = await cast();
  const [alice, bob, carol] = users;
  await bob.send(rooms[0] ?? 0, "good news");
  const here = await enter(alice, { room: rooms[0] });
  const there = await enter(carol, { node: 1, room: rooms[1] });
  const dialog = await openDialog(here, "good news");
  await expect(dialog.getByRole("button", { name: "Forward", exact: true })).toBeDisabled();
  // Enter takes the first that is found; the arrows and the space bar take any.
  await here.keyboard.type(names[0]);
  await expect(dialog.getByRole("checkbox")).toHaveCount(1);
  await here.keyboard.press("Enter");
  await expect(dialog.getByRole("searchbox")).toHaveValue("");
  await expect(dialog.getByRole("checkbox", { name: names[0] })).toBeChecked();
  await here.keyboard.type("kitchen");
  await expect(dialog.getByRole("checkbox")).toHaveCount(1);
  await here.keyboard.press("ArrowDown");
  await expect(dialog.getByRole("checkbox", { name: names[1] })).toBeFocused();
  await here.keyboard.press("Space");
  await expect(dialog.getByRole("list", { name: "Chosen conversations" }).getByRole("listitem")).toHaveCount(
    2,
  );
  await dialog.getByRole("button", { name: "Forward", exact: true }).press("Enter");
  await expect(here.locator(".toast")).toHaveText("Forwarded to 2 conversations");
  await expect(here.getByRole("dialog")).toHaveCount(0);

  await expect(forwarded(there, "good news")).toHaveText(`Forwarded from ${bob.name}`);
  await item(there, names[1]).click();
  await expect(forwarded(there, "good news")).toHaveText(`Forwarded from ${bob.name}`);
  // Carol is not in the conversation where it comes from; Alice is led there.
  await expect(there.locator("button.forwarded")).toHaveCount(0);
  await item(here, names[0]).click();
  await forwarded(here, "good news").click();
  await expect(title(here)).toHaveText(bob.name);
  await expect(here.locator(".row", { has: bubble(here, "good news") })).toBeFocused();
});

test("copies that are made offline are each sent once", async ({ enter }) => {
  const { users, names, rooms } = await cast();
  const [alice, bob] = users;
  await bob.send(rooms[0] ?? 0, "for later");
  const page = await enter(alice, { room: rooms[0] });
  const dialog = await openDialog(page, "for later");
  await page.context().setOffline(true);
  for (const name of names) await dialog.getByRole("checkbox", { name }).click();
  await dialog.getByRole("button", { name: "Forward", exact: true }).click();
  await item(page, names[0]).click();
  await expect(forwarded(page, "for later")).toHaveText(`Forwarded from ${bob.name}`);
  await page.context().setOffline(false);
  await expect(page.locator(".toast")).toHaveText("Forwarded to 2 conversations");
  await page.reload();
  await expect(bubble(page, "for later")).toHaveCount(1);
  for (const room of rooms.slice(1)) {
    expect((await alice.messageTexts(room)).filter((text) => text === "for later")).toHaveLength(1);
  }
});

test("a message that is gone is not forwarded, and the reason is told", async ({ enter }) => {
  const { users, names, rooms } = await cast();
  const [alice] = users;
  const room = rooms[0] ?? 0;
  await alice.send(room, "short-lived");
  const here = await enter(alice, { room });
  const dialog = await openDialog(here, "short-lived");
  await here.context().setOffline(true);
  const there = await enter(alice, { node: 1, room });
  const row = there.locator(".row", { has: bubble(there, "short-lived") });
  await bubble(there, "short-lived").hover();
  await row.getByRole("button", { name: "Delete" }).click();
  await there.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(row).toHaveCount(0);
  await dialog.getByRole("checkbox", { name: names[0] }).click();
  await dialog.getByRole("button", { name: "Forward", exact: true }).click();
  await here.context().setOffline(false);
  await expect(here.locator(".toast")).toContainText(`Not forwarded to ${names[0]}: The message`);
  await item(here, names[0]).click();
  await expect(here.locator(".failed")).toContainText("no longer exists");
  await here.locator(".failed").getByRole("button", { name: "Discard" }).click();
  await expect(here.locator(".failed")).toHaveCount(0);
});

test("pictures are forwarded as pictures", async ({ enter }) => {
  const { users, names, rooms } = await cast();
  const [alice, bob, carol] = users;
  const page = await enter(alice, { room: rooms[0] });
  await bob.picture(rooms[0] ?? 0, await picture(page));
  const row = page.locator(".row", { has: page.locator(".picture img") });
  await row.hover();
  await row.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Forward…" }).click();
  await page.getByRole("checkbox", { name: names[0] }).click();
  await page.getByRole("button", { name: "Forward", exact: true }).click();
  await expect(page.locator(".toast")).toHaveText(`Forwarded to ${names[0]}`);
  const there = await enter(carol, { node: 1, room: rooms[1] });
  await expect(there.locator(".row .picture img")).toHaveCount(1);
  await expect(there.locator(".forwarded")).toHaveText(`Forwarded from ${bob.name}`);
});
