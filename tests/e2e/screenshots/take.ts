// Takes the screenshots, of a cluster with some conversations.
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { BrowserContextOptions, Page } from "@playwright/test";
import {
  expect,
  item,
  nodes,
  PASSWORD,
  plainPage,
  sendAll,
  test,
  title,
  User,
  uniqueName,
} from "../fixtures";
import { runCommand } from "../servers";
import { type Cast, chinese, english } from "./casts";
import { drawIcons } from "./icons";
import { landscapes } from "./landscapes";
import { busyHour } from "./metrics";
import {
  MEDIA_HOST,
  settled,
  takeAdmin,
  takeDeleted,
  takeInvitation,
  takeOffline,
  takeOwner,
  takeSockets,
  takeStates,
} from "./states";

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

if (process.env.SCREENSHOTS_DOCS) test("icons of the app", async ({ page }) => drawIcons(page));

for (const cast of [english, chinese]) {
  test(`pictures in ${cast.locale}`, async ({ browser, contexts, enter, visit }) => {
    const painter = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    const pictures: Buffer[] = [];
    for (const landscape of landscapes) {
      await painter.setContent(`<style>body{margin:0}</style>${landscape}`);
      pictures.push(await painter.screenshot({ type: "jpeg", quality: 85 }));
    }
    const plain = await plainPage(browser, contexts, 1);
    const population = await populate(cast, pictures, plain);
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
      population.others.slice(0, 4).map(({ token }) => token),
    );
    const sendTyping = () =>
      plain.evaluate(
        ({ token, room }) => {
          const socket = (window as unknown as Record<string, WebSocket>)[token];
          socket?.send(JSON.stringify({ type: "typing", payload: { room_id: room } }));
        },
        { token: population.typist.token, room: population.group },
      );

    /** What is taken after the pages of the README. */
    const rest: (() => Promise<void>)[] = [];
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
      await out.close();

      const page = await enter(population.me, { ...look, room: population.direct });
      await take(page, "chat");
      await item(page, cast.group).click();
      await expect(title(page)).toHaveText(cast.group);
      await expect(page.locator(".picture img")).toHaveCount(2);
      await page.getByRole("button", { name: cast.texts.members }).click();
      await expect(page.locator(".member")).toHaveCount(cast.others.length + 1);
      await sendTyping();
      await expect(page.locator(".typing")).not.toBeEmpty();
      await page.locator(".composer textarea").blur();
      await take(page, "group");
      await page.close();

      const phone = await enter(population.me, { ...look, ...PHONE });
      await take(phone, "phone-list");
      await item(phone, cast.group).tap();
      await expect(phone.locator(".picture img")).toHaveCount(2);
      await take(phone, "phone");
      await phone.close();

      rest.push(async () => {
        for (const isPhone of [false, true]) {
          const device = { ...look, ...(isPhone ? PHONE : {}), serviceWorkers: "allow" } as const;
          const page = await enter(population.me, device);
          const taken = (page: Page, name: string) => take(page, isPhone ? `phone-${name}` : name);
          const stage = { page, cast, isPhone, pictures, take: taken };
          await takeStates(stage);
          await takeOffline(stage);
          await page.close();

          const owner = await enter(population.friend, device);
          const address = await takeOwner({ ...stage, page: owner });
          await owner.close();
          const guest = await enter(newcomer, device);
          await takeInvitation({ ...stage, page: guest }, address);
          await guest.close();
          const other = await enter(population.me, device);
          await takeDeleted({ ...stage, page: other }, parting);
          await takeSockets({ ...stage, page: other }, population.me.token);
          await other.close();
        }
      });

      if (await hasDashboard()) {
        await runCommand("user", "promote", population.me.name);
        const board = await enter(population.me, look);
        const rooms = [cast.group, ...cast.more.filter(({ isGroup }) => isGroup).map(({ name }) => name)];
        await board.route("**/dashboard/figures?*", async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, json: busyHour(await answer.json(), rooms) });
        });
        await board.goto("/dashboard");
        await expect(board.locator("canvas").first()).toBeVisible();
        await take(board, "dashboard");
        await board.close();
        rest.push(async () => {
          for (const isPhone of [false, true]) {
            const admin = await enter(population.me, { ...look, ...(isPhone ? PHONE : {}) });
            const taken = (page: Page, name: string) => take(page, isPhone ? `phone-${name}` : name);
            const stage = { page: admin, cast, isPhone, pictures, take: taken };
            await takeAdmin(stage, population.message);
            await admin.close();
          }
        });
      }
    }
    const newcomer = await User.named(uniqueName("newcomer"));
    const parting = await part(cast, population.me, plain);
    for (const takeMore of rest) await takeMore();
    await painter.close();
  });
}

async function hasDashboard(): Promise<boolean> {
  return (await fetch(`${nodes()[0]}/dashboard/figures?range=1h`)).status === 401;
}

/** The screenshots of the README, which must be small. */
const IN_README = ["chat-en-light", "group-zh-dark", "phone-en-light", "dashboard-en-dark"];
const MAX_BYTES = 120_000;

async function keepSmall(painter: Page, png: Buffer, name: string): Promise<void> {
  if (!IN_README.includes(name)) return;
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
  expect(bytes.length).toBeLessThanOrEqual(MAX_BYTES);
  writeFileSync(`${docs}/${name.split("-")[0]}.webp`, bytes);
}

/** Sends a frame of our own client, and waits until it is done. */
async function command(plain: Page, user: User, type: string, payload: object): Promise<void> {
  const answer = await plain.evaluate(
    ({ token, type, payload }) =>
      new Promise<unknown>((done) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?ext=1&token=${token}`);
        socket.onopen = () => socket.send(JSON.stringify({ type, payload }));
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.payload?.ref !== payload.ref) return;
          socket.close();
          done(frame);
        };
      }),
    { token: user.token, type, payload: { ...payload, ref: "asked" } },
  );
  expect(answer).toMatchObject({ type: "done" });
}

interface Population {
  me: User;
  others: User[];
  typist: User;
  friend: User;
  group: number;
  /** The number of a message in the group. */
  message: number;
  direct: number;
}

/** Creates the users, rooms and messages, oldest first. */
async function populate(cast: Cast, pictures: Buffer[], plain: Page): Promise<Population> {
  const users = new Map<string, User>();
  for (const name of [cast.me, ...cast.others]) users.set(name, await User.named(name));
  const user = (name: string) => users.get(name) as User;
  const me = user(cast.me);
  const others = cast.others.map(user);
  const sendLines = async (room: number, lines: [string, string][]) => {
    for (const [sender, text] of lines) await user(sender).send(room, text);
  };
  const read = async (reader: User, room: number) => {
    await reader.call("GET", `/api/chat/messages?limit=50&room_id=${await reader.textIdOf(room)}`);
  };

  for (const { name, isGroup, lines, isUnread, isLong } of [...cast.more].reverse()) {
    const room = isGroup ? await others[0]?.group(name, me, ...others.slice(1)) : await me.direct(user(name));
    if (room === undefined) continue;
    if (isLong) await sendAll(plain, user(lines[0]?.[0] ?? ""), room, Array(130).fill(lines[0]?.[1]));
    await sendLines(room, lines);
    if (!isUnread) await read(me, room);
  }
  const group = await user(cast.friend).group(
    cast.group,
    me,
    ...others.filter(({ name }) => name !== cast.friend),
  );
  await sendLines(group, cast.inGroup);
  for (const bytes of pictures) await user(cast.inGroup.at(-1)?.[0] ?? "").picture(group, bytes);
  await sendLines(group, cast.afterPictures);
  const friend = user(cast.friend);
  const find = async (text: string) => {
    const path = `/api/v1/search?kind=message&room_id=${group}&q=${encodeURIComponent(text)}`;
    return (await me.call<{ id: number }[]>("GET", path))[0]?.id ?? 0;
  };
  const act = async (actor: User, type: string, text: string, payload: object) => {
    await command(plain, actor, type, { room_id: group, id: await find(text), ...payload });
  };
  for (const other of others.slice(0, 3)) await act(other, "react", cast.liked, { emoji: "👍", on: true });
  await act(me, "react", cast.liked, { emoji: "🎉", on: true });
  await act(friend, "pin", cast.pinned, { on: true });
  await act(me, "edit_message", cast.edited.before, { content: cast.edited.after });
  await friend.upload(group, "ridge.pdf", Buffer.alloc(48_000, "%PDF-1.4"));
  for (const member of [me, ...others]) await read(member, group);
  const direct = await me.direct(user(cast.friend));
  await sendLines(direct, cast.withFriend);
  await read(user(cast.friend), direct);
  const message = await find(cast.liked);
  return { me, others, typist: user(cast.typing), friend, group, message, direct };
}

/** Somebody says farewell and deletes the account. Returns the room. */
async function part(cast: Cast, me: User, plain: Page): Promise<number> {
  const [name, farewell] = cast.gone;
  const gone = await User.named(name);
  const room = await gone.direct(me);
  await gone.send(room, farewell);
  const song = { message_type: "audio", content: "song.wav", file_url: `https://${MEDIA_HOST}/song.wav` };
  await command(plain, gone, "send_message", { room_id: room, ...song, file_name: "song.wav" });
  await gone.call("DELETE", "/api/v1/me", { password: PASSWORD });
  return room;
}
