// A list of conversations that lacks some, as a part of the store is away.
import { expect, item, newUsers, test, title } from "./fixtures";

test("the list says that it lacks conversations, keeps the known ones, and gets the others later", async ({
  enter,
}) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const known = await alice.direct(bob);
  const page = await enter(alice, { room: known });
  const note = page.getByText("Some conversations cannot be shown at the moment.");
  await expect(note).toHaveCount(0);
  await page.route("**/api/v1/conversations", async (route) => {
    const answer = await route.fetch();
    const rooms = ((await answer.json()) as { room_id: string }[]).filter(
      ({ room_id }) => room_id === "global",
    );
    await route.fulfill({
      response: answer,
      headers: { ...answer.headers(), "x-partial": "1" },
      json: rooms,
    });
  });
  // The new conversation makes the page ask for the list.
  const hidden = await carol.direct(alice);
  await carol.send(hidden, "are you there?");
  await expect(note).toBeVisible();
  await expect(title(page)).toHaveText(bob.name);
  await expect(item(page, bob.name)).toBeVisible();
  await expect(item(page, carol.name)).toHaveCount(0);
  await page.unrouteAll({ behavior: "wait" });
  await expect(item(page, carol.name)).toContainText("are you there?", { timeout: 30_000 });
  await expect(note).toHaveCount(0);
});
