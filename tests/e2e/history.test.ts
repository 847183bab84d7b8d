import { bubble, expect, fresh, nodes, test, User, write } from "./world";

test("a thousand messages scroll up without a shift", async ({ browser, enter }) => {
  test.setTimeout(120_000);
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  const socket = await browser.newPage();
  await socket.goto(`${nodes()[0]}/login`);
  await socket.evaluate(
    ({ token, room }) =>
      new Promise<void>((done) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?token=${token}`);
        let seen = 0;
        socket.onmessage = (event) => {
          if (JSON.parse(event.data).type !== "new_message") return;
          seen += 1;
          if (seen === 1000) done();
        };
        socket.onopen = () => {
          for (let n = 1; n <= 1000; n += 1) {
            const content = n % 7 === 0 ? `${n}: ${"long words that wrap. ".repeat(1 + (n % 11))}` : `message ${n}`;
            socket.send(JSON.stringify({ type: "send_message", payload: { room_id: room, content, is_image: false } }));
          }
        };
      }),
    { token: alice.token, room },
  );
  const page = await enter(bob, { room });
  await expect(bubble(page, "message 1000")).toBeInViewport();
  await expect(page.locator(".beginning")).toHaveCount(0);

  // Turning the wheel moves what is seen down, by no more than it was turned, and at rest nothing moves at all,
  // while pages are put in above: no row ever jumps.
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
    let [up, beyond, atRest] = [0, 0, 0];
    for (let step = 0; step < 3000 && atRest < 6; step += 1) {
      const before = places();
      const turned = step % 3 === 0 ? Math.min(260, box.scrollTop) : 0;
      box.scrollTop -= turned;
      await frame();
      const after = places();
      for (const [id, top] of before) {
        const by = (after.get(id) ?? top) - top;
        up = Math.max(up, -by);
        beyond = Math.max(beyond, by - turned);
      }
      if (box.scrollTop <= 0 && document.querySelector(".beginning")) atRest += 1;
    }
    return { up, beyond, isAtBeginning: document.querySelector(".beginning") !== null };
  });
  expect(moved.isAtBeginning).toBe(true);
  expect(moved.up).toBeLessThanOrEqual(1);
  expect(moved.beyond).toBeLessThanOrEqual(1);
  await expect(page.getByText("message 1", { exact: true })).toBeVisible();

  // What arrives meanwhile does not move the view; the button says how much it was.
  const here = await enter(alice, { node: 1, room });
  await write(here, "news from below");
  await expect(page.getByRole("button", { name: "1 new, jump to latest" })).toBeVisible();
  await expect(page.getByText("message 1", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "1 new, jump to latest" }).click();
  await expect(bubble(page, "news from below")).toBeInViewport();
  // Only a part of the rows is drawn.
  expect(await page.locator(".row").count()).toBeLessThan(80);
});

test("the line above what is new stays where it was when the room was opened", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  await alice.send(room, "old");
  const page = await enter(bob, { room });
  await expect(bubble(page, "old")).toBeVisible();
  await page.goto("/chat?room=1");
  await expect(page.getByRole("heading", { name: "Lobby" })).toBeVisible();
  await alice.send(room, "new one");
  await alice.send(room, "new two");
  await expect(page.locator(".item", { hasText: alice.name }).locator(".badge")).toContainText("2");
  await page.locator(".item", { hasText: alice.name }).click();
  const first = page.locator(".row-box", { hasText: "new one" });
  await expect(first.locator(".divider")).toBeVisible();
  await alice.send(room, "newest");
  await expect(bubble(page, "newest")).toBeVisible();
  await expect(page.locator(".divider")).toHaveCount(1);
  await expect(first.locator(".divider")).toBeVisible();
});
