// Pinned messages, seen by users on two nodes.
import {
  bubble,
  expect,
  item,
  newUsers,
  type Page,
  plainPage,
  sendAll,
  test,
  uniqueName,
  write,
} from "./fixtures";

const bar = (page: Page) => page.getByRole("region", { name: "Pinned messages" });
const rowOf = (page: Page, text: string) => page.locator(".row", { has: bubble(page, text) });

async function openMenu(page: Page, text: string) {
  await bubble(page, text).hover();
  await rowOf(page, text).getByRole("button", { name: "More actions" }).click();
  return page.getByRole("dialog", { name: "More actions" });
}

async function choose(page: Page, text: string, entry: "Pin" | "Unpin"): Promise<void> {
  await (await openMenu(page, text)).getByRole("button", { name: entry, exact: true }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
}

test("pins are seen on the other node as they come, change and go", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("pins"), bob);
  for (const text of ["first", "second"]) await alice.send(room, text);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await expect(bubble(there, "second")).toBeVisible();
  await expect(bar(there)).toHaveCount(0);
  await choose(here, "first", "Pin");
  for (const page of [here, there]) await expect(bar(page)).toContainText("first");
  await choose(here, "second", "Pin");
  for (const page of [here, there]) {
    await expect(bar(page).locator(".pinned-text")).toContainText("second");
    await expect(bar(page).getByRole("button", { name: "2 pinned" })).toBeVisible();
  }
  // A member who may not pin is offered neither.
  const menu = await openMenu(there, "first");
  await expect(menu.getByRole("button", { name: "Copy link" })).toBeVisible();
  await expect(menu.getByRole("button", { name: /pin/i })).toHaveCount(0);
  await there.keyboard.press("Escape");
  // An edit is shown, and a deletion takes the pin away.
  await bubble(here, "second").hover();
  await rowOf(here, "second").getByRole("button", { name: "Edit" }).click();
  await here.locator(".composer textarea").fill("second thoughts");
  await here.keyboard.press("Enter");
  for (const page of [here, there]) await expect(bar(page)).toContainText("second thoughts");
  await bubble(here, "second thoughts").hover();
  await rowOf(here, "second thoughts").getByRole("button", { name: "Delete" }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const page of [here, there]) {
    await expect(bar(page).locator(".pinned-text")).toContainText("first");
    await expect(bar(page).getByRole("button", { name: "1 pinned" })).toBeVisible();
  }
  await choose(here, "first", "Unpin");
  for (const page of [here, there]) await expect(bar(page)).toHaveCount(0);
  // Of a long text the beginning is shown, whatever its direction.
  await alice.send(room, `أول ${"كلام ".repeat(80)}`);
  await choose(here, "أول", "Pin");
  const text = bar(here).locator(".pinned-text bdi").last();
  await expect(text).toContainText("أول");
  const hidden = await text.evaluate((element) => {
    const range = document.createRange();
    range.setStart(element.firstChild as Node, 0);
    range.setEnd(element.firstChild as Node, 1);
    return Math.round(range.getBoundingClientRect().right - element.getBoundingClientRect().right);
  });
  expect(hidden).toBeLessThanOrEqual(0);
});

test("the bar and its list lead to pinned messages that are not loaded", async ({
  browser,
  contexts,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const texts = Array.from({ length: 130 }, (_, at) => (at < 2 ? `rule ${at + 1}` : `message ${at}`));
  const plain = await plainPage(browser, contexts);
  await sendAll(plain, alice, room, texts.slice(0, 2));
  const first = await enter(alice, { room });
  for (const text of ["rule 1", "rule 2"]) await choose(first, text, "Pin");
  await expect(bar(first)).toContainText("2 pinned");
  await first.context().close();
  await sendAll(plain, alice, room, texts.slice(2));

  // Both users of a direct room may pin.
  const page = await enter(bob, { node: 1, room });
  await expect(bubble(page, "message 129")).toBeInViewport({ ratio: 1 });
  await expect(bar(page)).toContainText("rule 2");
  await bar(page)
    .getByRole("button", { name: /rule 2/ })
    .click();
  await expect(bubble(page, "rule 2")).toBeInViewport({ ratio: 1 });
  await expect(rowOf(page, "rule 2")).toBeFocused();
  await bar(page).getByRole("button", { name: "2 pinned" }).click();
  const list = page.getByRole("dialog", { name: "Pinned messages" });
  await expect(list.locator(".item")).toHaveText([/rule 2/, /rule 1/]);
  await expect(list.locator(".item").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(list).toHaveCount(0);
  await expect(rowOf(page, "rule 1")).toBeFocused();
  // Taken away one by one, the focus is never lost.
  await bar(page).getByRole("button", { name: "2 pinned" }).click();
  await list.getByRole("button", { name: "Unpin “rule 2”" }).click();
  await expect(list.locator(".item")).toHaveText([/rule 1/]);
  await expect(list.locator(".item")).toBeFocused();
  await list.getByRole("button", { name: "Unpin “rule 1”" }).click();
  await expect(bar(page)).toHaveCount(0);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("region", { name: "Messages", exact: true })).toBeFocused();
});

test("pins that changed during a disconnection are right afterwards", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("pins"), bob);
  for (const text of ["first", "second", "third"]) await alice.send(room, text);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  for (const text of ["first", "second"]) await choose(here, text, "Pin");
  await expect(bar(there)).toContainText("2 pinned");
  await there.context().setOffline(true);
  await expect(there.locator(".net.is-shown")).toContainText("You are offline");
  await choose(here, "second", "Unpin");
  await choose(here, "third", "Pin");
  await bubble(here, "first").hover();
  await rowOf(here, "first").getByRole("button", { name: "Delete" }).click();
  await here.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(bar(here)).toContainText("1 pinned");
  await expect(bar(there)).toContainText("2 pinned");
  await there.context().setOffline(false);
  await expect(bar(there).locator(".pinned-text")).toContainText("third");
  await expect(bar(there).getByRole("button", { name: "1 pinned" })).toBeVisible();
  await there.reload();
  await expect(bar(there)).toContainText("third");
});

test("the bar comes and goes without moving what is read", async ({ browser, contexts, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("pins"), bob);
  const texts = Array.from({ length: 60 }, (_, at) => `message ${at}`);
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await expect(bubble(there, "message 59")).toBeInViewport({ ratio: 1 });
  await there.getByRole("region", { name: "Messages", exact: true }).hover();
  await there.mouse.wheel(0, -1000);
  await expect(there.getByRole("button", { name: "Jump to latest" })).toBeVisible();
  const inView = there
    .locator(".row")
    .filter({ hasText: /message 4\d/ })
    .last();
  const before = (await inView.boundingBox())?.y ?? 0;
  for (const entry of ["Pin", "Unpin"] as const) {
    await choose(here, "message 59", entry);
    await expect(bar(there)).toHaveCount(entry === "Pin" ? 1 : 0);
    await expect.poll(async () => Math.abs(((await inView.boundingBox())?.y ?? 0) - before)).toBeLessThan(2);
  }
  // At the end the end stays in view.
  await choose(here, "message 59", "Pin");
  await expect(bubble(here, "message 59")).toBeInViewport({ ratio: 1 });
});

test("the owner of a public room pins, and others see it once they have joined", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("plaza");
  await alice.publicRoom(name);
  const here = await enter(alice);
  await item(here, name).click();
  await write(here, "house rules");
  await choose(here, "house rules", "Pin");
  await expect(bar(here)).toContainText("house rules");
  const there = await enter(bob, { node: 1 });
  await there.goto(new URL(here.url()).search.replace("?", "/chat?"));
  await there.getByRole("main").getByRole("button", { name: "Join" }).click();
  await expect(bar(there)).toContainText("house rules");
});
