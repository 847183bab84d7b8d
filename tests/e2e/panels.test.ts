// The panels beside a conversation, and where the focus goes when the conversation is gone.
import { bubble, composer, expect, item, type Locator, newUsers, test, title, uniqueName } from "./fixtures";

for (const width of [800, 900, 1100]) {
  test(`no panel covers what one writes, ${width} pixels wide`, async ({ enter }) => {
    const [alice, bob] = await newUsers("alice", "bob");
    const page = await enter(alice, {
      room: await alice.group(uniqueName("tea"), bob),
      viewport: { width, height: 700 },
    });
    const text = "one\ntwo\nthree\nfour";
    for (const [button, panel] of [
      ["Members", "Members"],
      ["Search in this conversation", "Search messages"],
    ] as const) {
      await composer(page).fill(text);
      await page.getByRole("button", { name: button, exact: true }).click();
      const aside = page.getByRole("complementary", { name: panel });
      await expect(aside).toBeVisible();
      // Each is clicked where it is, with nothing above it.
      await composer(page).click();
      await composer(page).click({ position: { x: 5, y: 5 } });
      await page.keyboard.press("Control+End");
      await page.keyboard.type("!");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await expect(composer(page)).toHaveValue("");
      // The panel reaches down to the box, which is lower now.
      const gap = async () => {
        const [above, below] = [await aside.boundingBox(), await page.locator(".composer").boundingBox()];
        return Math.abs((above?.y ?? 0) + (above?.height ?? 0) - (below?.y ?? 0));
      };
      if (width < 1000 || panel === "Members") await expect.poll(gap).toBeLessThan(10);
      await aside.getByRole("button", { name: "Close", exact: true }).click();
      await expect(bubble(page, "four!").last()).toBeVisible();
    }
  });
}

test("the focus goes on in the list when a conversation is gone, and it is said", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const [left, lost, deleted] = [uniqueName("left"), uniqueName("lost"), uniqueName("deleted")];
  const rooms = [
    await bob.group(deleted, alice),
    await bob.group(lost, alice),
    await bob.group(left, alice),
  ] as const;
  const page = await enter(alice, { room: rooms[2] });
  const said = page.locator(".chat > [role=status]");
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
  await expect(said).toHaveText(gone(lost));

  // Whoever is elsewhere stays there.
  await page.keyboard.press("Enter");
  await expect(composer(page)).toBeFocused();
  await page.getByRole("searchbox", { name: "Search" }).focus();
  await bob.call("DELETE", `/api/v1/rooms/${rooms[0]}`);
  await expect(said).toHaveText(gone(deleted));
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
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
  for (let number = 0; number < 30; number += 1) await bob.send(room, `line ${number}`);
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
