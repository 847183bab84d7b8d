// Disconnections: offline, a node that dies, a reload, a hidden tab.
import type { Page } from "@playwright/test";
import { Balancer } from "./balancer";
import { bubble, composer, expect, item, newUsers, test, tick, title, type User, write } from "./fixtures";
import { type Node, startNode } from "./servers";

const banner = (page: Page) => page.locator(".net.is-shown");

test("messages written offline are sent once, when the connection is back", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
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
  expect((await alice.messageTexts(room)).map((text) => text.replace("while away: ", ""))).toEqual(inOrder);
});

test("messages written without a server are shown where nothing else is kept", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "not loaded yet");
  const node = await startNode();
  const page = await enter(alice, { url: `http://127.0.0.1:${node.port}`, room: 1 });
  await node.kill();
  await expect(banner(page)).toBeVisible();
  await item(page, bob.name).click();
  await expect(page.locator(".empty-title")).toHaveText("The messages could not be loaded");
  await write(page, "written all the same");
  await expect(tick(bubble(page, "written all the same"), "waiting")).toBeVisible();
  // What is above it is not known.
  await expect(page.locator(".beginning")).toHaveCount(0);
  const again = await startNode(undefined, node);
  await expect(bubble(page, "not loaded yet")).toBeVisible();
  await expect(tick(bubble(page, "written all the same"), "sent")).toBeVisible();
  await expect(page.locator(".empty-title")).toHaveCount(0);
  await expect(page.locator(".beginning")).toBeVisible();
  expect(await alice.messageTexts(room)).toEqual(["not loaded yet", "written all the same"]);
  await page.context().close();
  await again.stop();
});

test("messages written offline survive a reload", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  await page.routeWebSocket(/\/ws\?/, (socket) => socket.close());
  await page.reload();
  await write(page, "kept in the outbox");
  await expect(tick(bubble(page, "kept in the outbox"), "waiting")).toBeVisible();
  await page.unrouteAll();
  // Routes of sockets cannot be removed. Another page of the same browser has none.
  const other = await page.context().newPage();
  await page.close();
  await other.goto(`/chat?room=${room}`);
  await expect(tick(bubble(other, "kept in the outbox"), "sent")).toBeVisible();
  expect(await alice.messageTexts(room)).toEqual(["kept in the outbox"]);
});

/** Connects Alice through a balancer to two nodes, of which the first will die, and Bob to another node. */
async function startFailover(enter: (user: User, options: object) => Promise<Page>) {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const [first, second] = await Promise.all([startNode(), startNode()]);
  const balancer = await Balancer.inFrontOf(first.port, second.port);
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

async function expectOnce(pages: Page[], alice: User, room: number, texts: string[]): Promise<void> {
  const wanted = ["before", ...texts];
  for (const page of pages) {
    await expect(page.locator(".bubble .text")).toHaveText(wanted);
    await expect(page.locator("[data-state=sending], [data-state=waiting]")).toHaveCount(0);
  }
  expect(await alice.messageTexts(room)).toEqual(wanted);
  for (const page of pages) {
    await page.reload();
    await expect(page.locator(".bubble .text")).toHaveText(wanted);
  }
}

for (const way of ["requests", "answers"] as const) {
  const when = way === "requests" ? "before it gets a message" : "before it acknowledges a message";
  test(`a node is killed ${when}: the message arrives once`, async ({ enter }) => {
    const { alice, room, first, balancer, here, there, end } = await startFailover(enter);
    balancer.hold(way);
    await write(here, "in these days");
    if (way === "answers") await expect(bubble(there, "in these days")).toBeVisible();
    await expect.poll(() => balancer.held).toBeGreaterThan(0);
    await expect(tick(bubble(here, "in these days"), "sending")).toBeVisible();
    await first.kill();
    balancer.release();
    await expectOnce([here, there], alice, room, ["in these days"]);
    await end();
  });
}

test("a node is killed while many messages are sent, and restarted: each arrives once, in order", async ({
  enter,
}) => {
  const { alice, room, first, here, there, end } = await startFailover(enter);
  const texts = Array.from({ length: 20 }, (_, at) => `number ${at + 1}`);
  let killed: Promise<void> | undefined;
  for (const [at, text] of texts.entries()) {
    await write(here, text);
    if (at === 9) killed = first.kill();
  }
  await killed;
  const again = await startNode(undefined, first);
  await expectOnce([here, there], alice, room, texts);
  await end(again);
});

test("a node that stops tells clients when to reconnect, and nothing is missed", async ({ enter }) => {
  const { alice, room, first, here, there, end } = await startFailover(enter);
  const stopping = first.stop();
  await expect(banner(here)).toContainText("The server restarts.");
  await write(there, "said during the stop");
  await stopping;
  await write(here, "said after it");
  await expect(banner(here)).toHaveCount(0);
  for (const page of [here, there]) {
    await expect(bubble(page, "said during the stop")).toHaveCount(1);
    await expect(bubble(page, "said after it")).toHaveCount(1);
  }
  expect((await alice.messageTexts(room)).sort()).toEqual([
    "before",
    "said after it",
    "said during the stop",
  ]);
  await end();
});

test("refused messages can be retried or discarded", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice);
  let refusals = 2;
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const isSend = String(message).includes('"send_message"');
      if (!isSend || refusals === 0) return server.send(message);
      refusals -= 1;
      // Redirects the message to a room that does not exist.
      server.send(String(message).replace(/"room_id":\d+/, '"room_id":999999'));
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
  expect(await alice.messageTexts(room)).toEqual(["try again"]);
});

test("drafts are kept per conversation and survive a reload", async ({ enter }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "小红");
  const [first, second] = [await alice.direct(bob), await alice.direct(carol)];
  const page = await enter(alice, { room: first });
  await composer(page).fill("for Bob\nin two lines");
  await item(page, carol.name).click();
  await expect(title(page)).toHaveText(carol.name);
  await expect(composer(page)).toHaveValue("");
  await composer(page).fill("给小红");
  await expect(item(page, bob.name)).toContainText("Draft: for Bob");
  // Drafts are saved after the text is drawn.
  const saved = () => page.evaluate(() => Object.values(localStorage).join());
  await expect.poll(saved).toContain("给小红");
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
