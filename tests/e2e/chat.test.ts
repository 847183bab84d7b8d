import { bubble, composer, expect, fresh, nodes, picture, test, User, write } from "./world";

test("two people chat privately from two nodes", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("alice")), await User.named(fresh("李雷"))];
  const here = await enter(alice);
  const there = await enter(bob, { node: 1 });

  // A new private chat, by name.
  await here.getByRole("button", { name: "New", exact: true }).click();
  await here.getByRole("button", { name: "New chat" }).click();
  await here.getByRole("searchbox", { name: "Type the beginning of a username" }).fill(bob.name);
  await here.getByRole("dialog").getByRole("button", { name: bob.name }).click();
  await expect(here.getByRole("heading", { name: bob.name })).toBeVisible();
  await write(here, "你好！");
  await expect(bubble(here, "你好！").locator("[data-state=delivered]")).toBeVisible();

  // It comes up in the other list, unread; opening it is reading it.
  const item = there.locator(".item", { hasText: alice.name });
  await expect(item.locator(".badge")).toContainText("1");
  await expect(there).toHaveTitle("(1) Chinwag");
  await item.click();
  await expect(bubble(there, "你好！")).toBeVisible();
  await expect(item.locator(".badge")).toHaveCount(0);
  await expect(there).toHaveTitle("Chinwag");
  await expect(bubble(here, "你好！").locator("[data-state=read]")).toBeVisible();

  // Typing is seen, and then what was typed, once.
  await composer(there).pressSequentially("Hi");
  await expect(here.locator(".typing")).toContainText(`${bob.name} is typing`);
  await composer(there).press("Shift+Enter");
  await composer(there).pressSequentially("two lines");
  await composer(there).press("Enter");
  await expect(bubble(here, "two lines")).toHaveCount(1);
  await expect(bubble(there, "two lines")).toHaveCount(1);
  await expect(here.locator(".typing")).toBeEmpty();

  // Presence.
  await expect(here.locator(".pane-title")).toContainText("online");
  await there.context().close();
  await expect(here.locator(".pane-title")).toContainText("offline", { timeout: 15_000 });
});

test("a group is made, talks, changes its members", async ({ enter }) => {
  const users = [await User.named(fresh("owner")), await User.named(fresh("m")), await User.named(fresh("n"))];
  const [owner, first, second] = users as [User, User, User];
  const here = await enter(owner);
  const there = await enter(first, { node: 1 });
  await here.getByRole("button", { name: "New", exact: true }).click();
  await here.getByRole("button", { name: "New group" }).click();
  const dialog = here.getByRole("dialog");
  await dialog.getByLabel("Group name").fill("周末徒步");
  await dialog.getByRole("searchbox").fill(first.name);
  await dialog.getByRole("button", { name: first.name }).click();
  await dialog.getByRole("button", { name: "Create group" }).click();
  await expect(here.getByRole("heading", { name: "周末徒步" })).toBeVisible();

  await there.locator(".item", { hasText: "周末徒步" }).click();
  await expect(there.locator(".system", { hasText: `${owner.name} added ${first.name}` })).toBeVisible();
  await write(there, "hello from the other node");
  await expect(bubble(here, "hello from the other node")).toBeVisible();
  await expect(here.locator(".row-name", { hasText: first.name })).toBeVisible();
  await expect(bubble(there, "hello from the other node").locator("[data-state=read]")).toBeVisible();
  await bubble(there, "hello from the other node").hover();
  await there.getByRole("button", { name: "Details" }).click();
  await expect(there.getByRole("dialog").locator(".chip", { hasText: owner.name })).toBeVisible();
  await there.keyboard.press("Escape");

  await here.getByRole("button", { name: "Members" }).click();
  const panel = here.getByRole("complementary", { name: "Members" });
  await panel.getByRole("searchbox").fill(second.name);
  await panel.getByRole("button", { name: second.name }).click();
  await expect(panel.locator(".member", { hasText: second.name })).toBeVisible();
  await panel.getByRole("button", { name: `Make ${first.name} an admin` }).click();
  await expect(panel.locator(".member", { hasText: first.name })).toContainText("admin");
  await panel.getByRole("button", { name: `Remove ${second.name}` }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await expect(panel.locator(".member", { hasText: second.name })).toHaveCount(0);
});

test("replies lead to their source; what is deleted is gone everywhere", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  await alice.send(room, "the first thing said");
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await bubble(there, "the first thing said").hover();
  await there.getByRole("button", { name: "Reply" }).click();
  await write(there, "an answer to it");
  const answer = bubble(here, "an answer to it");
  await expect(answer.locator(".quote")).toContainText("the first thing said");
  await answer.locator(".quote").click();
  await expect(here.locator(".row.is-flashed", { hasText: "the first thing said" })).toBeVisible();

  await here.locator(".row", { hasText: "the first thing said" }).first().hover();
  await here.locator(".row", { hasText: "the first thing said" }).first().getByRole("button", { name: "Delete" }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const page of [here, there]) {
    await expect(page.getByText("the first thing said")).toHaveCount(0);
    await expect(page.locator(".quote")).toContainText("Message not available");
  }
});

test("pictures are sent by button, paste and drop", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  const bytes = await picture(here);
  const file = { name: "图.png", mimeType: "image/png", buffer: bytes };
  await here.locator("input[type=file]").setInputFiles(file);
  await expect(there.locator(".picture img")).toHaveCount(1);

  const transfer = await here.evaluateHandle((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "p.png", { type: "image/png" }));
    return data;
  }, [...bytes]);
  await here.locator(".composer textarea").evaluate((area, data) => {
    area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, transfer);
  await expect(there.locator(".picture img")).toHaveCount(2);
  await here.locator(".pane").dispatchEvent("dragover", { dataTransfer: transfer });
  await expect(here.locator(".drop")).toBeVisible();
  await here.locator(".pane").dispatchEvent("drop", { dataTransfer: transfer });
  await expect(there.locator(".picture img")).toHaveCount(3);
  await expect(here.locator(".picture img")).toHaveCount(3);
  await expect
    .poll(() => there.locator(".picture img").first().evaluate((image: HTMLImageElement) => image.naturalWidth))
    .toBeGreaterThan(0);
  await expect(there.locator(".picture img").first()).toHaveAttribute("referrerpolicy", "no-referrer");

  await there.locator(".picture").first().click();
  await expect(there.getByRole("dialog").locator("img")).toBeVisible();
  await there.keyboard.press("Escape");
  await expect(there.getByRole("dialog")).toHaveCount(0);

  await here.locator("input[type=file]").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await expect(here.getByText("Only JPEG, PNG, GIF and WebP")).toBeVisible();
});

test("what is written offline is sent once, when the connection is back", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await write(here, "before");
  await expect(bubble(there, "before")).toBeVisible();
  await here.context().setOffline(true);
  await expect(here.locator(".net")).toContainText("You are offline");
  for (const text of ["one", "two", "three"]) await write(here, `while away: ${text}`);
  await expect(bubble(here, "while away").locator("[data-state=sending]")).toHaveCount(3);
  await write(there, "missed meanwhile");
  await here.context().setOffline(false);
  await expect(bubble(there, "while away")).toHaveCount(3);
  await expect(bubble(there, "while away")).toHaveText([/one/, /two/, /three/]);
  await expect(bubble(here, "missed meanwhile")).toHaveCount(1);
  await expect(bubble(here, "while away")).toHaveCount(3);
  await expect(here.locator(".net.is-shown")).toHaveCount(0);
  await here.reload();
  await expect(bubble(here, "while away")).toHaveCount(3);
});

test("public rooms are found and joined; messages are found and shown", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const name = fresh("公开");
  const form = new FormData();
  form.append("room_name", name);
  const answer = await fetch(`${nodes()[0]}/api/chat/rooms`, {
    method: "POST",
    headers: { authorization: `Bearer ${alice.token}` },
    body: form,
  });
  expect(answer.ok).toBeTruthy();
  const page = await enter(bob);
  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByRole("button", { name: "Browse rooms" }).click();
  await page.getByRole("dialog").getByRole("searchbox").fill(name);
  await page.getByRole("dialog").getByRole("button", { name }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await write(page, "a needle in the hay");
  await expect(bubble(page, "needle")).toBeVisible();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("needle");
  await page.locator(".item.is-message", { hasText: "needle" }).click();
  await expect(page.locator(".row.is-flashed")).toContainText("needle");
  await page.getByRole("searchbox", { name: "Search" }).fill(alice.name);
  await page.locator(".item", { hasText: alice.name }).click();
  await expect(page.getByRole("heading", { name: alice.name })).toBeVisible();
});
