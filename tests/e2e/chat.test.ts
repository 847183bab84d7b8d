// Two users in two browsers on two nodes.
import {
  badge,
  bubble,
  composer,
  expect,
  expectLoggedIn,
  item,
  newUsers,
  pick,
  results,
  test,
  tick,
  title,
  uniqueName,
  write,
} from "./fixtures";

test("two users chat privately from two nodes", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "李雷");
  const here = await enter(alice);
  const there = await enter(bob, { node: 1 });

  // Starts a private chat by name.
  await pick(here, "New", "New chat");
  await here.getByRole("searchbox", { name: "Find people by name" }).fill(bob.name);
  await here.getByRole("dialog").getByRole("button", { name: bob.name }).click();
  await expect(title(here)).toHaveText(bob.name);
  await write(here, "你好！");
  await expect(tick(bubble(here, "你好！"), "delivered")).toBeVisible();

  // The other list shows it as unread until it is opened.
  const entry = item(there, alice.name);
  await expect(badge(entry)).toHaveText("1");
  await expect(entry.locator(".item-last")).toHaveText("你好！");
  await expect(there).toHaveTitle("(1) Chinwag");
  await entry.click();
  await expect(bubble(there, "你好！")).toBeVisible();
  await expect(badge(entry)).toHaveCount(0);
  await expect(there).toHaveTitle("Chinwag");
  await expect(tick(bubble(here, "你好！"), "read")).toBeVisible();

  // Typing is shown, then the message, once.
  await composer(there).pressSequentially("Hi");
  await expect(here.locator(".typing")).toContainText(`${bob.name} is typing`);
  await composer(there).press("Shift+Enter");
  await composer(there).pressSequentially("two lines");
  await composer(there).press("Enter");
  for (const page of [here, there]) {
    await expect(bubble(page, "two lines").locator(".text")).toHaveText(["Hi\ntwo lines"]);
  }
  await expect(here.locator(".typing")).toBeEmpty();

  // Presence.
  await expect(here.locator(".pane-title")).toContainText("online");
  await there.context().close();
  await expect(here.locator(".pane-title")).toContainText("offline");
});

test("a group is created, chats and changes its members", async ({ enter }) => {
  const [owner, first, second] = await newUsers("owner", "韩梅梅", "second");
  const name = uniqueName("周末徒步");
  const here = await enter(owner);
  const there = await enter(first, { node: 1 });
  await pick(here, "New", "New group");
  const dialog = here.getByRole("dialog");
  await dialog.getByLabel("Group name").fill(name);
  await dialog.getByRole("searchbox").fill(first.name);
  await dialog.getByRole("button", { name: first.name }).click();
  await dialog.getByRole("button", { name: "Create group" }).click();
  await expect(title(here)).toHaveText(name);

  await item(there, name).click();
  await expect(there.locator(".system", { hasText: `${owner.name} added ${first.name}` })).toBeVisible();
  await expect(there.locator(".pane-title")).toContainText("2 members · 2 online");
  await composer(there).pressSequentially("hello");
  await expect(here.locator(".typing")).toContainText(`${first.name} is typing`);
  await write(there, "hello from the other node");
  await expect(bubble(here, "hello from the other node")).toBeVisible();
  await expect(here.locator(".row-name", { hasText: first.name })).toBeVisible();
  await expect(tick(bubble(there, "hello from the other node"), "read")).toBeVisible();
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

  // A removed member loses the open room.
  await panel.getByRole("button", { name: `Remove ${first.name}` }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await expect(item(there, name)).toHaveCount(0);
  await expect(there.getByText("This conversation is not available")).toBeVisible();
});

test("replies lead to their source, and deleted messages disappear everywhere", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
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
  const source = here.locator(".row", { has: here.locator(".text", { hasText: "the first thing said" }) });
  await expect(source).toHaveClass(/is-flashed/);

  // A dialog asks for confirmation. Then the message disappears for both and from the server.
  await source.hover();
  await source.getByRole("button", { name: "Delete" }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(source).toBeVisible();
  await source.hover();
  await source.getByRole("button", { name: "Delete" }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const page of [here, there]) {
    await expect(page.getByText("the first thing said")).toHaveCount(0);
    await expect(page.locator(".quote")).toContainText("Message not available");
  }

  // The preview in the list disappears with the message.
  await write(here, "the last thing said");
  await expect(item(there, alice.name)).toContainText("the last thing said");
  const last = here.locator(".row", { hasText: "the last thing said" });
  await last.hover();
  await last.getByRole("button", { name: "Delete" }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const page of [here, there]) {
    await expect(page.getByText("the last thing said")).toHaveCount(0);
    await expect(page.locator(".side .item.is-active")).toContainText("an answer to it");
  }
  await there.reload();
  await expect(bubble(there, "an answer to it")).toBeVisible();
  await expect(there.getByText("thing said")).toHaveCount(0);
});

test("a reply to a message that was deleted meanwhile can be sent without the quote", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await write(there, "said in haste");
  const hasty = there.locator(".row", { hasText: "said in haste" });
  await expect(tick(hasty, "read")).toBeVisible();
  await bubble(here, "said in haste").hover();
  await here.getByRole("button", { name: "Reply" }).click();
  await hasty.hover();
  await hasty.getByRole("button", { name: "Delete" }).click();
  await there.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(here.locator(".replying")).toHaveText("Message not available");
  await write(here, "never mind");
  await expect(here.locator(".failed")).toContainText("The message you reply to no longer exists");
  // A reload keeps the reason.
  await here.reload();
  await here.getByRole("button", { name: "Send without the quote" }).click();
  for (const page of [here, there]) {
    await expect(page.locator(".bubble .text")).toHaveText(["never mind"]);
    await expect(page.locator(".quote, .failed")).toHaveCount(0);
  }
});

test("unread counts grow, are shared by tabs, and are cleared by reading", async ({ enter, openTab }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const [direct, group] = [await alice.direct(bob), await alice.group(uniqueName("读书会"), bob, carol)];
  await carol.send(group, "one");
  const page = await enter(bob);
  const tab = await openTab(page, "/chat?room=1");
  await expect(title(tab)).toHaveText("Lobby");
  await alice.send(direct, "two");
  await alice.send(group, "three");
  for (const each of [page, tab]) {
    await expect(badge(item(each, "读书会"))).toHaveText("2");
    await expect(badge(item(each, alice.name))).toHaveText("1");
    await expect(each).toHaveTitle("(3) Chinwag");
  }
  // The list is sorted by last activity.
  await expect(page.locator(".side .item .item-name").first()).toContainText("读书会");
  await alice.send(direct, "four");
  await expect(page.locator(".side .item .item-name").first()).toHaveText(alice.name);
  await item(tab, "读书会").click();
  for (const each of [page, tab]) {
    await expect(badge(item(each, "读书会"))).toHaveCount(0);
    await expect(each).toHaveTitle("(2) Chinwag");
  }
  // The server keeps the count.
  await page.reload();
  await expect(page).toHaveTitle("(2) Chinwag");
});

test("own messages appear once in all tabs of the user", async ({ enter, openTab }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  const tab = await openTab(page, `/chat?room=${room}`);
  await expectLoggedIn(tab, alice);
  await write(page, "from one tab");
  await expect(bubble(tab, "from one tab")).toBeVisible();
  await write(tab, "from the other");
  for (const each of [page, tab]) {
    await expect(each.locator(".bubble .text")).toHaveText(["from one tab", "from the other"]);
    await expect(each.locator(".row.is-own")).toHaveCount(2);
  }
});

test("public rooms can be found and joined, and messages found and shown", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("公开");
  await alice.publicRoom(name);
  const page = await enter(bob);
  await pick(page, "New", "Browse rooms");
  await page.getByRole("dialog").getByRole("searchbox").fill(name);
  await page.getByRole("dialog").getByRole("button", { name }).click();
  await expect(title(page)).toHaveText(name);
  await write(page, "a needle in the hay");
  // Only stored messages are found.
  await expect(tick(bubble(page, "needle"), "sent")).toBeVisible();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("needle");
  await results(page, "Messages").filter({ hasText: "needle" }).click();
  await expect(page.locator(".row.is-flashed")).toContainText("needle");
  await page.getByRole("searchbox", { name: "Search" }).fill(alice.name);
  await item(page, alice.name).click();
  await expect(title(page)).toHaveText(alice.name);
});

test("neither an open composition nor an empty text is sent", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const page = await enter(alice, { room: await alice.direct(bob) });
  await composer(page).fill("ni");
  await composer(page).dispatchEvent("keydown", {
    key: "Enter",
    code: "Enter",
    keyCode: 229,
    isComposing: true,
  });
  await expect(composer(page)).toHaveValue("ni");
  await composer(page).fill("   ");
  await composer(page).press("Enter");
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await write(page, "你");
  await expect(page.locator(".bubble .text")).toHaveText(["你"]);
});
