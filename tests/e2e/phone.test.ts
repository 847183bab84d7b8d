// Phones and narrow windows: actions on messages, line breaks, other conversations, long messages.
import type { Locator, Page } from "@playwright/test";
import { badge, bubble, composer, expect, item, newUsers, test, title, uniqueName, write } from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const LONG = Array.from({ length: 120 }, (_, at) => `line ${at + 1} of a long message`).join("\n");

/** Expects that the pointer reaches every button of a toolbar. */
async function expectReachable(toolbar: Locator): Promise<void> {
  for (const button of await toolbar.getByRole("button").all()) {
    await expect(button).toBeInViewport({ ratio: 1 });
    const isOnTop = await button.evaluate((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const hit = document.elementFromPoint(x + width / 2, y + height / 2);
      return element.contains(hit);
    });
    expect(isOnTop, await button.getAttribute("aria-label").then(String)).toBe(true);
  }
}

for (const width of [770, 960, 1140, 1280]) {
  test(`the actions on messages are in view, ${width} px`, async ({ enter }) => {
    const [alice, bob] = await newUsers("alice", "bob");
    const room = await alice.group(uniqueName("wide"), bob);
    const wide = "words that fill the line ".repeat(8);
    await bob.send(room, `theirs ${wide}`);
    await alice.send(room, `mine ${wide}`);
    const page = await enter(alice, { room, viewport: { width, height: 700 } });
    await expect(bubble(page, "mine")).toBeVisible();
    for (const isNarrow of [false, true]) {
      // The members take a part of a wide window, and cover one of a narrow window.
      if (isNarrow && width < 1101) continue;
      if (isNarrow) await page.getByRole("button", { name: "Members" }).click();
      for (const [text, count] of [
        ["theirs", 7],
        ["mine", 7],
      ] as const) {
        const row = page.locator(".row", { has: bubble(page, text) });
        await row.hover();
        await expect(row.getByRole("toolbar").getByRole("button")).toHaveCount(count);
        await expectReachable(row.getByRole("toolbar"));
      }
    }
  });
}

/** Presses a finger on an element, for the time that opens a menu. */
async function longPress(page: Page, target: Locator): Promise<void> {
  const { x, y, width, height } = (await target.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const session = await page.context().newCDPSession(page);
  const top = Math.max(y, 80);
  const point = { x: x + width / 2, y: top + (Math.min(y + height, 770) - top) / 2 };
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [point] });
  await expect(page.getByRole("dialog")).toBeVisible();
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await session.detach();
}

test("a long press on a phone opens the actions on a message, however tall it is", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "tiny");
  await bob.send(room, LONG);
  await alice.send(room, "to be deleted");
  const page = await enter(alice, { ...PHONE, room });
  await expect(bubble(page, "to be deleted")).toBeVisible();
  // Another button does the same for screen readers.
  await expect(bubble(page, "tiny")).toHaveCount(1);

  await longPress(page, bubble(page, "line 1 of"));
  const sheet = page.getByRole("dialog", { name: "Message actions" });
  for (const name of ["Reply", "Copy"]) {
    await expect(sheet.getByRole("button", { name, exact: true })).toBeInViewport({ ratio: 1 });
  }
  await expect(sheet.getByRole("button", { name: "Delete" })).toHaveCount(0);
  await sheet.getByRole("button", { name: "Reply" }).tap();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.locator(".replying")).toContainText("line 1 of");
  await page.getByRole("button", { name: "Cancel reply" }).tap();

  await longPress(page, bubble(page, "to be deleted"));
  await sheet.getByRole("button", { name: "Delete" }).tap();
  await page
    .getByRole("dialog", { name: "Delete this message?" })
    .getByRole("button", { name: "Delete" })
    .tap();
  await expect(bubble(page, "to be deleted")).toHaveCount(0);
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a scroll on a phone opens no actions, and a screen reader finds a button for them", async ({
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "hello phone");
  const page = await enter(alice, { ...PHONE, room });
  await bubble(page, "hello phone").tap();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  const row = page.locator(".row", { has: bubble(page, "hello phone") });
  await row.getByRole("button", { name: "Message actions" }).focus();
  await page.keyboard.press("Enter");
  const sheet = page.getByRole("dialog", { name: "Message actions" });
  await expect(sheet).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(sheet).toHaveCount(0);
  await expect(row.getByRole("button", { name: "Message actions" })).toBeFocused();
});

test("Enter breaks the line on a phone, and the button sends", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { ...PHONE, room });
  await composer(page).fill("first line");
  await composer(page).press("Enter");
  await composer(page).pressSequentially("second line");
  await expect(composer(page)).toHaveValue("first line\nsecond line");
  await expect(composer(page)).toHaveAttribute("enterkeyhint", "enter");
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await expect(bubble(page, "second line")).toBeVisible();
  await expect.poll(() => bob.messageTexts(room)).toEqual(["first line\nsecond line"]);
});

test("an open conversation on a phone shows what is unread in the others", async ({ enter }) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const room = await alice.direct(bob);
  const other = await alice.direct(carol);
  const page = await enter(alice, { ...PHONE, room });
  const back = page.getByRole("button", { name: "Back to the list" });
  await expect(badge(back)).toHaveCount(0);
  await carol.send(other, "one");
  await carol.send(other, "two");
  await expect(badge(back)).toHaveText("2");
  await expect(back).toHaveAccessibleName("Back to the list, 2 unread");
  await bob.send(room, "read at once");
  await expect(bubble(page, "read at once")).toBeVisible();
  await expect(badge(back)).toHaveText("2");
  await back.tap();
  await item(page, carol.name).tap();
  await expect(title(page)).toHaveText(carol.name);
  await expect(badge(back)).toHaveCount(0);
});

test("long messages are folded, and stay unfolded once they are", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, LONG);
  await bob.send(room, "字".repeat(2000));
  await bob.send(room, "short enough\n".repeat(8));
  const page = await enter(alice, { room });
  const rows = page.locator(".row");
  await expect(rows).toHaveCount(3);
  for (const row of await rows.all()) {
    expect((await row.boundingBox())?.height).toBeLessThan(620);
  }
  await expect(rows.nth(2).getByRole("button", { name: "Show more" })).toHaveCount(0);
  await expect(bubble(page, "line 1 of")).not.toContainText("line 120 of");
  const more = rows.first().getByRole("button", { name: "Show more" });
  await more.click();
  await expect(bubble(page, "line 1 of")).toContainText("line 120 of");
  const less = rows.first().getByRole("button", { name: "Show less" });
  await expect(less).toHaveAttribute("aria-expanded", "true");
  await less.click();
  await expect(bubble(page, "line 1 of")).not.toContainText("line 120 of");
  await expect(rows.first()).toBeInViewport();
  // The user's own message too, before and after it is stored.
  await write(page, LONG);
  await expect(rows.last().locator("[data-state=sent], [data-state=delivered]")).toBeVisible();
  await expect(rows.last()).not.toContainText("line 120 of");
});
