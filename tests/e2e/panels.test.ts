// The panels beside a conversation, and where the focus goes when the conversation is gone.
import { bubble, composer, expect, newUsers, test, uniqueName } from "./fixtures";

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
