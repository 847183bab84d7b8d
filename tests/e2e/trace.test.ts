// Where a message is: what an administrator finds out at /admin on one node about sockets on both.
import AxeBuilder from "@axe-core/playwright";
import { bubble, expect, newUsers, nodes, test, uniqueName } from "./fixtures";
import { runCommand } from "./servers";

for (const [colorScheme, width] of [
  ["light", 1280],
  ["dark", 390],
] as const) {
  test(`a link of a message leads to where it is (${colorScheme}, ${width})`, async ({ enter }) => {
    const [root, alice, bob, carol] = await newUsers("operator", "alice", "bob", "carol");
    await runCommand("user", "promote", root.name);
    const name = uniqueName("ops");
    const room = await alice.group(name, bob, carol);
    const theirs = await enter(bob, { node: 1, room });
    const body = { type: "text", content: "only for us", group_id: await alice.textIdOf(room) };
    const sent = await alice.call<{ data: { message_id: string } }>("POST", "/api/v1/chat/message", body);
    const id = sent.data.message_id;
    await expect(bubble(theirs, "only for us")).toBeVisible();

    const page = await enter(root, { colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 844 });
    await page.goto("/admin?section=trace");
    const field = page.getByLabel("Number, id or link of a message");
    await field.fill("no message");
    await page.getByRole("button", { name: "Trace" }).click();
    await expect(page.getByRole("alert")).toHaveText(
      "Enter a number or an id, or paste the link of a message.",
    );
    await expect(field).toBeFocused();
    await field.fill(`${nodes()[1]}/chat?room=${room}&message=${id}`);
    await page.keyboard.press("Enter");
    const shown = page.locator(`[data-trace='${id}']`);
    await expect(shown).toContainText(name);
    await expect(page.getByRole("status").filter({ hasText: /^Message \d+$/ })).toHaveCount(1);
    await expect(shown).not.toContainText("only for us");
    const rows = (table: string) => page.locator(`[data-table=${table}] tbody tr`);
    await expect(rows("nodes").filter({ hasText: /1 socket after \d+ ms/ })).toHaveCount(1);
    await expect(rows("recipients").filter({ hasText: bob.name })).toHaveCount(1);
    await expect(rows("recipients").filter({ hasText: carol.name })).toContainText("not delivered");
    // The receipt of a page that shows the message may be under way.
    await expect(async () => {
      await page.getByRole("button", { name: "Trace" }).click();
      await expect(rows("recipients").filter({ hasText: bob.name })).toContainText(/read/);
    }).toPass();

    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth))
      .toBeLessThanOrEqual(width);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    // The address keeps the question, in the other language too.
    await page.locator("button[lang=zh-CN]").click();
    await expect(page).toHaveTitle("追踪 · 管理 · Chinwag");
    await page.reload();
    await expect(rows("recipients").filter({ hasText: carol.name })).toContainText("未送达");
    await page.getByRole("link", { name: "审计日志" }).click();
    await expect(page.getByRole("link", { name: "审计日志" })).toBeInViewport({ ratio: 1 });
    await expect(page.locator("[data-act='message.trace']").filter({ hasText: name })).not.toHaveCount(0);
  });
}
