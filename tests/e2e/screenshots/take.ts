// Takes the pictures, of a place with a little life in it.
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { BrowserContextOptions, Page } from "@playwright/test";
import { operate } from "../servers";
import { expect, item, nodes, plainPage, test, title, User } from "../world";
import { type Cast, chinese, english } from "./content";
import { landscapes } from "./landscapes";
import { busyHour } from "./metrics";

const folder = resolve(import.meta.dirname, "../../../target/screenshots");
const docs = resolve(import.meta.dirname, "../../../docs/images");
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};
mkdirSync(folder, { recursive: true });

test.describe.configure({ mode: "parallel" });

for (const cast of [english, chinese]) {
  test(`pictures in ${cast.locale}`, async ({ browser, contexts, enter, visit }) => {
    const painter = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    const pictures: Buffer[] = [];
    for (const landscape of landscapes) {
      await painter.setContent(`<style>body{margin:0}</style>${landscape}`);
      pictures.push(await painter.screenshot({ type: "jpeg", quality: 85 }));
    }
    const place = await furnish(cast, pictures);
    const plain = await plainPage(browser, contexts, 1);
    await plain.evaluate(
      (tokens) =>
        Promise.all(
          tokens.map(
            (token) =>
              new Promise((open) => {
                const socket = new WebSocket(`ws://${location.host}/ws?ext=1&token=${token}`);
                socket.onopen = open;
                Object.assign(window, { [token]: socket });
              }),
          ),
        ),
      place.others.slice(0, 4).map((it) => it.token),
    );
    const types = () =>
      plain.evaluate(
        ({ token, room }) => {
          const socket = (window as unknown as Record<string, WebSocket>)[token];
          socket?.send(JSON.stringify({ type: "typing", payload: { room_id: room } }));
        },
        { token: place.typist.token, room: place.group },
      );

    for (const colorScheme of ["light", "dark"] as const) {
      const look = { colorScheme, locale: cast.locale, reducedMotion: "reduce" } as const;
      const lang = cast.locale.slice(0, 2);
      const take = async (page: Page, name: string) => {
        await settled(page);
        const png = await page.screenshot({ path: `${folder}/${name}-${lang}-${colorScheme}.png` });
        if (process.env.SCREENSHOTS_DOCS) await keepSmall(painter, png, `${name}-${lang}-${colorScheme}`);
      };
      const out = await visit("/login", look);
      await expect(out.getByRole("main")).toBeVisible();
      await take(out, "login");

      const page = await enter(place.me, { ...look, room: place.direct });
      await take(page, "chat");
      await item(page, cast.group).click();
      await expect(title(page)).toHaveText(cast.group);
      await expect(page.locator(".picture img")).toHaveCount(2);
      await page.getByRole("button", { name: cast.words.members }).click();
      await expect(page.locator(".member")).toHaveCount(cast.others.length + 1);
      await types();
      await expect(page.locator(".typing")).not.toBeEmpty();
      await page.locator(".composer textarea").blur();
      await take(page, "group");

      const phone = await enter(place.me, { ...look, ...PHONE });
      await take(phone, "phone-list");
      await item(phone, cast.group).tap();
      await expect(phone.locator(".picture img")).toHaveCount(2);
      await take(phone, "phone");

      if (await hasDashboard()) {
        await operate("user", "promote", place.me.name);
        const board = await enter(place.me, look);
        const rooms = [cast.group, ...cast.more.filter((it) => it.isGroup).map((it) => it.name)];
        await board.route("**/dashboard/figures?*", async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, json: busyHour(await answer.json(), rooms) });
        });
        await board.goto("/dashboard");
        await expect(board.locator("canvas").first()).toBeVisible();
        await take(board, "dashboard");
      }
    }
    await painter.close();
  });
}

/** Fonts and pictures are there, and the end is in view. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.evaluate(async () => {
    await document.fonts.ready;
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    for (let still = 0, last = ""; still < 20; still += 1) {
      await frame();
      const box = document.querySelector(".rows");
      const now = `${box?.scrollTop} ${box?.scrollHeight} ${document.images.length}`;
      const isLoaded = [...document.images].every((it) => it.complete);
      if (now !== last || !isLoaded) still = 0;
      last = now;
    }
  });
}

async function hasDashboard(): Promise<boolean> {
  return (await fetch(`${nodes()[0]}/dashboard/figures?range=1h`)).status === 401;
}

/** What the README shows of them: few, and small. */
const SHOWN = ["chat-en-light", "group-zh-dark", "phone-en-light", "dashboard-en-dark"];
const MOST_BYTES = 120_000;

async function keepSmall(painter: Page, png: Buffer, name: string): Promise<void> {
  if (!SHOWN.includes(name)) return;
  mkdirSync(docs, { recursive: true });
  await painter.setContent("<img>");
  const webp = await painter.evaluate(async (base64) => {
    const image = document.images[0] as HTMLImageElement;
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d")?.drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.85).split(",", 2)[1] ?? "";
  }, png.toString("base64"));
  const bytes = Buffer.from(webp, "base64");
  expect(bytes.length).toBeLessThanOrEqual(MOST_BYTES);
  writeFileSync(`${docs}/${name.split("-")[0]}.webp`, bytes);
}

interface Place {
  me: User;
  others: User[];
  typist: User;
  group: number;
  direct: number;
}

/** Says everything that there is to see, oldest first. */
async function furnish(cast: Cast, pictures: Buffer[]): Promise<Place> {
  const users = new Map<string, User>();
  for (const name of [cast.me, ...cast.others]) users.set(name, await User.named(name));
  const user = (name: string) => users.get(name) as User;
  const me = user(cast.me);
  const others = cast.others.map(user);
  const say = async (room: number, said: [string, string][]) => {
    for (const [who, text] of said) await user(who).send(room, text);
  };
  const read = async (reader: User, room: number) => {
    await reader.call("GET", `/api/chat/messages?limit=50&room_id=${await reader.textOf(room)}`);
  };

  for (const { name, isGroup, said, isUnread } of [...cast.more].reverse()) {
    const room = isGroup ? await others[0]?.group(name, me, ...others.slice(1)) : await me.direct(user(name));
    if (room === undefined) continue;
    await say(room, said);
    if (!isUnread) await read(me, room);
  }
  const group = await user(cast.friend).group(
    cast.group,
    me,
    ...others.filter((it) => it.name !== cast.friend),
  );
  await say(group, cast.inGroup);
  for (const bytes of pictures) await user(cast.inGroup.at(-1)?.[0] ?? "").picture(group, bytes);
  await say(group, cast.afterPictures);
  for (const it of others) await read(it, group);
  const direct = await me.direct(user(cast.friend));
  await say(direct, cast.withFriend);
  await read(user(cast.friend), direct);
  return { me, others, typist: user(cast.typing), group, direct };
}
