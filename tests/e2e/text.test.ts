// Whatever users write is text, wherever it is shown.
import type { Page } from "@playwright/test";
import { names, payloads } from "./payloads";
import {
  bubble,
  composer,
  expect,
  forEach,
  found,
  fresh,
  item,
  people,
  plainPage,
  sendAll,
  test,
  title,
  User,
} from "./world";

/** Elements within what users write that the client does not draw, and those that would run something. */
async function foreign(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const ours =
      /^(article|aside|bdi|button|div|h1|h2|header|img|input|li|main|nav|p|path|section|small|span|svg|textarea|time|ul|form|a|fieldset|legend|hr|mark|b|i|dialog)$/;
    const bad = [...document.querySelectorAll("#app *")].filter((it) => {
      const runs = [...it.attributes].some((at) => /^on/i.test(at.name) || /^srcdoc$/i.test(at.name));
      const link = it instanceof HTMLAnchorElement && !/^https?:$/.test(it.protocol);
      return runs || link || !ours.test(it.tagName.toLowerCase());
    });
    // An image or frame of theirs would have asked for this.
    const asked = performance
      .getEntriesByType("resource")
      .filter((it) => /\/x$/.test(new URL(it.name).pathname));
    const beside = [...document.querySelectorAll("body > :not(#app, noscript)")];
    return [...bad, ...beside].map((it) => it.outerHTML).concat(asked.map((it) => it.name));
  });
}

/** Everything in the open room that a selector finds, from the newest row up to the first: by message, in order. */
async function readAll(page: Page, selector: string): Promise<string[]> {
  const found = await page.locator(".rows").evaluate(async (box, selector) => {
    const seen = new Map<number, string>();
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    const isAtBeginning = () => box.scrollTop <= 0 && document.querySelector(".beginning") !== null;
    for (let rest = 0; rest < 10; rest = isAtBeginning() ? rest + 1 : 0) {
      for (const row of box.querySelectorAll<HTMLElement>("[data-id]")) {
        const text = row.querySelector(selector);
        if (text) seen.set(Number(row.dataset.id), text.textContent ?? "");
      }
      box.scrollTop -= 400;
      await frame();
      await frame();
    }
    return [...seen].sort(([a], [b]) => a - b);
  }, selector);
  return found.map(([, text]) => text);
}

test("no message is markup, and no address runs anything", async ({ browser, contexts, enter }) => {
  test.setTimeout(90_000);
  expect(payloads.length).toBeGreaterThanOrEqual(200);
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.group(fresh("messages"), bob);
  const page = await enter(bob, { room });
  // As they come in, and then out of the history.
  await sendAll(await plainPage(browser, contexts), alice, room, payloads);
  await expect(bubble(page, payloads.at(-1) ?? "")).toBeVisible();
  expect(await foreign(page)).toEqual([]);
  await page.reload();
  await expect(bubble(page, payloads.at(-1) ?? "")).toBeVisible();
  expect(await readAll(page, ".text")).toEqual(payloads);
  expect(await foreign(page)).toEqual([]);

  // As pictures and files they are no addresses, or only broken ones; as drafts, quotes and finds they are text.
  await forEach(payloads.slice(0, 40), (text) => alice.send(room, text, "image"));
  await forEach(payloads.slice(0, 40), (text) => alice.send(room, text, "file"));
  const last = '<img src=x onerror="hit=1">';
  await alice.send(room, last);
  await expect(item(page, "messages").locator(".item-last")).toContainText(last);
  await page.goto(`/chat?room=${room}`);
  await bubble(page, last).hover();
  await page.getByRole("button", { name: "Reply" }).click();
  await expect(page.locator(".replying")).toContainText(last);
  await composer(page).fill(last);
  await composer(page).press("Enter");
  await expect(page.locator(".quote")).toContainText(last);
  await page.getByRole("searchbox", { name: "Search" }).fill("onerror");
  await expect(found(page, "Messages").first()).toContainText("onerror");
  expect(await foreign(page)).toEqual([]);
});

test("no name of a user or a room is markup", async ({ browser, contexts, enter }) => {
  test.setTimeout(90_000);
  const wanted = names(fresh("").slice(-5));
  expect(wanted.length).toBeGreaterThanOrEqual(200);
  const [bob] = await people("bob");
  const users: User[] = [];
  await forEach(wanted, async (name) => users.push(await User.named(name)));

  // Each writes privately, and into a group that all are in.
  const [first, ...others] = users as [User, ...User[]];
  const group = await first.group(fresh("names"), bob);
  await forEach(others, (it) => first.call("POST", `/api/v1/rooms/${group}/members`, { username: it.name }));
  await first.textOf(group);
  const group_id = await first.textOf(group);
  await forEach(users, async (it) => {
    await it.call("POST", "/api/v1/chat/message", { type: "text", content: `I am ${it.name}`, group_id });
    await it.send(await it.direct(bob), `hello from ${it.name}`);
  });
  // Rooms under such names.
  const rooms = payloads.filter((name) => !/\p{Cc}/u.test(name) && name.trim() === name);
  expect(rooms.length).toBeGreaterThanOrEqual(200);
  await forEach(rooms, (name) => first.group(name, bob));

  const page = await enter(bob, { room: group });
  await expect(page.locator(".side .item")).toHaveCount(users.length + rooms.length + 2);
  const shown = await page.locator(".side .item-name").allTextContents();
  for (const name of [...wanted, ...rooms]) expect(shown).toContain(name);
  expect(await foreign(page)).toEqual([]);
  await page.getByRole("button", { name: "Members" }).click();
  await expect(page.locator(".member")).toHaveCount(users.length + 1);
  const listed = await page.locator(".member-name bdi").allTextContents();
  expect([...listed].sort()).toEqual([...wanted, bob.name].sort());
  expect(await foreign(page)).toEqual([]);
  await page.keyboard.press("Escape");
  expect((await readAll(page, ".row-name")).sort()).toEqual([...wanted].sort());
  expect(await foreign(page)).toEqual([]);

  // As a title, as someone who types, in a notice and in what is found.
  const evil = first.name;
  await item(page, evil).first().click();
  await expect(title(page)).toHaveText(evil);
  const typist = await plainPage(browser, contexts);
  await typist.evaluate(
    ({ token, room }) => {
      const socket = new WebSocket(`ws://${location.host}/ws?ext=1&token=${token}`);
      socket.onopen = () => socket.send(JSON.stringify({ type: "typing", payload: { room_id: room } }));
    },
    { token: first.token, room: await first.direct(bob) },
  );
  await expect(page.locator(".typing")).toContainText(`${evil} is typing`);
  await expect(page).toHaveTitle(/Chinwag$/);
  const stranger = await User.named(`<u onerror=hit=${fresh("").slice(-8)}>`);
  await page.getByRole("searchbox", { name: "Search" }).fill("<u");
  await expect(found(page, "Users").filter({ hasText: stranger.name })).toBeVisible();
  expect(await foreign(page)).toEqual([]);
});

test("no name of a file is markup", async ({ enter }) => {
  test.setTimeout(90_000);
  const [alice, bob] = await people("alice", "bob");
  const room = await alice.group(fresh("files"), bob);
  // A name is no path; forms escape double quotes.
  const good = payloads.filter((name) => !/[/\\\p{Cc}]/u.test(name));
  const sent = good.map((name) => `${name.replaceAll('"', "'")}.txt`);
  expect(sent.length).toBeGreaterThanOrEqual(200);
  await forEach(sent, (name) => alice.upload(room, name, "a text"));
  await alice.send(room, "all are there");
  const page = await enter(bob, { room });
  await expect(bubble(page, "all are there")).toBeVisible();
  const shown = await readAll(page, ".card-name");
  expect(shown.sort()).toEqual(sent.sort());
  expect(await foreign(page)).toEqual([]);
});
