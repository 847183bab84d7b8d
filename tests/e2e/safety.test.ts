import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { bubble, expect, fresh, nodes, test, User } from "./world";
import { payloads } from "./payloads";

test("nothing that users write becomes markup or code", async ({ enter }) => {
  test.setTimeout(120_000);
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.group('<img src=x onerror="window.hit=1"> <b>room</b>', bob);
  const page = await enter(bob, { room });
  await page.evaluate(() => Object.defineProperty(window, "hit", { set: () => document.body.setAttribute("data-hit", "1") }));
  page.on("dialog", (dialog) => {
    throw new Error(`a dialog was opened: ${dialog.message()}`);
  });
  expect(payloads.length).toBeGreaterThanOrEqual(200);
  for (let from = 0; from < payloads.length; from += 20) {
    for (const text of payloads.slice(from, from + 20)) await alice.send(room, text);
    const last = payloads[Math.min(from + 19, payloads.length - 1)] ?? "";
    await expect(page.locator(".text", { hasText: last }).last()).toBeVisible();
    const foreign = await page.evaluate(() => {
      const tags = [...document.querySelectorAll(".bubble *, .item *, .pane-head *, [role=log] *")];
      const allowed = /^(p|a|span|time|bdi|button|img|svg|path|h1|div)$/i;
      const odd = tags.filter((it) => !allowed.test(it.tagName) || [...it.attributes].some((at) => /^on/i.test(at.name)));
      const links = [...document.querySelectorAll<HTMLAnchorElement>(".bubble a")];
      const bad = links.filter((link) => !/^https?:$/.test(link.protocol));
      return [...odd, ...bad].map((it) => it.outerHTML);
    });
    expect(foreign).toEqual([]);
  }
  // As pictures and files they are no addresses, or only broken ones.
  for (const text of payloads.slice(0, 30)) await alice.send(room, text, "image");
  await alice.send(room, "the end");
  await expect(bubble(page, "the end")).toBeVisible();
  expect(await page.locator("body").getAttribute("data-hit")).toBeNull();
  await expect(page.locator(".pane-title h1")).toHaveText('<img src=x onerror="window.hit=1"> <b>room</b>');
});

async function scan(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter((it) => it.impact === "serious" || it.impact === "critical");
  expect(serious.map((it) => [it.id, it.nodes.map((node) => node.html)])).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`no page has serious faults for those who use it otherwise (${colorScheme})`, async ({ browser, enter }) => {
    const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
    const room = await alice.group("对大家开放 open", bob);
    await bob.send(room, "see https://example.org for more");
    await alice.send(room, "thank you");
    const context = await browser.newContext({ colorScheme });
    const out = await context.newPage();
    for (const path of ["/login", "/register"]) {
      await out.goto(nodes()[0] + path);
      await expect(out.getByRole("main")).toBeVisible();
      await scan(out);
    }
    await out.getByRole("button", { name: "Register" }).click();
    await scan(out);
    const page = await enter(alice, { colorScheme });
    await expect(page.locator(".item").first()).toBeVisible();
    await scan(page);
    await page.goto(`/chat?room=${room}`);
    await expect(bubble(page, "thank you")).toBeVisible();
    await page.getByRole("button", { name: "Members" }).click();
    await expect(page.locator(".member")).toHaveCount(2);
    await page.waitForTimeout(400); // the panel's entrance
    await scan(page);
    await page.getByRole("button", { name: /Account and settings/ }).click();
    await page.waitForTimeout(400);
    await scan(page);
  });
}

test("a phone shows one side at a time", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  await bob.send(room, "hello phone");
  const page = await enter(alice, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await expect(page.locator(".pane")).toBeHidden();
  await page.locator(".item", { hasText: bob.name }).tap();
  await expect(bubble(page, "hello phone")).toBeVisible();
  await expect(page.locator(".side")).toBeHidden();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await bubble(page, "hello phone").tap();
  await expect(page.getByRole("button", { name: "Reply" })).toBeVisible();
  await page.getByRole("button", { name: "Back to the list" }).tap();
  await expect(page.locator(".side")).toBeVisible();
  await page.goBack();
  await expect(bubble(page, "hello phone")).toBeVisible();
});

test("the keyboard reaches everything", async ({ enter }) => {
  const [alice, bob] = [await User.named(fresh("a")), await User.named(fresh("b"))];
  const room = await alice.direct(bob);
  await alice.send(room, "by keys");
  const page = await enter(alice);
  await expect(page.locator(".item", { hasText: bob.name })).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.locator(".item").first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(bubble(page, "by keys")).toBeVisible();
  await page.getByRole("region", { name: "Messages" }).focus();
  await page.keyboard.press("ArrowUp");
  await expect(page.locator(".row", { hasText: "by keys" })).toBeFocused();
  await expect(page.getByRole("button", { name: "Delete" })).toBeVisible();
});
