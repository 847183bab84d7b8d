// Long histories: paging without jumps, the line above new messages, the way back to the end.
import type { Page } from "@playwright/test";
import {
  badge,
  bubble,
  expect,
  item,
  newUsers,
  plainPage,
  sendAll,
  test,
  title,
  uniqueName,
  write,
} from "./fixtures";

const text = (n: number) =>
  n % 7 === 0 ? `${n}: ${"long words that wrap. ".repeat(1 + (n % 11))}` : `message ${n}`;

/** Waits until the list has measured its rows. */
async function waitForRest(page: Page): Promise<void> {
  await page.locator(".rows").evaluate(async (box) => {
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    for (let still = 0, last = ""; still < 15; still += 1) {
      await frame();
      const now = `${box.scrollHeight} ${box.scrollTop}`;
      if (now !== last) still = 0;
      last = now;
    }
  });
}

test("a thousand messages scroll without jumps", async ({ browser, contexts, enter }) => {
  test.setTimeout(120_000);
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const texts = Array.from({ length: 1000 }, (_, at) => text(at + 1));
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  const page = await enter(bob, { room });
  await expect(bubble(page, "message 1000")).toBeInViewport();
  await expect(page.locator(".beginning")).toHaveCount(0);

  await waitForRest(page);
  // Scrolling moves the visible rows by exactly the scrolled distance. At rest nothing moves, even while pages are
  // inserted above: no row ever jumps.
  const moved = await page.evaluate(async () => {
    const box = document.querySelector<HTMLElement>(".rows");
    if (!box) throw new Error("no list");
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    const places = () => {
      const top = box.getBoundingClientRect().top;
      const seen = new Map<string, number>();
      for (const row of box.querySelectorAll<HTMLElement>("[data-id]")) {
        const at = row.getBoundingClientRect();
        if (at.bottom > top && at.top < top + box.clientHeight) seen.set(row.dataset.id ?? "", at.top);
      }
      return seen;
    };
    const isAtBeginning = () => box.scrollTop <= 0 && document.querySelector(".beginning") !== null;
    let [worst, pages, height, seen] = [0, 0, box.scrollHeight, 0];
    let isSettled = true;
    for (let step = 0, atRest = 0; step < 4000 && atRest < 6; step += 1) {
      const before = places();
      // New rows take their real heights in their first frame. Scrolling waits for that: a row that is already
      // visible then pushes those below it away, in any list that does not know the heights of its rows.
      const turned = step % 3 === 0 && isSettled ? Math.min(260, box.scrollTop) : 0;
      box.scrollTop -= turned;
      await frame();
      const after = places();
      for (const [id, top] of before) {
        const at = after.get(id);
        if (at === undefined) continue;
        seen += 1;
        worst = Math.max(worst, Math.abs(at - top - turned));
      }
      // A page has fifty rows.
      if (box.scrollHeight > height + 1000) pages += 1;
      isSettled = box.scrollHeight === height;
      height = box.scrollHeight;
      if (isAtBeginning()) atRest += 1;
    }
    return { worst, pages, seen, isAtBeginning: isAtBeginning() };
  });
  expect(moved.isAtBeginning).toBe(true);
  expect(moved.pages).toBeGreaterThanOrEqual(18);
  expect(moved.seen).toBeGreaterThan(5000);
  expect(moved.worst).toBeLessThanOrEqual(1);
  await expect(page.getByText("message 1", { exact: true })).toBeVisible();

  // New messages do not move the view. The button shows their number.
  const here = await enter(alice, { node: 1, room });
  await write(here, "news from below");
  const latest = page.getByRole("button", { name: "1 new, jump to latest" });
  await expect(latest).toBeVisible();
  await expect(page.getByText("message 1", { exact: true })).toBeInViewport();
  await latest.click();
  await expect(bubble(page, "news from below")).toBeInViewport();
  await expect(latest).toHaveCount(0);
  // Only the rows near the view are drawn.
  expect(await page.locator(".row").count()).toBeLessThan(80);
});

test("a message stays in place while the page above is inserted", async ({ browser, contexts, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const texts = Array.from({ length: 160 }, (_, at) => text(at + 1));
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  // Relays the frames of the socket, so that the page above can be held back.
  let before: Promise<void> = Promise.resolve();
  let release = () => {};
  const page = await enter(bob);
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      before = before.then(() => socket.send(message));
    });
  });
  await page.goto(`/chat?room=${room}`);
  await expect(bubble(page, "message 160")).toBeInViewport();
  before = before.then(
    () =>
      new Promise((go) => {
        release = go;
      }),
  );
  const rows = page.locator(".rows");
  const row = page.locator(".row", { has: page.getByText("message 117", { exact: true }) });
  // Retries, as the list may still be scrolling to the end.
  await expect(async () => {
    await rows.evaluate((box) => {
      box.scrollTop = 200;
    });
    await expect(row).toBeInViewport({ timeout: 500 });
  }).toPass();
  await waitForRest(page);
  const place = await row.boundingBox();
  release();
  await expect.poll(() => rows.evaluate((box) => box.scrollTop)).toBeGreaterThan(1500);
  await waitForRest(page);
  const after = await row.boundingBox();
  expect(Math.abs((after?.y ?? 0) - (place?.y ?? 0))).toBeLessThanOrEqual(1);
});

test("a room opens at its end, however tall its messages", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("tall"), bob);
  // Who has sent everything has nothing new.
  const page = await enter(alice, { room: 1 });
  const bytes = await page.screenshot({ type: "jpeg" });
  for (const n of [1, 2, 3]) {
    await alice.send(room, `${n}: ${"long words that wrap. ".repeat(20)}`);
    await alice.picture(room, bytes);
  }
  await alice.send(room, "the last");
  const end = async () => {
    await expect(bubble(page, "the last")).toBeInViewport({ ratio: 1 });
    await expect(page.locator(".picture img")).toHaveCount(3);
    const rest = (box: Element) => box.scrollHeight - box.clientHeight - box.scrollTop;
    await expect.poll(() => page.locator(".rows").evaluate(rest)).toBeLessThanOrEqual(1);
  };
  await item(page, "tall").click();
  await end();
  // The end stays in view when the window shrinks, as with a keyboard on a phone, and grows again.
  for (const height of [500, 800]) {
    await page.setViewportSize({ width: 1280, height });
    await end();
  }
  await page.getByRole("button", { name: "Members" }).click();
  await end();
  await page.reload();
  await end();
  await item(page, "Lobby").click();
  await expect(title(page)).toHaveText("Lobby");
  await item(page, "tall").click();
  await end();
});

test("a room opens at its end without motion", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const bytes = await (await enter(alice)).screenshot({ type: "jpeg" });
  await alice.send(room, "the first");
  for (const user of [alice, bob]) await user.picture(room, bytes);
  for (const name of ["one.txt", "two.txt"]) await alice.upload(room, name, "a text");
  // Bob has read all of it elsewhere.
  await bob.messageTexts(room);
  const page = await enter(bob, { room, reducedMotion: "reduce" });
  await expect(page.locator(".card", { hasText: "two.txt" })).toBeInViewport({ ratio: 1 });
});

test("the line above new messages stays where it was when the room was opened", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "old");
  const page = await enter(bob, { room });
  await expect(bubble(page, "old")).toBeVisible();
  await page.goto("/chat?room=1");
  await expect(title(page)).toHaveText("Lobby");
  await alice.send(room, "new one");
  await alice.send(room, "new two");
  await expect(badge(item(page, alice.name))).toHaveText("2");
  await item(page, alice.name).click();
  const first = page.locator(".row-box", { hasText: "new one" });
  await expect(first.locator(".divider")).toBeVisible();
  await alice.send(room, "newest");
  await expect(bubble(page, "newest")).toBeVisible();
  await expect(page.locator(".divider")).toHaveCount(1);
  await expect(first.locator(".divider")).toBeVisible();
});
