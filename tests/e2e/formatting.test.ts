// Formatted messages: what is drawn, what others see, and that nothing moves.
import { bubble, composer, expect, newUsers, test, uniqueName, write } from "./fixtures";

const TEXT = [
  "Release **2.1** is *out*: `cargo install` or",
  "```sh",
  "docker pull chinwag",
  "docker run chinwag",
  "```",
  "> thanks ~~to all~~",
  "- https://a.example/_x_",
  "  - 第二",
  "1. first",
].join("\n");

test("a formatted message is drawn, copied and stored as typed", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("formatting"), bob);
  const here = await enter(alice, { room, permissions: ["clipboard-read", "clipboard-write"] });
  const there = await enter(bob, { room, node: 1 });
  await write(here, TEXT);
  for (const page of [here, there]) {
    const text = bubble(page, "Release").locator(".text");
    await expect(text.locator("strong")).toHaveText("2.1");
    await expect(text.locator("em")).toHaveText("out");
    await expect(text.locator("p code")).toHaveText("cargo install");
    await expect(text.locator("pre")).toHaveText("docker pull chinwag\ndocker run chinwag");
    await expect(text.locator("blockquote s")).toHaveText("to all");
    await expect(text.locator("ul ul")).toHaveText("第二");
    await expect(text.getByRole("link")).toHaveAttribute("href", "https://a.example/_x_");
    await expect(text.locator("ol li")).toHaveText("first");
    await expect(page.locator(".side .item-last", { hasText: "Release" })).toContainText(
      "Release 2.1 is out: cargo install or docker pull chinwag",
    );
  }
  await bubble(here, "Release").getByRole("button", { name: "Copy the code" }).click();
  await expect(here.locator(".toast")).toHaveText("Copied");
  expect(await here.evaluate(() => navigator.clipboard.readText())).toBe(
    "docker pull chinwag\ndocker run chinwag",
  );
  // Clients of the documents have the text as it was typed.
  expect(await bob.messageTexts(room)).toContain(TEXT);
});

test("a message keeps its height once it is sent, and an edit has its marks", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  await page.context().setOffline(true);
  await composer(page).fill(TEXT);
  await composer(page).press("Enter");
  const row = bubble(page, "Release");
  const height = (await row.boundingBox())?.height;
  await page.context().setOffline(false);
  await expect(page.locator(".row[data-id]").filter({ hasText: "Release" })).toBeVisible();
  expect((await row.boundingBox())?.height).toBe(height);
  await composer(page).press("ArrowUp");
  await expect(page.locator(".composer textarea")).toHaveValue(TEXT);
});

test("the composer tells what can be written", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  for (const [locale, name, bold] of [
    ["en-US", "Formatting", "bold"],
    ["zh-CN", "格式", "加粗"],
  ] as const) {
    const page = await enter(alice, { room, locale });
    await page.getByRole("button", { name }).click();
    const help = page.getByRole("dialog", { name });
    await expect(help.getByText(`**${bold}**`)).toBeVisible();
    await expect(help.locator("strong")).toHaveText(bold);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name })).toBeFocused();
  }
});
