// Injection: texts of users are never markup, wherever they are shown.
import type { Page } from "@playwright/test";
import {
  bubble,
  composer,
  expect,
  forEach,
  item,
  newUsers,
  plainPage,
  results,
  sendAll,
  test,
  title,
  User,
  uniqueName,
} from "./fixtures";
import { names, payloads } from "./payloads";

/** Elements that the client does not draw, and elements that would run something. */
async function unexpectedElements(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const expected =
      /^(article|aside|bdi|button|div|h1|h2|header|img|input|li|main|nav|p|path|section|small|span|svg|textarea|time|ul|form|a|fieldset|legend|hr|mark|b|i|dialog|strong|em|s|code|pre|blockquote|ol)$/;
    const bad = [...document.querySelectorAll("#app *")].filter((element) => {
      const runs = [...element.attributes].some(({ name }) => /^on|^srcdoc$/i.test(name));
      const link = element instanceof HTMLAnchorElement && !/^(https?|mailto):$/.test(element.protocol);
      return runs || link || !expected.test(element.tagName.toLowerCase());
    });
    // Injected images and frames would request this address.
    const requested = performance
      .getEntriesByType("resource")
      .filter(({ name }) => /\/x$/.test(new URL(name).pathname));
    const outside = [...document.querySelectorAll("body > :not(#app, noscript)")];
    return [...bad, ...outside].map(({ outerHTML }) => outerHTML).concat(requested.map(({ name }) => name));
  });
}

/** What the client draws in the text of a message, and the attributes that each of these has. */
const DRAWN_IN_TEXTS: Record<string, string[]> = {
  a: ["href", "data-host", "target", "rel"],
  bdi: ["class", "data-number"],
  blockquote: ["dir"],
  button: ["type", "class", "aria-label", "title"],
  code: [],
  div: ["class"],
  em: [],
  li: ["value"],
  ol: ["dir"],
  p: ["dir"],
  path: ["d"],
  pre: ["dir"],
  s: [],
  span: ["class"],
  strong: [],
  svg: ["class", "width", "height", "viewBox", "aria-hidden"],
  ul: ["dir"],
};

/** Elements in the texts of messages that the formatting does not have, and those with an attribute too many. */
async function unexpectedInTexts(page: Page): Promise<string[]> {
  return page.evaluate((drawn) => {
    const bad = [...document.querySelectorAll(".text *")].filter((element) => {
      const known = drawn[element.tagName.toLowerCase()];
      return !known || [...element.attributes].some(({ name }) => !known.includes(name));
    });
    return bad.map(({ outerHTML }) => outerHTML);
  }, DRAWN_IN_TEXTS);
}

/** Scrolls from the end of the open room to its beginning and reads the texts that match a selector, one per message, in order. */
async function readAll(page: Page, selector: string): Promise<string[]> {
  const found = await page.locator(".rows").evaluate(async (box, selector) => {
    const seen = new Map<number, string>();
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    // The room may have been opened at its first unread message.
    do {
      box.scrollTop = box.scrollHeight;
      await frame();
      await frame();
    } while (box.scrollTop + box.clientHeight < box.scrollHeight - 1);
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

test("no message is markup and no address runs anything", async ({ browser, contexts, enter }) => {
  test.setTimeout(90_000);
  expect(payloads.length).toBeGreaterThanOrEqual(200);
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("messages"), bob);
  const page = await enter(bob, { room });
  // Once as events, once from the history.
  await sendAll(await plainPage(browser, contexts), alice, room, payloads);
  await expect(bubble(page, payloads.at(-1) ?? "")).toBeVisible();
  expect(await unexpectedElements(page)).toEqual([]);
  await page.reload();
  await expect(bubble(page, payloads.at(-1) ?? "")).toBeVisible();
  expect(await readAll(page, ".text")).toEqual(payloads);
  expect(await unexpectedElements(page)).toEqual([]);
  expect(await unexpectedInTexts(page)).toEqual([]);

  // Also as addresses of pictures and files, and in drafts, quotes and search results.
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
  await expect(results(page, "Messages").first()).toContainText("onerror");
  expect(await unexpectedElements(page)).toEqual([]);
});

/** The ways to format a text, with the element that then has it. */
const FORMATS: [format: (text: string) => string, element: string][] = [
  [(text) => `**${text}**`, "strong"],
  [(text) => `*${text}*`, "em"],
  [(text) => `_${text}_`, "em"],
  [(text) => `~~${text}~~`, "s"],
  [(text) => `\`${text}\``, "code"],
  [(text) => `\`\`\`\n${text}\n\`\`\``, "pre"],
  [(text) => `\`\`\`html\n${text}\n\`\`\``, "pre"],
  [(text) => `> ${text}`, "blockquote"],
  [(text) => `- ${text}`, "ul > li"],
  [(text) => `1. ${text}`, "ol > li"],
  [(text) => `> - **${text}**`, "blockquote strong"],
];

test("no formatted message is markup, and only the elements of formatting appear", async ({
  browser,
  contexts,
  enter,
}) => {
  test.setTimeout(90_000);
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("formatted"), bob);
  const page = await enter(bob, { room });
  const evil = [
    '<img src=x onerror="hit=1">',
    "<script>hit=1</script>",
    "<svg/onload=hit=1>",
    "</code></pre><iframe srcdoc='<script>parent.hit=1</script>'>",
    '"><a href=javascript:hit=1>x</a>',
    "&lt;script&gt;hit=1&lt;/script&gt;",
    "x\u202e<u>",
  ];
  const plain = await plainPage(browser, contexts);
  for (const [format, element] of FORMATS) {
    await sendAll(plain, alice, room, evil.map(format));
    const drawn = page.locator(".row").last().locator(`.text ${element}`);
    await expect(drawn).toHaveText(evil.at(-1) ?? "");
    const texts = page.locator(`.text ${element}`);
    for (const text of evil) await expect(texts.filter({ hasText: text }).first()).toBeVisible();
    expect(await unexpectedInTexts(page)).toEqual([]);
    expect(await unexpectedElements(page)).toEqual([]);
  }
  // A picture and a link of Markdown are none here.
  const markdown = ["[x](javascript:hit=1)", "![x](/x)", "<https://a.example>", "[x]: javascript:hit=1"];
  await sendAll(plain, alice, room, markdown);
  await expect(page.locator(".text").filter({ hasText: "[x]: javascript:hit=1" })).toBeVisible();
  expect(await unexpectedInTexts(page)).toEqual([]);
  await sendAll(plain, alice, room, ["*".repeat(5000), `${">".repeat(99)} `.repeat(50)]);
  await expect(page.locator(".text").last()).toContainText(">".repeat(90));
  expect(await unexpectedInTexts(page)).toEqual([]);
  expect(await unexpectedElements(page)).toEqual([]);
});

test("no name of a user or a room is markup", async ({ browser, contexts, enter }) => {
  test.setTimeout(90_000);
  const wanted = names(uniqueName("").slice(-5));
  expect(wanted.length).toBeGreaterThanOrEqual(200);
  const [bob] = await newUsers("bob");
  const users: User[] = [];
  await forEach(wanted, async (name) => users.push(await User.named(name)));

  // Each user writes to Bob and to a group of all.
  const [first, ...others] = users as [User, ...User[]];
  const group = await first.group(uniqueName("names"), bob);
  await forEach(others, ({ name }) =>
    first.call("POST", `/api/v1/rooms/${group}/members`, { username: name }),
  );
  await first.textIdOf(group);
  const group_id = await first.textIdOf(group);
  await forEach(users, async (user) => {
    await user.call("POST", "/api/v1/chat/message", { type: "text", content: `I am ${user.name}`, group_id });
    await user.send(await user.direct(bob), `hello from ${user.name}`);
  });
  // Rooms with such names, but for those with characters that reorder text, which are refused.
  const rooms = payloads.filter((name) => !/[\p{Cc}\u202e]/u.test(name) && name.trim() === name);
  expect(rooms.length).toBeGreaterThanOrEqual(200);
  await forEach(rooms, (name) => first.group(name, bob));

  const page = await enter(bob, { room: group });
  await expect(page.locator(".side .item")).toHaveCount(users.length + rooms.length + 2);
  const shown = await page.locator(".side .item-name").allTextContents();
  for (const name of [...wanted, ...rooms]) expect(shown).toContain(name);
  expect(await unexpectedElements(page)).toEqual([]);
  await page.getByRole("button", { name: "Members" }).click();
  await expect(page.locator(".member")).toHaveCount(users.length + 1);
  const listed = await page.locator(".member-name bdi").allTextContents();
  expect([...listed].sort()).toEqual([...wanted, bob.name].sort());
  expect(await unexpectedElements(page)).toEqual([]);
  await page.keyboard.press("Escape");
  expect((await readAll(page, ".row-name")).sort()).toEqual([...wanted].sort());
  expect(await unexpectedElements(page)).toEqual([]);

  // Also as a title, in the typing indicator, in notifications and in search results.
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
  const stranger = await User.named(`<u onerror=hit=${uniqueName("").slice(-8)}>`);
  await page.getByRole("searchbox", { name: "Search" }).fill("<u");
  await expect(results(page, "Users").filter({ hasText: stranger.name })).toBeVisible();
  expect(await unexpectedElements(page)).toEqual([]);
});

test("no name of a file is markup", async ({ enter }) => {
  test.setTimeout(90_000);
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("files"), bob);
  // File names are no paths, forms escape double quotes, and the server undoes percent encoding.
  const good = payloads.filter((name) => !/[/\\%\p{Cc}]/u.test(name));
  const sent = good.map((name) => `${name.replaceAll('"', "'")}.txt`);
  expect(sent.length).toBeGreaterThanOrEqual(200);
  await forEach(sent, (name) => alice.upload(room, name, "a text"));
  await alice.send(room, "all are there");
  const page = await enter(bob, { room });
  await expect(bubble(page, "all are there")).toBeVisible();
  const shown = await readAll(page, ".card-name");
  expect(shown.sort()).toEqual(sent.sort());
  expect(await unexpectedElements(page)).toEqual([]);
});
