// What happens on any day: large pastes, two tabs, slow lines, names of other scripts, pictures one after the other.
import type { Page } from "@playwright/test";
import {
  bubble,
  composer,
  expect,
  item,
  newUsers,
  plainPage,
  results,
  sendAll,
  test,
  title,
  User,
  uniqueName,
} from "./fixtures";

const CLIPBOARD = ["clipboard-read", "clipboard-write"];

async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await composer(page).press("Control+v");
}

test("a paste that is too long is cut to what a message may have, and says so", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room, permissions: CLIPBOARD });
  await composer(page).pressSequentially("before after");
  for (let count = 0; count < "after".length; count += 1) await page.keyboard.press("ArrowLeft");
  await paste(page, "x".repeat(500_000));
  const note = page.getByText("The rest does not fit into one message and was left out.");
  await expect(note).toBeVisible();
  // What was there before and behind stays.
  const kept = `before ${"x".repeat(5000 - "before after".length)}after`;
  await expect(composer(page)).toHaveValue(kept);
  // Another key changes nothing, and the paste can be taken back.
  await page.keyboard.type("y");
  await expect(composer(page)).toHaveValue(kept);
  await page.keyboard.press("Control+z");
  await expect(composer(page)).toHaveValue("before after");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("!");
  await expect(composer(page)).toHaveValue("before after!");
  await expect(note).toHaveCount(0);
  await composer(page).fill("x".repeat(9000));
  await expect(composer(page)).toHaveValue("x".repeat(5000));
  await expect(note).toBeVisible();
  // Each emoji is one character, though it takes two places.
  await composer(page).fill("");
  await paste(page, "😀".repeat(6000));
  await expect(composer(page)).toHaveValue("😀".repeat(5000));
  await composer(page).press("Enter");
  await expect.poll(() => bob.messageTexts(room)).toEqual(["😀".repeat(5000)]);
});

test("two tabs share the draft of a conversation", async ({ enter, openTab }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await bob.send(room, "to be answered");
  const here = await enter(alice, { room });
  const there = await openTab(here, `/chat?room=${room}`);
  await expect(bubble(there, "to be answered")).toBeVisible();
  await composer(here).pressSequentially("half a");
  await expect(composer(there)).toHaveValue("half a");
  await composer(there).press("End");
  await composer(there).pressSequentially(" thought");
  await expect(composer(here)).toHaveValue("half a thought");
  await bubble(there, "to be answered").hover();
  await there.getByRole("button", { name: "Reply" }).click();
  await expect(here.locator(".replying")).toContainText("to be answered");
  // A room that the other tab opens later has the draft too.
  const other = await alice.direct((await newUsers("carol"))[0]);
  const third = await openTab(here, `/chat?room=${other}`);
  await item(third, bob.name).click();
  await expect(composer(third)).toHaveValue("half a thought");
  await composer(here).press("Enter");
  for (const page of [here, there, third]) {
    await expect(composer(page)).toHaveValue("");
    await expect(page.locator(".replying")).toHaveCount(0);
  }
  await expect.poll(() => bob.messageTexts(room)).toEqual(["to be answered", "half a thought"]);
});

test("the switch for notifications is on only if the browser lets the page notify", {
  tag: "@chromium",
}, async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice);
  const open = () => page.getByRole("button", { name: /Account and settings/ }).click();
  const knob = page.getByRole("switch", { name: "Notifications" });
  await open();
  await expect(knob).toHaveAttribute("aria-checked", "false");
  await knob.click();
  await expect(page.getByText("The browser does not let this page notify you.")).toBeVisible();
  await expect(knob).toHaveAttribute("aria-checked", "false");
  await page.context().grantPermissions(["notifications"]);
  await knob.click();
  await expect(knob).toHaveAttribute("aria-checked", "true");
  await page.reload();
  await open();
  await expect(knob).toHaveAttribute("aria-checked", "true");
  await knob.click();
  await expect(knob).toHaveAttribute("aria-checked", "false");
});

test("a quote of a deleted message leads nowhere, though older messages are not loaded", async ({
  browser,
  contexts,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const texts = Array.from({ length: 120 }, (_, at) => `message ${at + 1}`);
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  const page = await enter(alice, { room });
  await bubble(page, "message 119").hover();
  await page
    .locator(".row", { has: bubble(page, "message 119") })
    .getByRole("button", { name: "Reply" })
    .click();
  await composer(page).fill("my answer");
  await composer(page).press("Enter");
  const quote = bubble(page, "my answer").locator(".quote");
  await expect(quote).toContainText("message 119");
  const source = page.locator(".row", { has: bubble(page, "message 119") });
  await source.hover();
  await source.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(quote).toHaveText("Message not available");
  await expect(quote).toBeDisabled();
  // Also for those who were not there when it was deleted.
  const other = await enter(bob, { node: 1, room });
  await expect(bubble(other, "my answer").locator(".quote")).toHaveText("Message not available");
});

test("names in Arabic are aligned like the others", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const samira = await User.named(`سميرة${uniqueName("")}`.replace(/[a-z]/g, "ا"));
  const room = await alice.direct(samira);
  await alice.direct(bob);
  await samira.send(room, "مرحبا");
  const page = await enter(alice);
  const left = (name: string, part: string) =>
    item(page, name)
      .locator(part)
      .evaluate((element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return Math.round(range.getBoundingClientRect().left);
      });
  for (const part of [".item-name", ".item-last"]) {
    expect(await left(samira.name, part)).toBe(await left(bob.name, part));
  }
  // A long name loses its end, not its beginning.
  await page.goto(`/chat?room=${await alice.group(`مجموعة العمل ${"and more words ".repeat(5)}end`)}`);
  const name = page.locator(".pane-title bdi");
  await expect(name).toContainText("words");
  const widths = await page
    .locator(".pane-title :is(h1, bdi)")
    .evaluateAll((elements) => elements.map((element) => element.getBoundingClientRect().width));
  expect(widths[1]).toBe(widths[0]);
  await expect(name).toHaveCSS("direction", "rtl");
});

test("leaving is red, also under the pointer", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("leave"), bob);
  const page = await enter(bob, { room, reducedMotion: "reduce" });
  await page.getByRole("button", { name: "Members" }).click();
  const leave = page.getByRole("button", { name: "Leave the group" });
  const colour = () => leave.evaluate((element) => getComputedStyle(element).color);
  const red = await colour();
  expect(red).toBe("rgb(163, 42, 29)");
  await leave.hover();
  expect(await colour()).toBe(red);
});

test("an enlarged picture leads to the next, can be zoomed and downloaded, and stays until it is closed", async ({
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  for (const [width, height] of [
    [300, 200],
    [200, 300],
    [120, 80],
  ] as const) {
    await alice.picture(room, await page.screenshot({ type: "jpeg", clip: { x: 0, y: 0, width, height } }));
  }
  await expect(page.locator(".picture img")).toHaveCount(3);
  await page.locator(".picture").nth(1).click();
  const box = page.getByRole("dialog");
  const width = () => box.locator("img").evaluate((image: HTMLImageElement) => image.naturalWidth);
  await expect.poll(width).toBe(200);
  await expect(box.getByText("2 / 3")).toBeVisible();
  await box.getByRole("button", { name: "Next picture" }).click();
  await expect.poll(width).toBe(120);
  await expect(box.getByRole("button", { name: "Next picture" })).toHaveAttribute("aria-disabled", "true");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBe(300);
  // Clicks zoom in and out, and close nothing.
  const drawn = async () => (await box.locator("img").boundingBox())?.width ?? 0;
  const fitting = await drawn();
  await box.getByRole("button", { name: "Zoom in" }).click();
  await expect.poll(drawn).toBeGreaterThanOrEqual(2 * fitting);
  await box.getByRole("button", { name: "Zoom out" }).click();
  await expect.poll(drawn).toBe(fitting);
  await page.mouse.click(20, 780);
  await expect(box).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    box.getByRole("link", { name: "Download" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/\.jpg$/);
  await box.getByRole("button", { name: "Close" }).click();
  await expect(box).toHaveCount(0);
});

test("a slow line shows that something is on its way", async ({ visit, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice);
  let release = () => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  const hold = (pattern: string) =>
    page.route(pattern, async (route) => {
      await held;
      await route.continue();
    });
  await hold("**/assets/conversation_pane-*.js");
  await page.goto(`/chat?room=${room}`);
  await expect(page.locator(".pane .skeleton")).toBeVisible();
  release();
  await expect(title(page)).toHaveText(bob.name);
  await expect(page.locator(".pane .skeleton")).toHaveCount(0);
  // Nothing of it is left below the chat, to which one could scroll.
  await expect(page.locator(".loading")).toHaveCount(0);
  expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBe(0);
  // And before any script is there.
  const bare = await visit("/health/live");
  await bare.route("**/assets/*.js", (route) => route.abort());
  for (const path of ["/chat", "/dashboard", "/admin", "/docs/sockets/try"]) {
    await bare.goto(path);
    await expect(bare.getByText("Chinwag", { exact: true }), path).toBeVisible();
  }
});

test("the search waits for the end of a composition", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const wanted = await User.named(uniqueName("小红"));
  const page = await enter(alice);
  const asked: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname.endsWith("/search")) asked.push(url.searchParams.get("q") ?? "");
  });
  const session = await page.context().newCDPSession(page);
  const compose = (text: string) =>
    session.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  const field = page.getByRole("searchbox", { name: "Search" });
  await field.focus();
  for (const text of ["x", "xi", "xiao", "xiao h", "xiaohong"]) {
    await compose(text);
    await expect(field).toHaveValue(text);
  }
  await session.send("Input.insertText", { text: "小红" });
  await expect(field).toHaveValue("小红");
  await expect(results(page, "Users").filter({ hasText: wanted.name })).toHaveCount(1);
  expect(new Set(asked)).toEqual(new Set(["小红"]));
});
