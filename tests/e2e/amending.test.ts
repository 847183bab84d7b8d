// Edits of messages and reactions to them, seen by two users on two nodes.
import { bubble, composer, expect, item, type Locator, newUsers, type Page, test, write } from "./fixtures";

const rowOf = (page: Page, text: string): Locator => page.locator(".row", { has: bubble(page, text) });
const reactions = (page: Page, text: string): Locator =>
  rowOf(page, text).getByRole("list", { name: "Reactions" });

async function act(page: Page, text: string, action: string): Promise<void> {
  await bubble(page, text).hover();
  await rowOf(page, text).getByRole("button", { name: action, exact: true }).click();
}

test("an edit is seen on the other node, and stays", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "a misteak");
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  const box = here.locator(".composer textarea");

  // Escape leaves the message and the draft as they were.
  await composer(here).fill("a draft");
  await act(here, "a misteak", "Edit");
  await expect(box).toHaveValue("a misteak");
  await expect(here.locator(".replying")).toContainText("Editing");
  await box.fill("something else");
  await box.press("Escape");
  await expect(box).toHaveValue("a draft");
  await box.fill("");

  await box.press("ArrowUp");
  await expect(box).toHaveValue("a misteak");
  await box.fill("a mistake");
  // A look at another conversation loses nothing.
  await item(here, "Lobby").click();
  await expect(box).toHaveValue("");
  await item(here, bob.name).click();
  await expect(here.locator(".replying")).toContainText("Editing");
  await expect(box).toHaveValue("a mistake");
  await box.press("Enter");
  for (const page of [here, there]) {
    await expect(bubble(page, "a mistake").locator(".meta")).toContainText("(edited)");
    await expect(bubble(page, "a misteak")).toHaveCount(0);
    await expect(page.locator(".side .item-last", { hasText: "mist" })).toContainText("a mistake");
  }
  await expect(box).toHaveValue("");
  await there.reload();
  await expect(bubble(there, "a mistake").locator(".meta")).toContainText("(edited)");
  // The other user may not.
  await bubble(there, "a mistake").hover();
  await expect(rowOf(there, "a mistake").getByRole("button", { name: "Reply" })).toBeVisible();
  await expect(rowOf(there, "a mistake").getByRole("button", { name: "Edit" })).toHaveCount(0);
});

test("reactions are counted on the other node, stay, and are taken back", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  await write(here, "good news");
  await act(there, "good news", "React");
  await expect(rowOf(there, "good news").getByRole("button", { name: "React with 👍" })).toBeFocused();
  await there.keyboard.press("Escape");
  await expect(rowOf(there, "good news").getByRole("button", { name: "React" })).toBeFocused();
  await there.keyboard.press("Enter");
  await rowOf(there, "good news").getByRole("button", { name: "React with 🎉" }).click();
  const chip = reactions(here, "good news").getByRole("button");
  await expect(chip).toHaveText("🎉1");
  await expect(chip).toHaveAttribute("title", bob.name);
  await expect(chip).toHaveAttribute("aria-pressed", "false");
  await chip.focus();
  await here.keyboard.press("Enter");
  await expect(chip).toHaveAttribute("aria-pressed", "true");
  await expect(reactions(there, "good news").getByRole("button")).toHaveText("🎉2");

  await there.reload();
  const own = reactions(there, "good news").getByRole("button");
  await expect(own).toHaveText("🎉2");
  await expect(own).toHaveAttribute("aria-pressed", "true");
  await own.click();
  await expect(chip).toHaveText("🎉1");
  await chip.click();
  for (const page of [here, there]) await expect(reactions(page, "good news")).toHaveCount(0);
});
