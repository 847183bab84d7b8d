// The profile in the dialog about the account: name, picture and status text, as others see them.
import { expect, type Locator, newUsers, type Page, pick, picture, test, uniqueName } from "./fixtures";

/** The pictures of avatars that are drawn, inside of something. */
const portraits = (place: Locator | Page) => place.locator(".avatar img.is-shown");

test("a user changes name, picture and status text, and others see them", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const direct = await alice.direct(bob);
  const group = await alice.group("Painters", bob);
  await alice.send(group, "What do you think?");
  await alice.send(direct, "Look at me");
  const page = await enter(alice);
  const otherDevice = await enter(alice, { node: 1 });
  await pick(page, /Account and settings/, "Account and security");
  const dialog = page.getByRole("dialog", { name: "Account and security" });
  const save = dialog.getByRole("button", { name: "Save" });
  await expect(save).toBeDisabled();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    dialog.getByRole("button", { name: "Change picture" }).click(),
  ]);
  await chooser.setFiles({ name: "me.png", mimeType: "image/png", buffer: await picture(page) });
  await page.getByRole("button", { name: "Use this part" }).click();
  await expect(portraits(dialog)).toHaveCount(1);
  await dialog.getByLabel("Status").fill("At lunch 🍜");
  await dialog.getByLabel("Username").fill(bob.name);
  await save.click();
  await expect(dialog.locator(".field-error")).toContainText("is taken");
  await expect(dialog.getByLabel("Username")).toBeFocused();
  await expect(portraits(page.locator(".me"))).toHaveCount(0);
  const name = uniqueName("anna");
  await dialog.getByLabel("Username").fill(name);
  await save.click();
  await expect(page.getByRole("alert")).toHaveText("Your profile is saved");
  await expect(save).toBeDisabled();
  await expect(save).toBeFocused();
  for (const own of [page, otherDevice]) {
    await expect(own.locator(".me-name")).toHaveText(name);
    await expect(portraits(own.locator(".me"))).toHaveCount(1);
  }

  const theirs = await enter(bob, { node: 1, room: direct });
  const item = theirs.locator(".side .item", { hasText: name });
  await expect(theirs.locator(".pane-title h1")).toHaveText(name);
  await expect(theirs.locator(".pane-title p")).toContainText("At lunch 🍜");
  for (const place of [theirs.locator(".pane-head"), item, theirs.locator(".row-avatar")]) {
    await expect(portraits(place)).toHaveCount(1);
  }
  const size = (image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight];
  expect(await portraits(item).evaluate(size), "a square of the shorter side").toEqual([80, 80]);
  await theirs.locator(".side .item", { hasText: "Painters" }).click();
  await expect(portraits(theirs.locator(".row-avatar"))).toHaveCount(1);
  await theirs.getByRole("button", { name: "Members" }).click();
  const member = theirs.locator(".member", { hasText: name });
  await expect(portraits(member)).toHaveCount(1);
  await expect(member).toContainText("At lunch 🍜");

  // What cannot be drawn leaves the initials.
  const broken = { status: 200, contentType: "text/plain", body: "no picture" };
  await theirs.route("**/uploads/images/*", (route) => route.fulfill(broken));
  await theirs.goto(`/chat?room=${direct}`);
  await expect(theirs.locator(".pane-title p")).toContainText("At lunch 🍜");
  await expect(theirs.locator(".avatar img")).toHaveCount(0);
  await expect(theirs.locator(".pane-head .avatar")).toContainText("A");
  await theirs.unroute("**/uploads/images/*");

  await dialog.getByRole("button", { name: "Remove picture" }).click();
  await dialog.getByLabel("Status").fill("");
  await save.click();
  await expect(portraits(otherDevice)).toHaveCount(0);
  await theirs.goto(`/chat?room=${direct}`);
  await expect(theirs.locator(".pane-title p")).toHaveText(/^(online|offline)$/);
  await expect(theirs.locator(".avatar img")).toHaveCount(0);
});

test("the part of a picture that is shown is chosen with the pointer and the keys", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice);
  // Red, green and blue from left to right.
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(300, 100);
    const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
    for (const [at, colour] of ["#f00", "#0f0", "#00f"].entries()) {
      context.fillStyle = colour;
      context.fillRect(at * 100, 0, 100, 100);
    }
    const blob = await canvas.convertToBlob({ type: "image/png" });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  await pick(page, /Account and settings/, "Account and security");
  const account = page.getByRole("dialog", { name: "Account and security" });
  const choose = (name: string) =>
    account
      .locator(".portrait input")
      .setInputFiles({ name, mimeType: "image/png", buffer: Buffer.from(bytes) });
  const area = page.locator(".crop-area");
  /** The colour in the middle of what is shown: of the area, or of the picture in the account. */
  const colour = (place: Locator) =>
    place.evaluate((element) => {
      const source = element as HTMLCanvasElement | HTMLImageElement;
      const canvas = new OffscreenCanvas(1, 1);
      const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
      const side = source instanceof HTMLImageElement ? source.naturalWidth : source.width;
      context.drawImage(source, side / 2, side / 2, 1, 1, 0, 0, 1, 1);
      const parts = [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
      return ["red", "green", "blue"][parts.indexOf(Math.max(...parts))];
    });
  await choose("three.png");
  await expect(area).toBeFocused();
  expect(await colour(area.locator("canvas"))).toBe("green");
  // The picture follows the pointer, so that what is left of it comes into view.
  const box = await area.boundingBox();
  if (!box) throw new Error("not drawn");
  await page.mouse.move(box.x + 20, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x + 280, box.y + 100, { steps: 4 });
  await page.mouse.up();
  expect(await colour(area.locator("canvas"))).toBe("red");
  await page.mouse.wheel(0, -600);
  await expect(page.getByRole("slider", { name: "Zoom" })).not.toHaveValue("1");
  await page.keyboard.press("Escape");
  await expect(area).toHaveCount(0);
  await expect(portraits(account)).toHaveCount(0);

  await choose("three.png");
  await expect(area).toBeFocused();
  for (let step = 0; step < 6; step += 1) await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("+");
  expect(await colour(area.locator("canvas"))).toBe("blue");
  await page.getByRole("button", { name: "Use this part" }).click();
  await expect(portraits(account)).toHaveCount(1);
  expect(await colour(portraits(account))).toBe("blue");
});

test("others see a new name, picture and status where they are", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const direct = await alice.direct(bob);
  const group = await alice.group(uniqueName("open"), bob);
  await alice.send(direct, "hello");
  const [heading, members] = [
    await enter(bob, { node: 1, room: direct }),
    await enter(bob, { node: 1, room: group }),
  ];
  await members.getByRole("button", { name: "Members" }).click();
  await expect(members.locator(".member", { hasText: alice.name })).toBeVisible();
  await expect(heading.locator(".pane-title h1")).toHaveText(alice.name);
  const name = uniqueName("anna");
  await alice.call("PATCH", "/api/v1/me", { username: name, status_text: "At lunch" });
  await expect(heading.locator(".pane-title h1")).toHaveText(name);
  await expect(heading.locator(".pane-title p")).toContainText("At lunch");
  await expect(heading.locator(".side .item", { hasText: name })).toBeVisible();
  await expect(members.locator(".member", { hasText: name })).toContainText("At lunch");
});
