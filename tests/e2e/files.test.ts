// Files that are no pictures: by button and drop, with a caption, cancelled, refused, and what others see.
import { composer, expect, newUsers, test, uniqueName } from "./fixtures";

const UPLOAD = "**/api/v1/upload/file?*";
const text = (name: string, content = "a text") => ({
  name,
  mimeType: "text/plain",
  buffer: Buffer.from(content),
});

test("files are sent with their name, size and caption, and open in every client", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("files"), bob);
  const here = await enter(alice, { room });
  const there = await enter(bob, { room, node: 1 });
  const [chooser] = await Promise.all([
    here.waitForEvent("filechooser"),
    here.getByRole("button", { name: "Attach a file" }).first().click(),
  ]);
  await chooser.setFiles([text("计划.txt", "x".repeat(2000)), text("notes.txt")]);
  const waiting = here.locator(".tray-item");
  await expect(waiting.first()).toContainText("计划.txt");
  await expect(waiting.first()).toContainText("2 kB");
  await composer(here).fill("for **Friday**");
  await here.getByRole("button", { name: "Send", exact: true }).click();
  await expect(waiting).toHaveCount(0);
  for (const page of [here, there]) {
    const cards = page.locator(".row[data-id] .card");
    await expect(cards).toHaveCount(2);
    await expect(cards.first()).toContainText("计划.txt");
    await expect(cards.first().locator("small")).toHaveText("TXT · 2 kB");
    // The caption is that of the last one.
    await expect(page.locator(".row").last().locator(".text strong")).toHaveText("Friday");
  }
  const address = await there.locator(".card").first().getAttribute("href");
  expect(await (await there.request.get(address ?? "")).text()).toBe("x".repeat(2000));
  // Clients of document 003 have the name where there is no caption.
  expect((await bob.messageTexts(room)).slice(-2)).toEqual(["计划.txt", "for **Friday**"]);
});

test("an upload of a file shows its progress, can be cancelled and tried again", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(alice, { room });
  const files = page.locator("input[type=file]").first();
  const send = async (name: string) => {
    await files.setInputFiles(text(name));
    await expect(page.locator(".tray-item")).toHaveCount(1);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  };
  await page.route(UPLOAD, () => {}); // never answered
  await send("a.txt");
  const card = page.locator(".card.is-uploading");
  await expect(card.getByRole("progressbar")).toBeVisible();
  await card.getByRole("button", { name: "Cancel upload" }).click();
  await expect(card).toHaveCount(0);

  await page.unroute(UPLOAD);
  await page.route(UPLOAD, (route) => route.abort(), { times: 1 });
  await send("b.txt");
  await expect(page.locator(".failed")).toContainText("Not sent");
  const height = (await page.locator(".bubble").last().boundingBox())?.height;
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator(".row[data-id] .card")).toHaveCount(1);
  expect((await page.locator(".bubble").last().boundingBox())?.height).toBe(height);

  // The server refuses a file that is a document only by name.
  await files.setInputFiles({ ...text("c.pdf"), mimeType: "application/pdf" });
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.locator(".failed")).toContainText("not a file of a type that can be sent");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.locator(".failed")).toHaveCount(0);

  await files.setInputFiles(Array.from({ length: 11 }, (_, at) => text(`${at}.txt`)));
  const toast = page.locator(".toast");
  await expect(toast).toHaveText("At most 10 files at once");
  // It hides nothing of what waits.
  const bottom = async () => toast.evaluate((box) => box.getBoundingClientRect().bottom);
  const tray = page.locator(".tray");
  await expect
    .poll(bottom)
    .toBeLessThanOrEqual(await tray.evaluate((box) => box.getBoundingClientRect().top));
});
