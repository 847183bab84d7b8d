// Mentions: names that are completed in the composer, and what those who are mentioned see.
import { badge, bubble, composer, expect, item, newUsers, test, uniqueName, write } from "./fixtures";

const mentioned = (row: ReturnType<typeof item>) => row.locator(".mention-badge [aria-hidden]");

test("a name is completed by keyboard, mentions its user on another node, and is cleared by reading", async ({
  enter,
}) => {
  const [alice, bob, carol] = await newUsers("alice", "Bob Smith ", "bobby");
  const room = await alice.group(uniqueName("mentions"), bob, carol);
  const other = await bob.direct(alice);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room: other });
  const field = composer(here);
  await field.pressSequentially("hi @bob");
  const list = here.getByRole("listbox", { name: "People to mention" });
  await expect(list.getByRole("option")).toHaveCount(2);
  await expect(field).toHaveAttribute("aria-activedescendant", /-0$/);
  await field.press("Escape");
  await expect(list).toHaveCount(0);
  // Names have spaces, and may be begun by any word.
  await field.pressSequentially(" smi");
  await expect(list.getByRole("option")).toHaveCount(1);
  await expect(list.getByRole("option", { name: bob.name })).toHaveAttribute("aria-selected", "true");
  await field.press("Enter");
  await expect(field).toHaveValue(`hi @${bob.name} `);
  await expect(list).toHaveCount(0);
  // What follows is no name, although a longer one could begin like that.
  await field.pressSequentially("and all");
  await expect(list).toHaveCount(0);
  await field.press("Enter");

  // Others' names are marked, one's own is marked more.
  const sent = bubble(here, "and all");
  await expect(sent.locator("span.mention")).toHaveText(`@${bob.name}`);
  const row = item(there, "mentions");
  await expect(mentioned(row)).toHaveText("@");
  await expect(row.getByText("mentions you")).toBeAttached();
  await expect(badge(row)).toHaveText("1");
  await alice.send(room, `@${bob.name.toUpperCase()}, again`);
  await expect(mentioned(row)).toHaveText("@2");
  await alice.send(room, "nobody");
  await expect(badge(row)).toHaveText("3");
  await expect(mentioned(row)).toHaveText("@2");
  await row.click();
  await expect(bubble(there, "again").locator("mark.mention")).toHaveText(`@${bob.name.toUpperCase()}`);
  await expect(mentioned(row)).toHaveCount(0);
  // The server knows as well.
  await there.goto(`/chat?room=${other}`);
  await expect(row).toBeVisible();
  await expect(mentioned(row)).toHaveCount(0);
  await alice.send(room, `@${bob.name} once more`);
  await expect(mentioned(row)).toHaveText("@");
  await there.reload();
  await expect(mentioned(row)).toHaveText("@");
});

test("an edit mentions whom its text names by now", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("edits"), bob);
  const other = await bob.direct(alice);
  await alice.send(room, "lunch?");
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room: other });
  const row = item(there, "edits");
  const box = here.locator(".composer textarea");
  const edit = async (text: string) => {
    await box.press("ArrowUp");
    await box.fill(text);
    await box.press("Enter");
  };
  await expect(badge(row)).toHaveText("1");
  await expect(bubble(here, "lunch?")).toBeVisible();
  await edit(`lunch, @${bob.name}?`);
  await expect(mentioned(row)).toHaveText("@");
  await edit("lunch, all?");
  await expect(mentioned(row)).toHaveCount(0);
  await edit(`lunch, all and @${bob.name}?`);
  await expect(mentioned(row)).toHaveText("@");
  await row.click();
  await expect(bubble(there, "lunch").locator("mark.mention")).toHaveText(`@${bob.name}`);
  await edit("lunch alone");
  await expect(bubble(there, "lunch alone").locator("mark.mention")).toHaveCount(0);
});

test("Chinese names are completed and found without spaces, with an undo", async ({ enter }) => {
  const [alice, zhang] = await newUsers("alice", "张小三");
  const room = await alice.group(uniqueName("提及"), zhang);
  const here = await enter(alice, { room, locale: "zh-CN" });
  const there = await enter(zhang, { room, node: 1 });
  const field = here.locator(".composer textarea");
  await field.pressSequentially("你好＠小三");
  const list = here.getByRole("listbox", { name: "可提及的人" });
  await list.getByRole("option", { name: zhang.name }).click();
  await expect(field).toHaveValue(`你好@${zhang.name} `);
  await expect(field).toBeFocused();
  await field.press("Control+z");
  await expect(field).toHaveValue("你好＠小三");
  await field.fill(`你好@${zhang.name}，吃饭`);
  await field.press("Enter");
  await expect(bubble(there, "吃饭").locator("mark.mention")).toHaveText(`@${zhang.name}`);
  // Nobody is told of a new name.
  const renamed = uniqueName("张老三");
  await zhang.call("PATCH", "/api/v1/me", { username: renamed });
  await field.pressSequentially("@老三");
  await expect(list.getByRole("option", { name: renamed })).toBeVisible();
});

test("an owner names everybody, and others cannot", async ({ enter }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const room = await alice.group(uniqueName("everybody"), bob, carol);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await composer(here).pressSequentially("@al");
  const all = here.getByRole("option", { name: /all members/ });
  await expect(all).toBeVisible();
  await all.click();
  await composer(here).pressSequentially("lunch");
  await composer(here).press("Enter");
  await expect(bubble(there, "lunch").locator("mark.mention")).toHaveText("@all");
  await composer(there).pressSequentially("@al");
  await expect(there.getByRole("option", { name: alice.name })).toBeVisible();
  await expect(there.getByRole("option", { name: /all members/ })).toHaveCount(0);
  await composer(there).press("Escape");
  await write(there, "@all from Bob");
  await expect(bubble(here, "from Bob")).toBeVisible();
  await expect(bubble(here, "from Bob").locator(".mention")).toHaveCount(0);
});

test("in the lobby anybody is found by name", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "lobbyist");
  const page = await enter(alice, { room: 1 });
  await composer(page).pressSequentially(`@${bob.name.slice(0, -1)}`);
  await page.getByRole("option", { name: bob.name }).click();
  await expect(composer(page)).toHaveValue(`@${bob.name} `);
});

test("names that look like formatting are whole, and no name is markup", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "_b_");
  const room = await alice.group(uniqueName("marked"), bob);
  const page = await enter(bob, { room, node: 1 });
  await alice.send(room, `*see* @${bob.name} <b>@${bob.name}</b> \`@${bob.name}\``);
  const text = bubble(page, "see").locator(".text");
  await expect(text.locator("mark")).toHaveText([`@${bob.name}`, `@${bob.name}`]);
  await expect(text.locator("em")).toHaveText("see");
  await expect(text.locator("code")).toHaveText(`@${bob.name}`);
  await expect(text.locator("b")).toHaveCount(0);
});
