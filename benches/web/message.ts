// How long a message takes to appear: the user's own, and one of another user.
import type { Browser, Page, User } from "../../tests/e2e/fixtures";
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
  const others = await receiveOthers(page, friend, room);
  await context.close();
  return table(
    ["500 conversations, a room open", "median ms", "p95 ms"],
    [
      ["from Enter to the own bubble", ...times(own)],
      ["from sending by another socket to the bubble", ...times(others)],
    ],
  );
}

const times = (all: number[]) => [quantile(all, 0.5), quantile(all, 0.95)].map((ms) => ms.toFixed(0));

/** Defines `shown(text)` in a page, which resolves with the time at which the text is painted. */
const DEFINE_SHOWN = `globalThis.shown ??= (text) => new Promise((done) => {
  const check = () => {
    const rows = [...document.querySelectorAll(".rows .row .text")];
    if (!rows.some((row) => row.textContent === text)) return requestAnimationFrame(check);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(performance.now());
    port2.postMessage(null);
  };
  requestAnimationFrame(check);
})`;

declare const shown: (text: string) => Promise<number>;

async function sendOwn(page: Page, text: string): Promise<number> {
  await page.evaluate(DEFINE_SHOWN);
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

/** Sends through another socket of the same page, so that there is one clock. */
function receiveOthers(page: Page, friend: User, room: number): Promise<number[]> {
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
