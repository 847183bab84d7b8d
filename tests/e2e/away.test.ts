// What happens while one is away: offline, a node that dies, a reload, a hidden tab.
import type { Page } from "@playwright/test";
import { Balancer } from "./balancer";
import { type Node, startNode } from "./servers";
import { bubble, composer, expect, item, people, test, tick, title, type User, write } from "./world";

const banner = (page: Page) => page.locator(".net.is-shown");

test("what is written offline is sent once, when the connection is back", async ({ enter }) => {
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await write(here, "before");
  await expect(bubble(there, "before")).toBeVisible();
  await here.context().setOffline(true);
  await expect(banner(here)).toContainText("You are offline");
  for (const text of ["one", "two", "three"]) await write(here, `while away: ${text}`);
  await expect(tick(bubble(here, "while away"), "waiting")).toHaveCount(3);
  await write(there, "missed meanwhile");
  await here.context().setOffline(false);
  await expect(banner(here)).toHaveCount(0);
  for (const page of [here, there]) {
    await expect(bubble(page, "while away").locator(".text")).toHaveText([/one$/, /two$/, /three$/]);
    await expect(bubble(page, "missed meanwhile")).toHaveCount(1);
  }
  await here.reload();
  await expect(bubble(here, "while away")).toHaveCount(3);
  const inOrder = ["before", "missed meanwhile", "one", "two", "three"];
  expect((await alice.texts003(room)).map((text) => text.replace("while away: ", ""))).toEqual(inOrder);
});

test("what is written offline survives a reload", async ({ enter }) => {
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  await page.routeWebSocket(/\/ws\?/, (socket) => socket.close());
  await page.reload();
  await write(page, "kept in the outbox");
  await expect(tick(bubble(page, "kept in the outbox"), "waiting")).toBeVisible();
  await page.unrouteAll();
  // Sockets cannot be unrouted: another page of the same browser has no route.
  const other = await page.context().newPage();
  await page.close();
  await other.goto(`/chat?room=${room}`);
  await expect(tick(bubble(other, "kept in the outbox"), "sent")).toBeVisible();
  expect(await alice.texts003(room)).toEqual(["kept in the outbox"]);
});

/** Alice behind a balancer with two nodes, of which the first will die; Bob on another node. */
async function dying(enter: (user: User, options: object) => Promise<Page>) {
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.direct(bob);
  const [first, second] = await Promise.all([startNode(), startNode()]);
  const balancer = await Balancer.before(first.port, second.port);
  const here = await enter(alice, { url: balancer.url, room });
  const there = await enter(bob, { node: 1, room });
  await write(here, "before");
  await expect(bubble(there, "before")).toBeVisible();
  const end = async (...nodes: Node[]) => {
    await here.context().close();
    await balancer.close();
    for (const node of [...nodes, first, second]) await node.stop();
  };
  return { alice, room, first, balancer, here, there, end };
}

async function isOnce(pages: Page[], alice: User, room: number, texts: string[]): Promise<void> {
  const wanted = ["before", ...texts];
  for (const page of pages) {
    await expect(page.locator(".bubble .text")).toHaveText(wanted);
    await expect(page.locator("[data-state=sending], [data-state=waiting]")).toHaveCount(0);
  }
  expect(await alice.texts003(room)).toEqual(wanted);
  for (const page of pages) {
    await page.reload();
    await expect(page.locator(".bubble .text")).toHaveText(wanted);
  }
}

for (const way of ["requests", "answers"] as const) {
  const when = way === "requests" ? "before it has a message" : "before it could say that it has a message";
  test(`a node is killed ${when}: the message arrives once`, async ({ enter }) => {
    const { alice, room, first, balancer, here, there, end } = await dying(enter);
    balancer.hold(way);
    await write(here, "in these days");
    if (way === "answers") await expect(bubble(there, "in these days")).toBeVisible();
    await expect.poll(() => balancer.held).toBeGreaterThan(0);
    await expect(tick(bubble(here, "in these days"), "sending")).toBeVisible();
    await first.kill();
    balancer.release();
    await isOnce([here, there], alice, room, ["in these days"]);
    await end();
  });
}

test("a node is killed while many messages are sent, and comes back: each arrives once, in order", async ({
  enter,
}) => {
  const { alice, room, first, here, there, end } = await dying(enter);
  const texts = Array.from({ length: 20 }, (_, at) => `number ${at + 1}`);
  let killed: Promise<void> | undefined;
  for (const [at, text] of texts.entries()) {
    await write(here, text);
    if (at === 9) killed = first.kill();
  }
  await killed;
  const again = await startNode(undefined, first);
  await isOnce([here, there], alice, room, texts);
  await end(again);
});

test("a node that stops says when to come back, and nothing is missed", async ({ enter }) => {
  const { alice, room, first, here, there, end } = await dying(enter);
  const stopping = first.stop();
  await write(there, "said during the stop");
  await stopping;
  await write(here, "said after it");
  await expect(banner(here)).toHaveCount(0);
  for (const page of [here, there]) {
    await expect(bubble(page, "said during the stop")).toHaveCount(1);
    await expect(bubble(page, "said after it")).toHaveCount(1);
  }
  expect((await alice.texts003(room)).sort()).toEqual(["before", "said after it", "said during the stop"]);
  await end();
});

test("what the server refuses can be tried again or given up, once", async ({ enter }) => {
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice);
  let refusals = 2;
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const isSend = String(message).includes('"send_message"');
      if (!isSend || refusals === 0) return server.send(message);
      refusals -= 1;
      socket.send(JSON.stringify({ type: "error", payload: { message: "refused for a test" } }));
    });
  });
  await page.goto(`/chat?room=${room}`);
  await write(page, "give up");
  await expect(page.locator(".failed")).toContainText("Not sent");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(bubble(page, "give up")).toHaveCount(0);
  await write(page, "try again");
  await expect(page.locator(".failed")).toContainText("Not sent");
  await page.reload();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(tick(bubble(page, "try again"), "sent")).toBeVisible();
  await expect(page.locator(".failed")).toHaveCount(0);
  expect(await alice.texts003(room)).toEqual(["try again"]);
});

test("drafts are kept per conversation and survive a reload", async ({ enter }) => {
  const [alice, bob, carol] = await people("alice", "bob", "小红");
  const [first, second] = [await alice.direct(bob), await alice.direct(carol)];
  const page = await enter(alice, { room: first });
  await composer(page).fill("for Bob\nin two lines");
  await item(page, carol.name).click();
  await expect(title(page)).toHaveText(carol.name);
  await expect(composer(page)).toHaveValue("");
  await composer(page).fill("给小红");
  await expect(item(page, bob.name)).toContainText("Draft: for Bob");
  await page.reload();
  await expect(composer(page)).toHaveValue("给小红");
  await item(page, bob.name).click();
  await expect(composer(page)).toHaveValue("for Bob\nin two lines");
  await composer(page).press("Enter");
  await expect(bubble(page, "in two lines")).toBeVisible();
  await page.goto(`/chat?room=${second}`);
  await expect(composer(page)).toHaveValue("给小红");
  await expect(item(page, bob.name)).not.toContainText("Draft");
});

test("several tabs notify once of a message, and not while one looks", async ({ enter, another }) => {
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { permissions: ["notifications"] });
  const shown: string[] = [];
  await page.context().exposeBinding("noted", (_, text: string) => shown.push(text));
  await page.context().addInitScript(() => {
    // As in tabs that nobody looks at; and notifications that a test can see.
    document.hasFocus = () => false;
    class Seen extends EventTarget {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title: string, { body }: { body: string }) {
        super();
        (window as unknown as { noted: (text: string) => void }).noted(`${title}: ${body}`);
      }
      close() {}
    }
    Object.defineProperty(window, "Notification", { value: Seen });
  });
  await page.evaluate(() => localStorage.removeItem("chinwag.focus"));
  await page.reload();
  const tabs = [page, await another(page, "/chat"), await another(page, "/chat?room=1")];
  for (const tab of tabs) await expect(tab.locator(".me-name")).toHaveText(bob.name);
  for (const tab of tabs) await expect(item(tab, alice.name)).toBeVisible();
  for (const text of ["first", "第二"]) {
    await alice.send(room, text);
    for (const tab of tabs) await expect(item(tab, alice.name)).toContainText(text);
  }
  await expect.poll(() => shown).toEqual([`${alice.name}: first`, `${alice.name}: 第二`]);

  // Somebody comes back to one of the tabs.
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await alice.send(room, "third");
  for (const tab of tabs) await expect(item(tab, alice.name)).toContainText("third");
  // One's own messages are no news either.
  await bob.send(room, "fourth");
  for (const tab of tabs) await expect(item(tab, alice.name)).toContainText("fourth");
  expect(shown).toHaveLength(2);
});
