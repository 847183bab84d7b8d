// The way from a search result to its message, in rooms that were not open before.
import { bubble, expect, newUsers, plainPage, results, sendAll, test } from "./fixtures";

const VIEWS = [
  { width: 1280, height: 800 },
  { width: 800, height: 700 },
  { width: 390, height: 844 },
];

const long = (n: number) => `${n}: ${"some words that wrap. ".repeat(1 + ((n * 7) % 12))}`;

for (const viewport of VIEWS) {
  test(`a search result shows its message in an unopened room, ${viewport.width} px`, async ({
    browser,
    contexts,
    enter,
  }) => {
    const [alice, bob] = await newUsers("alice", "bob");
    const room = await alice.direct(bob);
    // In the newest page, in an older one, at the beginning and at the end.
    const wanted = { 3: "needle-first", 60: "needle-older", 122: "needle-newer", 140: "needle-last" };
    const texts = Array.from({ length: 140 }, (_, at) => wanted[(at + 1) as keyof typeof wanted] ?? long(at));
    await sendAll(await plainPage(browser, contexts), alice, room, texts);
    for (const needle of Object.values(wanted)) {
      const page = await enter(bob, { node: 1, viewport });
      await page.getByRole("searchbox", { name: "Search" }).fill(needle);
      await results(page, "Messages").first().click();
      const row = page.locator(".row", { has: page.locator(".text", { hasText: needle }) });
      await expect(row).toHaveClass(/is-flashed/);
      await expect(bubble(page, needle)).toBeInViewport({ ratio: 1 });
      // It stays in view when all rows are measured and the window changes.
      await page.setViewportSize({ ...viewport, height: viewport.height - 80 });
      await expect(row).not.toHaveClass(/is-flashed/);
      await expect(bubble(page, needle)).toBeInViewport({ ratio: 1 });
      await page.context().close();
    }
  });
}

test("a jump stays with its message while older ones arrive above it", async ({
  browser,
  contexts,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  // The message is near the top of the second page, so that the third is fetched as soon as it is in view.
  const texts = Array.from({ length: 140 }, (_, at) => (at === 43 ? "needle" : long(at)));
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  const page = await enter(bob, { node: 1 });
  let pages = 0;
  const held: (() => void)[] = [];
  let isHolding = true;
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    socket.connectToServer().onMessage((frame) => {
      if (String(frame).includes('"message_history"')) pages += 1;
      if (pages > 2 && isHolding) held.push(() => socket.send(frame));
      else socket.send(frame);
    });
  });
  // It arrives at once, while the rows around the message are still being measured.
  await page.exposeFunction("release", () => {
    isHolding = false;
    for (const send of held.splice(0)) send();
  });
  await page.reload();
  await page.getByRole("searchbox", { name: "Search" }).fill("needle");
  await expect(results(page, "Messages")).toHaveCount(1);
  await page.evaluate(() => {
    const isFlashed = () => document.querySelector(".is-flashed") !== null;
    const release = (window as unknown as { release: () => void }).release;
    new MutationObserver(() => isFlashed() && release()).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
    });
  });
  await results(page, "Messages").first().click();
  await expect(page.locator(".is-flashed")).toHaveCount(1);
  await expect(page.locator(".is-flashed")).toHaveCount(0);
  expect(pages).toBeGreaterThan(2);
  await expect(bubble(page, "needle")).toBeInViewport({ ratio: 1 });
});

test("the end that a jump leads to stays in view when the window changes later", async ({
  browser,
  contexts,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await sendAll(await plainPage(browser, contexts), alice, room, [
    ...Array.from({ length: 30 }, (_, at) => long(at)),
    "needle",
  ]);
  // Her own messages: the conversation opens at its end.
  const page = await enter(alice, { node: 1, room });
  await expect(bubble(page, "needle")).toBeInViewport({ ratio: 1 });
  await page.getByRole("searchbox", { name: "Search" }).fill("needle");
  await results(page, "Messages").first().click();
  const row = page.locator(".row", { has: page.locator(".text", { hasText: "needle" }) });
  await expect(row).toHaveClass(/is-flashed/);
  await expect(row).not.toHaveClass(/is-flashed/);
  await page.setViewportSize({ width: 1280, height: 500 });
  await expect(bubble(page, "needle")).toBeInViewport({ ratio: 1 });
});
