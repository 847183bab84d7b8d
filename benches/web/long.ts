// The cost of a long list and a long history: memory, and frames while scrolling.
import { type Browser, type CDPSession, type Page, plainPage, sendAll } from "../../tests/e2e/fixtures";
import { mb, quantile, whole } from "./stats";
import type { People } from "./people";
import { table } from "./report";
import { FAST, freshContext, metrics, SLOW, slowDown, usableAt } from "./visit";

/** Fast scrolling: 7,200 pixels a second. */
const STEP_PX = 120;
const SLOW_CPU = { ...SLOW, name: "CPU 4× slower", network: null };
const LATE_MS = 33.4;
/** How long to measure frames; longer where all messages have to be loaded. */
const SCROLL_MS = 12_000;
const LOAD_ALL_MS = 60_000;
/** Rooms that are opened for a moment. */
const VISITED = 30;
/** Messages that arrive in an open room, and how many at once. */
const LIVE = 10_000;
const LIVE_AT_ONCE = 200;
const FRAME_TITLES = ["scrolling", "frames", "median ms", "p95 ms", "p99 ms", "longest ms", "over 33 ms"];

export async function longLists(browser: Browser, { viewer, friend, room }: People): Promise<string> {
  const context = await freshContext(browser, viewer, ".items a.item");
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  const frames: string[][] = [];
  const memory: string[][] = [];
  const recordMemory = async (name: string) => {
    console.error(`  ${name}`);
    memory.push([name, ...(await memoryOf(page, devtools))]);
  };

  await page.goto("/chat");
  await usableAt(page);
  await page.waitForTimeout(3000);
  await recordMemory("500 conversations listed");
  for (const device of [FAST, SLOW_CPU]) {
    await slowDown(devtools, device);
    const list = await scroll(page, ".side-list", STEP_PX);
    frames.push(frameRow(`500 conversations, ${device.name}`, list));
    await page.goto(`/chat?room=${room}`);
    await page.locator(".rows .row").last().waitFor();
    await page.waitForTimeout(2000);
    if (device === FAST) await recordMemory("… and a room open, newest 50 messages");
    const loading = await scroll(page, ".rows", -STEP_PX, device === FAST ? LOAD_ALL_MS : SCROLL_MS);
    frames.push(frameRow(`up 1,000 messages while they load, ${device.name}`, loading));
    if (device === FAST) await recordMemory("… and all 1,000 messages loaded");
    frames.push(frameRow(`down 1,000 messages, ${device.name}`, await scroll(page, ".rows", STEP_PX)));
  }
  await slowDown(devtools, FAST);
  for (const times of [1, 2]) {
    for (let n = 0; n < VISITED; n += 1) {
      await page.locator(".side .item").nth(n + 1).click();
      await page.locator(".rows .row, .rows .system").first().waitFor();
    }
    await recordMemory(times === 1 ? `… and ${VISITED} other rooms opened` : "… and opened again");
  }
  await page.goto(`/chat?room=${room}`);
  const contexts = [context];
  const plain = await plainPage(browser, contexts);
  for (let sent = 0; sent < LIVE; sent += LIVE_AT_ONCE) {
    const texts = Array.from({ length: LIVE_AT_ONCE }, (_, n) => `live ${sent + n + 1}`);
    await sendAll(plain, friend, room, texts);
    await page.locator(".rows .text", { hasText: new RegExp(`^${texts.at(-1)}$`) }).waitFor();
    if (sent === 0) await recordMemory(`a room open, and ${LIVE_AT_ONCE} messages arrived`);
  }
  await recordMemory(`… and ${LIVE.toLocaleString("en")} messages`);
  for (const each of contexts) await each.close();
  return `${table(["memory", "JS heap MB", "DOM nodes"], memory)}\n${table(FRAME_TITLES, frames)}`;
}

/** Measures the memory after a garbage collection. Nodes that have left the document count as well. */
async function memoryOf(page: Page, devtools: CDPSession): Promise<string[]> {
  await page.waitForTimeout(500);
  for (let times = 0; times < 2; times += 1) await devtools.send("HeapProfiler.collectGarbage");
  const { JSHeapUsedSize = 0, Nodes = 0 } = await metrics(devtools);
  return [mb(JSHeapUsedSize), whole(Nodes)];
}

/** Scrolls a box by a step per frame until it ends or the time is up. Returns the durations of the frames. */
function scroll(page: Page, box: string, step: number, maxMs = SCROLL_MS): Promise<number[]> {
  return page.evaluate(
    async ({ box, step, maxMs }) => {
      const found = document.querySelector(box);
      if (!found) throw new Error(`no ${box}`);
      const frame = () => new Promise<number>((next) => requestAnimationFrame(next));
      const took: number[] = [];
      const first = await frame();
      let last = first;
      for (let stuck = 0; stuck < 5 && last - first < maxMs; ) {
        const before = found.scrollTop;
        found.scrollTop += step;
        const now = await frame();
        took.push(now - last);
        last = now;
        // A page may be loading.
        const isEnd = found.scrollTop === before && !document.querySelector(".older");
        stuck = isEnd ? stuck + 1 : 0;
      }
      return took;
    },
    { box, step, maxMs },
  );
}

function frameRow(name: string, took: number[]): string[] {
  const late = took.filter((ms) => ms > LATE_MS).length / took.length;
  const times = [quantile(took, 0.5), quantile(took, 0.95), quantile(took, 0.99), Math.max(...took)];
  return [name, whole(took.length), ...times.map((ms) => ms.toFixed(0)), `${(late * 100).toFixed(1)} %`];
}
