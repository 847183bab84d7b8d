// Pictures by button, paste and drop; cancelled and failed uploads.
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import {
  bubble,
  composer,
  expect,
  item,
  newUsers,
  picture,
  sendPicture,
  test,
  title,
  uniqueName,
  write,
} from "./fixtures";

const drawn = (page: Page) => page.locator(".picture:not(.is-uploading) img");
const UPLOAD = "**/api/v1/upload/image?*";

test("pictures are sent by button, paste and drop", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  const bytes = await picture(here);
  const [chooser] = await Promise.all([
    here.waitForEvent("filechooser"),
    here.getByRole("button", { name: "Attach a file" }).first().click(),
  ]);
  await chooser.setFiles({ name: "图.png", mimeType: "image/png", buffer: bytes });
  // It waits until it is sent.
  const waiting = here.locator(".tray-item");
  await expect(waiting.getByRole("img", { name: "图.png" })).toBeVisible();
  await here.getByRole("button", { name: "Send", exact: true }).click();
  await expect(waiting).toHaveCount(0);
  await expect(drawn(there)).toHaveCount(1);

  const transfer = await here.evaluateHandle(
    (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "p.png", { type: "image/png" }));
      return data;
    },
    [...bytes],
  );
  await here.locator(".composer textarea").evaluate((area, data) => {
    area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, transfer);
  await expect(waiting).toHaveCount(1);
  await composer(here).press("Enter");
  await expect(drawn(there)).toHaveCount(2);
  await here.locator(".pane").dispatchEvent("dragover", { dataTransfer: transfer });
  await expect(here.locator(".drop")).toBeVisible();
  await here.locator(".pane").dispatchEvent("drop", { dataTransfer: transfer });
  await expect(here.locator(".drop")).toHaveCount(0);
  await expect(waiting).toHaveCount(1);
  // One that misses the conversation does not replace the page.
  const isTaken = (element: Element, data: DataTransfer) => {
    const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    return !element.dispatchEvent(event);
  };
  expect(await here.locator(".side").evaluate(isTaken, transfer)).toBe(true);
  await expect(waiting).toHaveCount(1);
  await composer(here).press("Enter");
  for (const page of [here, there]) {
    await expect(drawn(page)).toHaveCount(3);
    for (const at of [0, 1, 2]) {
      const width = () =>
        drawn(page)
          .nth(at)
          .evaluate((image: HTMLImageElement) => image.naturalWidth);
      await expect.poll(width).toBe(120);
    }
  }
  await expect(drawn(there).first()).toHaveAttribute("referrerpolicy", "no-referrer");
  await expect(there.locator(".side .item.is-active")).toContainText("[Picture]");

  // Retries, as the list may still be scrolling to the end.
  await expect(async () => {
    await there.locator(".picture").first().click();
    await expect(there.getByRole("dialog").locator("img")).toBeVisible({ timeout: 2000 });
  }).toPass();
  await there.keyboard.press("Escape");
  await expect(there.getByRole("dialog")).toHaveCount(0);
});

test("pictures wait above the composer, with a caption, and can be taken out again", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const other = await alice.group(uniqueName("elsewhere"));
  const page = await enter(alice, { room });
  const there = await enter(bob, { node: 1, room });
  const file = async (name: string) => ({ name, mimeType: "image/png", buffer: await picture(page) });
  const waiting = page.locator(".tray-item");
  await page
    .locator("input[type=file]")
    .setInputFiles([await file("one.png"), await file("two.png"), await file("three.png")]);
  await expect(waiting).toHaveCount(3);
  await expect(composer(page)).toBeFocused();
  await expect(composer(page)).toHaveAttribute("placeholder", "Add a caption");
  await page.getByRole("button", { name: "Remove two.png" }).click();
  await expect(waiting.getByRole("img")).toHaveCount(2);
  await expect(composer(page)).toBeFocused();
  // They stay with their conversation.
  await item(page, "elsewhere").click();
  await expect(title(page)).toContainText("elsewhere");
  await expect(waiting).toHaveCount(0);
  await item(page, bob.name).click();
  await expect(waiting).toHaveCount(2);
  await composer(page).fill("what we saw");
  await composer(page).press("Enter");
  await expect(waiting).toHaveCount(0);
  for (const side of [page, there]) {
    await expect(drawn(side)).toHaveCount(2);
    await expect(side.locator(".row").last()).toContainText("what we saw");
    await expect(side.locator(".row").last().locator(".picture img")).toBeVisible();
  }
  await expect(composer(page)).toHaveValue("");
  await expect(item(there, alice.name)).toContainText("[Picture] what we saw");
  expect(other).toBeGreaterThan(0);
});

test("pictures that are sent together stand side by side, and stay messages of their own", async ({
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  const wide = await enter(bob, { node: 1, room });
  const phone = await enter(bob, { node: 1, room, viewport: { width: 390, height: 844 } });
  const buffer = await picture(page);
  const names = ["one.png", "two.png", "three.png", "four.png"];
  const files = names.map((name) => ({ name, mimeType: "image/png", buffer }));
  await page.locator("input[type=file]").setInputFiles(files);
  await expect(page.locator(".tray-item")).toHaveCount(4);
  await composer(page).press("Enter");
  await write(page, "and a text");
  const cells = (side: Page) => side.locator(".picture-grid .row");
  for (const side of [page, wide, phone]) {
    await expect(cells(side)).toHaveCount(4);
    const boxes = await Promise.all([0, 1, 2, 3].map((at) => cells(side).nth(at).boundingBox()));
    const [first, second, third] = boxes;
    expect(second?.y).toBe(first?.y);
    expect(third?.x).toBe(first?.x);
    expect(third?.y).toBeGreaterThan((first?.y ?? 0) + 80);
    const isWider = () => document.documentElement.scrollWidth > innerWidth;
    expect(await side.evaluate(isWider)).toBe(false);
    // None is cropped.
    const fits = await side
      .locator(".picture-grid img")
      .evaluateAll((all) => all.map((image) => getComputedStyle(image).objectFit));
    expect(new Set(fits)).toEqual(new Set(["scale-down"]));
  }
  // The keys lead from each to the next, and so does the enlarged one.
  await bubble(wide, "and a text").click();
  await wide.locator(".row").last().focus();
  await wide.keyboard.press("ArrowUp");
  await expect(cells(wide).nth(3)).toBeFocused();
  await wide.keyboard.press("ArrowUp");
  await expect(cells(wide).nth(2)).toBeFocused();
  await cells(phone).nth(1).locator(".picture").click();
  await expect(phone.locator(".lightbox-count")).toHaveText("2 / 4");
  await phone.keyboard.press("ArrowRight");
  await expect(phone.locator(".lightbox-count")).toHaveText("3 / 4");
  await phone.keyboard.press("Escape");

  await cells(wide).nth(1).hover();
  await cells(wide).nth(1).getByRole("button", { name: "React" }).click();
  await cells(wide).nth(1).getByRole("button", { name: "React with 👍" }).click();
  for (const side of [page, wide, phone]) {
    await expect(cells(side).nth(1).locator(".reaction")).toHaveCount(1);
    await expect(side.locator(".reaction")).toHaveCount(1);
  }
  const [gone, next] = await cells(page).evaluateAll((all) => all.map((row) => row.getAttribute("data-id")));
  await cells(page).first().hover();
  await cells(page).first().getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const side of [page, wide, phone]) {
    await expect(cells(side)).toHaveCount(3);
    await expect(side.locator(`[data-id="${gone}"]`)).toHaveCount(0);
    await expect(cells(side).first()).toHaveAttribute("data-id", next ?? "");
  }
  const { violations } = await new AxeBuilder({ page: wide }).include(".history").analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
});

for (const isKnown of [true, false]) {
  test(`a picture keeps its proportions, ${isKnown ? "in the page that sent it" : "where its size is unknown"}`, async ({
    enter,
  }) => {
    const [alice, bob] = await newUsers("alice", "bob");
    const room = await alice.direct(bob);
    const page = await enter(alice, { room });
    const wide = await page.screenshot({ clip: { x: 0, y: 0, width: 600, height: 100 } });
    await sendPicture(page, wide);
    const row = page.locator(".row").last();
    await expect(row.locator("[data-state=sent], [data-state=delivered]")).toBeVisible();
    const side = isKnown ? page : await enter(bob, { node: 1, room });
    const image = side.locator(".picture:not(.is-uploading) img");
    await expect(image).toHaveCount(1);
    await expect.poll(() => image.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(600);
    expect(await image.evaluate((it) => getComputedStyle(it).objectFit)).toBe("scale-down");
    const { width = 0, height = 0 } = (await side.locator(".picture").boundingBox()) ?? {};
    if (isKnown) expect(Math.abs(width / height - 6)).toBeLessThan(0.6);
    else expect([width, height]).toEqual([280, 200]);
  });
}

test("a text that is pasted with a picture of it is pasted, and no picture is sent", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room, permissions: ["clipboard-read", "clipboard-write"] });
  const bytes = [...(await picture(page))];
  await composer(page).fill("The sums: ");
  await page.evaluate(async (bytes) => {
    const of = (type: string, content: BlobPart) => new Blob([content], { type });
    const parts = {
      "text/plain": of("text/plain", "1\t2"),
      "image/png": of("image/png", new Uint8Array(bytes)),
    };
    await navigator.clipboard.write([new ClipboardItem(parts)]);
  }, bytes);
  await composer(page).press("Control+v");
  await expect(composer(page)).toHaveValue("The sums: 1\t2");
  await composer(page).press("Enter");
  await expect(bubble(page, "The sums")).toBeVisible();
  await expect(page.locator(".picture")).toHaveCount(0);
  await expect.poll(() => alice.messageTexts(room)).toEqual(["The sums: 1\t2"]);
});

test("uploads of other clients are drawn as they arrive", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { node: 1, room });
  const bytes = await page.screenshot({ type: "jpeg", clip: { x: 0, y: 0, width: 120, height: 80 } });
  await alice.picture(room, bytes);
  await alice.upload(room, "picture.jpg", bytes);
  await alice.upload(room, "notes.txt", "a text");
  const card = page.locator(".card", { hasText: "notes.txt" });
  const shown = async () => {
    await expect(drawn(page)).toHaveCount(2);
    for (const at of [0, 1]) {
      const width = (image: HTMLImageElement) => image.naturalWidth;
      await expect.poll(() => drawn(page).nth(at).evaluate(width)).toBe(120);
    }
    const address = (await card.getAttribute("href")) ?? "";
    expect(await page.evaluate(async (address) => (await fetch(address)).text(), address)).toBe("a text");
  };
  await shown();
  await page.reload();
  await shown();
});

test("an upload shows its progress, can be cancelled, and retried after a failure", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  const files = page.locator("input[type=file]");
  const buffer = await picture(page);

  await page.route(UPLOAD, () => {}); // never answered
  await sendPicture(page, buffer);
  await expect(page.getByRole("progressbar")).toBeVisible();
  await page.getByRole("button", { name: "Cancel upload" }).click();
  await expect(page.locator(".picture")).toHaveCount(0);

  await page.unroute(UPLOAD);
  await page.route(UPLOAD, (route) => route.abort(), { times: 1 });
  await sendPicture(page, buffer);
  await expect(page.locator(".failed")).toContainText("Not sent");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(drawn(page)).toHaveCount(1);
  await expect(page.locator(".failed")).toHaveCount(0);

  await files.setInputFiles({ name: "a.zip", mimeType: "application/zip", buffer: Buffer.from("x") });
  await expect(page.getByText("Only pictures, PDF, text, Word and Excel files")).toBeVisible();
  // The server refuses a file that is a picture only by name.
  await sendPicture(page, Buffer.from("no picture"));
  await expect(page.locator(".failed")).toContainText("Only JPEG, PNG, GIF and WebP");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.locator(".failed")).toHaveCount(0);
  expect(await alice.messageTexts(room)).toHaveLength(1);
});

test("pictures are drawn in their size and rotation after they lost their metadata", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice);
  const read = (name: string) => readFileSync(new URL(`../pictures/${name}`, import.meta.url));
  const photo = read("photo.jpg");
  const drawings: [string, Uint8Array<ArrayBuffer>, string][] = [
    // Turned by a quarter.
    ["photo.jpg", photo, "16 × 24"],
    ["animated.png", read("animated.png"), "16 × 24"],
    ["still.png", read("still.png"), "24 × 16"],
    ["still.webp", read("still.webp"), "24 × 16"],
    ["lossless.webp", read("lossless.webp"), "24 × 16"],
    ["animated.webp", read("animated.webp"), "24 × 16"],
    ["animated.gif", read("animated.gif"), "4 × 4"],
    // Without its end, and under names that say nothing.
    ["blob", photo.subarray(0, photo.lastIndexOf("\xff\xd9", undefined, "latin1")), "16 × 24"],
    ["image.jfif", read("animated.gif").subarray(0, -1 - "GPSSECRET".length), "4 × 4"],
  ];
  for (const [name, bytes, size] of drawings) {
    const form = new FormData();
    form.append("image", new Blob([bytes]), name);
    const { url } = await alice.call<{ url: string }>("POST", "/api/v1/upload/image", form);
    const drawn = await page.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return `${image.naturalWidth} × ${image.naturalHeight}`;
    }, url);
    expect(drawn, name).toBe(size);

    // What a message tells of the size, so that clients reserve room for it, is what is drawn.
    const file = new FormData();
    file.append("room_id", "global");
    file.append("file", new Blob([bytes]), name);
    await alice.call("POST", "/api/chat/upload", file);
    const [room] = await alice.call<{ last_message: { file_pixels: number[] } }[]>(
      "GET",
      "/api/v1/conversations",
    );
    expect(room?.last_message.file_pixels.join(" × "), name).toBe(size);
  }
});
