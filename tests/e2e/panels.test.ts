// The panels beside a conversation, and where the focus goes when the conversation is gone.
import { bubble, composer, expect, item, type Locator, newUsers, test, title, uniqueName } from "./fixtures";

test("no panel covers what one writes in windows of medium width", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const page = await enter(alice, { room: await alice.group(uniqueName("tea"), bob) });
  await composer(page).fill("one\ntwo\nthree\nfour");
  for (const [button, panel, widths] of [
    ["Members", "Members", [780, 1080]],
    ["Search in this conversation", "Search messages", [780, 980]],
  ] as const) {
    const aside = page.getByRole("complementary", { name: panel });
    await page.getByRole("button", { name: button, exact: true }).click();
    for (const width of widths) {
      await page.setViewportSize({ width, height: 700 });
      // The panel reaches down to the box.
      const gap = async () => {
        const [above, below] = [await aside.boundingBox(), await page.locator(".composer").boundingBox()];
        return below && above ? below.y - above.y - above.height : -1;
      };
      await expect.poll(gap).toBeGreaterThanOrEqual(0);
      await expect.poll(gap).toBeLessThan(10);
      // Each could be clicked where it is, with nothing above it.
      for (const position of [undefined, { x: 5, y: 5 }])
        await composer(page).click({ trial: true, position });
      await page.getByRole("button", { name: "Send", exact: true }).click({ trial: true });
    }
    await aside.getByRole("button", { name: "Close", exact: true }).click();
  }
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(bubble(page, "four")).toBeVisible();
});

test("the focus goes on in the list when a conversation is gone, and it is said", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const [left, lost, deleted] = [uniqueName("left"), uniqueName("lost"), uniqueName("deleted")];
  const rooms = [
    await bob.group(deleted, alice),
    await bob.group(lost, alice),
    await bob.group(left, alice),
  ] as const;
  const page = await enter(alice, { room: rooms[2] });
  const said = page.locator(".chat > [aria-live=polite]");
  const gone = (name: string) => `“${name}” is no longer among your conversations`;

  await page.getByRole("button", { name: "Members", exact: true }).click();
  await page.getByRole("button", { name: "Leave the group" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Leave", exact: true }).press("Enter");
  await expect(item(page, lost)).toBeFocused();
  await expect(said).toHaveText(gone(left));

  const own = await alice.call<{ id: number }>("GET", "/api/v1/me");
  await page.keyboard.press("Enter");
  await expect(composer(page)).toBeFocused();
  await bob.call("DELETE", `/api/v1/rooms/${rooms[1]}/members/${own.id}`);
  await expect(item(page, deleted)).toBeFocused();
  await expect(page.locator(".toast")).toHaveText(`You were removed from “${lost}”`);

  // Whoever is elsewhere stays there.
  await page.keyboard.press("Enter");
  await expect(composer(page)).toBeFocused();
  await page.getByRole("searchbox", { name: "Search" }).focus();
  await bob.call("DELETE", `/api/v1/rooms/${rooms[0]}`);
  await expect(page.locator(".toast")).toHaveText(`“${deleted}” was deleted`);
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
  // What a short message says is not said twice.
  await expect(said).toHaveText(gone(left));
});

test("only one message shows its tools", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("tools"), bob);
  for (const text of ["first", "second", "third"]) await bob.send(room, text);
  const page = await enter(alice, { room });
  const tools = (text: string) =>
    page.locator(".row", { has: bubble(page, text) }).getByRole("toolbar", { includeHidden: true });
  /** The messages whose tools can be seen. */
  const shown = async () => {
    const all = ["first", "second", "third"];
    const seen = all.map((text) =>
      tools(text).evaluate((bar) => {
        const { visibility, opacity } = getComputedStyle(bar);
        return visibility === "visible" && opacity === "1";
      }),
    );
    const isSeen = await Promise.all(seen);
    return all.filter((_, at) => isSeen[at]);
  };
  await bubble(page, "first").hover();
  await tools("first").getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("dialog", { name: "More actions" })).toBeVisible();
  await bubble(page, "third").hover({ force: true });
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  // Whoever uses the keys sees where the focus is, and whoever takes the mouse where that is.
  await expect.poll(shown).toEqual(["first"]);
  await expect(tools("first").getByRole("button", { name: "More actions" })).toBeFocused();
  await bubble(page, "second").hover();
  await expect.poll(shown).toEqual(["second"]);
  await page.keyboard.press("Shift+Tab");
  await expect.poll(shown).toEqual(["first"]);
});

test("a click counts for what was pressed, although a message moves it before the release", async ({
  enter,
}) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const [busy, calm] = [uniqueName("busy"), uniqueName("calm")];
  const room = await alice.group(busy, bob);
  const other = await alice.group(calm, bob);
  for (let number = 0; number < 20; number += 1) await alice.send(room, `line ${number}`);
  await bob.send(room, "press me");
  await bob.send(other, "quiet");
  const page = await enter(alice, { room });
  /** Presses something, lets it be moved away, and releases it where it was. */
  const pressWhile = async (target: Locator, moves: () => Promise<void>) => {
    const { x, y, width, height } = (await target.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await moves();
    const moved = async () => ((await target.boundingBox()) ?? { y }).y;
    await expect.poll(moved).not.toBe(y);
    await page.mouse.up();
  };
  await bubble(page, "press me").hover();
  const answer = page
    .locator(".row", { has: bubble(page, "press me") })
    .getByRole("button", { name: "Reply" });
  await pressWhile(answer, () => bob.send(room, "in between"));
  await expect(page.locator(".replying")).toContainText("press me");

  await bob.send(other, "first now");
  await expect(page.locator(".side .item-name").first()).toHaveText(calm);
  await pressWhile(item(page, calm), async () => {
    await carol.send(await carol.direct(alice), "hello");
  });
  await expect(title(page)).toHaveText(calm);
});
