// How long a message takes to be on the screen: one's own, and somebody else's.
import type { Browser, Page, User } from "../../tests/e2e/world";
import { quantile } from "./stats";
import type { People } from "./people";
import { table } from "./report";
import { freshContext, usableAt } from "./visit";

const TIMES = 40;
const PAUSE_MS = 120;

export async function messages(browser: Browser, { viewer, friend, room }: People): Promise<string> {
  const context = await freshContext(browser, viewer, ".items a.item");
  const page = await context.newPage();
  await page.goto(`/chat?room=${room}`);
  await usableAt(page);
  await page.locator(".rows .row").last().waitFor();
  const own: number[] = [];
  for (let n = 0; n < TIMES; n += 1) own.push(await sendOwn(page, `mine ${n}`));
  const others = await hear(page, friend, room);
  await context.close();
  return table(
    ["500 conversations, a room open", "median ms", "p95 ms"],
    [
      ["from Enter to one's own bubble", ...times(own)],
      ["from sending by another socket to the bubble", ...times(others)],
    ],
  );
}

const times = (all: number[]) => [quantile(all, 0.5), quantile(all, 0.95)].map((ms) => ms.toFixed(0));

/** Puts `shown(text)` into a page: when the frame with this text is painted. */
const SHOWN = `globalThis.shown ??= (text) => new Promise((done) => {
  const look = () => {
    const rows = [...document.querySelectorAll(".rows .row .text")];
    if (!rows.some((it) => it.textContent === text)) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(performance.now());
    port2.postMessage(null);
  };
  requestAnimationFrame(look);
})`;

declare const shown: (text: string) => Promise<number>;

async function sendOwn(page: Page, text: string): Promise<number> {
  await page.evaluate(SHOWN);
  await page.locator(".composer textarea").fill(text);
  const took = page.evaluate(
    (text) =>
      new Promise<number>((done) => {
        const onKey = () => {
          const from = performance.now();
          void shown(text).then((at) => done(at - from));
        };
        addEventListener("keydown", onKey, { once: true, capture: true });
      }),
    text,
  );
  await page.waitForTimeout(PAUSE_MS);
  await page.locator(".composer textarea").press("Enter");
  return took;
}

/** The other socket is opened by the same page: one clock. */
function hear(page: Page, friend: User, room: number): Promise<number[]> {
  return page.evaluate(
    async ({ token, room, times, pause }) => {
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?token=${token}`);
      await new Promise((open) => {
        socket.onopen = open;
      });
      const took: number[] = [];
      for (let n = 0; n < times; n += 1) {
        await new Promise((next) => setTimeout(next, pause));
        const content = `theirs ${n}`;
        const from = performance.now();
        const payload = { room_id: room, content, is_image: false };
        socket.send(JSON.stringify({ type: "send_message", payload }));
        took.push((await shown(content)) - from);
      }
      socket.close();
      return took;
    },
    { token: friend.token, room, times: TIMES, pause: PAUSE_MS },
  );
}
