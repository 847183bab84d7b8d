// Blocks, and what the owner and admins of a room do with it.
import { bubble, expect, item, newUsers, picture, test, tick, title, uniqueName, write } from "./fixtures";

test("a blocked person cannot write until unblocked", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  await page.getByRole("button", { name: `Block ${bob.name}`, exact: true }).click();
  const dialog = page.getByRole("dialog", { name: `Block ${bob.name}?` });
  await dialog.getByRole("button", { name: "Block", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText(`${bob.name} is blocked`);
  await expect(page.locator(".pane-title")).toContainText("blocked by you");

  const theirs = await enter(bob, { room, node: 1 });
  await write(theirs, "let me in");
  await expect(theirs.locator(".failed")).toContainText("This person has blocked you");

  await page.reload();
  await page.getByRole("button", { name: `Unblock ${bob.name}` }).click();
  await expect(page.getByRole("button", { name: `Block ${bob.name}`, exact: true })).toBeVisible();
  await theirs.getByRole("button", { name: "Try again" }).click();
  await expect(bubble(page, "let me in")).toBeVisible();
});

test("a message that slow mode refuses counts down, and is sent when the time has come", async ({
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const [slow, slower] = [uniqueName("slow"), uniqueName("slower")];
  const rooms = [await alice.group(slow, bob), await alice.group(slower, bob)] as const;
  const pause = (room: number, slow_mode_secs: number) =>
    alice.call("PATCH", `/api/v1/rooms/${room}`, { slow_mode_secs });
  await pause(rooms[0], 4);
  await pause(rooms[1], 600);
  const page = await enter(bob, { room: rooms[1], node: 1 });
  const failed = page.locator(".failed");
  const again = failed.getByRole("button", { name: "Try again" });
  await write(page, "first");
  await write(page, "second");
  await expect(failed).toContainText("Not sent: Slow mode, again in 10 minutes");
  await expect(again).toBeDisabled();
  // Whoever changes the pause ends the wait.
  await pause(rooms[1], 0);
  await expect(failed).toContainText("Not sent: It can be sent now");
  await again.press("Enter");
  await expect(page.locator(".row", { has: bubble(page, "second") })).toBeFocused();
  await expect(tick(bubble(page, "second"), "sent")).toBeVisible();

  await item(page, slow).click();
  await write(page, "third");
  await write(page, "fourth");
  await expect(failed).toContainText(/Not sent: Slow mode, again in [1-4] seconds?/);
  await expect(failed).toContainText("Not sent: It can be sent now");
  await again.click();
  await expect(failed).toHaveCount(0);
  await expect(tick(bubble(page, "fourth"), "sent")).toBeVisible();
});

test("admins rename a room, and its owner deletes it, for all members at once", async ({ enter }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const name = uniqueName("plans");
  const room = await alice.group(name, bob, carol);
  const page = await enter(alice, { room });
  const admin = await enter(bob, { room, node: 1 });
  const member = await enter(carol, { room });
  for (const each of [page, admin, member]) await each.getByRole("button", { name: "Members" }).click();
  await page.getByRole("button", { name: `Make ${bob.name} an admin` }).click();
  await expect(page.locator(".member", { hasText: bob.name })).toContainText("admin");

  await admin.reload();
  await admin.getByRole("button", { name: "Members" }).click();
  await admin.getByRole("button", { name: "Edit the room" }).click();
  const renamed = uniqueName("better");
  await admin.getByLabel("Name of the room").fill(renamed);
  await admin.getByLabel("Description").fill("All about **tea**");
  await admin.getByLabel("Slow mode").selectOption("1 minute");
  await admin.locator(".portrait input").setInputFiles({
    name: "p.png",
    mimeType: "image/png",
    buffer: await picture(admin),
  });
  await admin.getByRole("button", { name: "Use this part" }).click();
  await expect(admin.getByRole("dialog").locator(".avatar img")).toBeVisible();
  await admin.getByRole("button", { name: "Save" }).click();
  await expect(title(admin)).toHaveText(renamed);
  await expect(title(member)).toHaveText(renamed);
  await expect(item(member, renamed)).toBeVisible();
  // Members see it at once.
  for (const each of [admin, member]) {
    const details = each.locator(".room-details");
    await expect(details).toContainText(renamed);
    await expect(details.locator("strong")).toHaveText("tea");
    await expect(details).toContainText("Slow mode: one message in 1 minute");
    await expect(details.locator(".avatar img")).toBeVisible();
  }
  // Only what differs can be saved.
  await admin.getByRole("button", { name: "Edit the room" }).click();
  await expect(admin.getByLabel("Description")).toHaveValue("All about **tea**");
  await expect(admin.getByRole("button", { name: "Save" })).toBeDisabled();
  await admin.keyboard.press("Escape");
  await expect(admin.getByRole("button", { name: "Delete for everyone" })).toHaveCount(0);
  await expect(member.getByRole("button", { name: "Edit the room" })).toHaveCount(0);

  await page.getByRole("button", { name: "Delete for everyone" }).click();
  const dialog = page.getByRole("dialog", { name: `Delete “${renamed}”?` });
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("Pick a conversation")).toBeVisible();
  await expect(member.getByText("This conversation is not available")).toBeVisible();
  for (const each of [page, admin, member]) await expect(item(each, renamed)).toHaveCount(0);
});
