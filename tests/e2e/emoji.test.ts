// Emoji: the picker of the composer and of reactions, and the completion of names.
import { bubble, composer, expect, newUsers, test, uniqueName, write } from "./fixtures";

test("an emoji is picked by name and keyboard, and comes where the caret is", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const page = await enter(alice, { room: await alice.direct(bob) });
  await composer(page).fill("ab");
  await composer(page).press("ArrowLeft");
  const button = page.getByRole("button", { name: "Emoji", exact: true });
  await button.click();
  const picker = page.getByRole("dialog", { name: "Emoji" });
  await expect(picker.getByRole("searchbox")).toBeFocused();
  await picker.getByRole("searchbox").fill("party popper");
  await expect(picker.getByRole("button", { name: "party popper" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(composer(page)).toHaveValue("a🎉b");
  await expect(composer(page)).toBeFocused();
  // Undone like anything that is typed.
  await page.keyboard.press("Control+z");
  await expect(composer(page)).toHaveValue("ab");

  await button.click();
  await expect(picker.locator(".emoji").first()).toHaveText("🎉");
  await expect(picker.getByRole("heading", { name: "Recent" })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expect(picker.locator(".emoji").first()).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();
  await expect(composer(page)).toHaveValue("ab");
});

for (const [locale, typed, offered, whole] of [
  ["en-US", "well :tad", "party popper", ":tada:"],
  ["zh-CN", "好 ：拉炮", "拉炮彩带", "：拉炮彩带："],
] as const) {
  test(`a name behind a colon is completed: ${locale}`, async ({ enter }) => {
    const [alice, bob] = await newUsers("alice", "bob");
    const page = await enter(alice, { room: await alice.direct(bob), locale });
    const field = page.locator(".composer textarea");
    await field.pressSequentially(typed);
    const list = page.locator("[role=listbox]");
    await expect(list.getByRole("option", { name: offered })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(list).toHaveCount(0);
    await field.press("Backspace");
    await field.pressSequentially(typed.slice(-1));
    await expect(list.getByRole("option").first()).toHaveAttribute("aria-selected", "true");
    await expect(field).toHaveAttribute("aria-activedescendant", /-0$/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await expect(list).toHaveCount(0);
    await expect(field).toHaveValue(/^(well|好) \p{Extended_Pictographic}/u);
    // A whole name needs no choice.
    await field.fill("");
    await field.pressSequentially(whole);
    await expect(field).toHaveValue(/^\p{Extended_Pictographic}\ufe0f?$/u);
    // Times, addresses and faces stay as typed.
    await field.fill("");
    await field.pressSequentially("12:30 http://a :) a:bc ");
    await expect(field).toHaveValue("12:30 http://a :) a:bc ");
  });
}

test("any emoji can be a reaction, on a desktop and on a phone", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("reactions"), bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, {
    room,
    node: 1,
    hasTouch: true,
    isMobile: true,
    viewport: { width: 390, height: 844 },
  });
  await write(here, "launch");
  await bubble(here, "launch").hover();
  await here.getByRole("button", { name: "React", exact: true }).click();
  await here.getByRole("button", { name: "Other emoji" }).click();
  const picker = here.getByRole("dialog", { name: "React" });
  await picker.getByRole("searchbox").fill("rocket");
  await picker.getByRole("button", { name: "rocket", exact: true }).click();
  await expect(here.locator(".reaction")).toHaveText("🚀1");
  await expect(there.locator(".reaction")).toHaveText("🚀1");

  await there.getByRole("button", { name: "Message actions" }).last().press("Enter");
  await there.getByRole("button", { name: "Other emoji" }).click();
  await there.getByRole("dialog", { name: "React" }).locator(".emoji-groups button").last().click();
  await there.getByRole("dialog").getByRole("button", { name: "chequered flag" }).click();
  await expect(here.locator(".reaction")).toHaveText(["🚀1", "🏁1"]);
});
