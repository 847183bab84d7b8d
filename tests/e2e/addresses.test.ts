// Addresses in messages: links, and what other hosts would learn or pretend.
import { bubble, expect, newUsers, picture, test } from "./fixtures";

test("links end where the sentence goes on, and name the host that they lead to", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(
    room,
    "看https://example.org/Rust_(programming_language)这个, www.example.org or me@example.org",
  );
  await alice.send(room, "https://bank.example@evil.example/x");
  const page = await enter(bob, { node: 1, room });
  const links = bubble(page, "Rust").locator("a");
  await expect(links).toHaveText([
    "https://example.org/Rust_(programming_language)",
    "www.example.org",
    "me@example.org",
  ]);
  await expect(links.nth(2)).toHaveAttribute("href", "mailto:me@example.org");
  const evil = page.locator(".text a", { hasText: "bank.example" });
  await expect(evil).toHaveAccessibleName(/\(evil\.example\)$/);
  expect(await evil.evaluate((link) => getComputedStyle(link, "::after").content)).toContain("(");
});

test("a picture of another host is loaded when it is wanted", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { node: 1, room });
  const body = await picture(page);
  const asked: string[] = [];
  await page.route(/\.example\//, (route) => {
    asked.push(route.request().url());
    return route.fulfill({ body, contentType: "image/png" });
  });
  const drawn = page.locator(".picture img");
  const held = page.locator("button.picture", { hasText: "Picture from" });
  await alice.send(room, "https://one.example/a.png", "image");
  await alice.send(room, "https://two.example/b.png", "image");
  await expect(held).toHaveCount(2);
  const first = page.locator(".picture").first();
  const size = () => first.evaluate(({ clientWidth, clientHeight }) => [clientWidth, clientHeight]);
  const before = await size();
  expect(asked).toEqual([]);
  await held.filter({ hasText: "one.example" }).press("Enter");
  await expect(drawn).toHaveCount(1);
  expect(await size()).toEqual(before);

  // The choice is kept for the host, and for no other.
  await page.reload();
  await alice.send(room, "https://one.example/c.png", "image");
  await expect(drawn).toHaveCount(2);
  await expect(held).toHaveCount(1);
  expect(asked.filter((url) => url.includes("two.example"))).toEqual([]);

  // The setting loads all of them.
  await page.getByRole("button", { name: /Account and settings/ }).click();
  await page.getByRole("switch", { name: "Outside pictures" }).click();
  await expect(drawn).toHaveCount(3);
  await expect(held).toHaveCount(0);
});

test("a file names its host, and its name cannot hide its end", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "https://files.example/photo%E2%80%AEgnp.exe", "file");
  await alice.upload(room, "own.txt", "a text");
  const page = await enter(bob, { node: 1, room });
  const foreign = page.locator(".card", { hasText: "files.example" });
  await expect(foreign.locator(".card-name")).toHaveText("photognp.exe");
  await expect(foreign).toHaveAccessibleName("Open photognp.exe, files.example");
  await expect(page.locator(".card", { hasText: "own.txt" }).locator("small")).not.toContainText("127.0.0.1");
});
