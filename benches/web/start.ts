// The time from navigation to a list whose first conversation is painted and clickable.
import type { Browser, BrowserContext } from "../../tests/e2e/fixtures";
import { median, ranged, whole } from "./stats";
import type { People } from "./people";
import { table } from "./report";
import { type Device, FAST, freshContext, metrics, SLOW, slowDown, usableAt } from "./visit";

export const ROUNDS = process.env.CHINWAG_BENCH === "quick" ? 1 : 5;

interface Start {
  usableMs: number;
  paintMs: number;
  /** The time of the main thread until then. */
  taskMs: number;
}

export async function starts(browser: Browser, { viewer }: People): Promise<string> {
  const found = new Map([FAST, SLOW].map((device) => [device, { cold: [] as Start[], warm: [] as Start[] }]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [device, { cold, warm }] of found) {
      const context = await freshContext(browser, viewer, ".items a.item");
      cold.push(await start(context, device));
      warm.push(await start(context, device));
      await context.close();
    }
  }
  const rows = [...found].flatMap(([device, { cold, warm }]) => [
    row(`${device.name}, nothing cached`, cold),
    row(`${device.name}, files cached`, warm),
  ]);
  return table(["500 conversations", "first paint ms", "usable list ms", "main thread ms"], rows);
}

const row = (name: string, all: Start[]) => [
  name,
  whole(median(all.map(({ paintMs }) => paintMs))),
  ranged(all.map(({ usableMs }) => usableMs)),
  whole(median(all.map(({ taskMs }) => taskMs))),
];

async function start(context: BrowserContext, device: Device): Promise<Start> {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await slowDown(devtools, device);
  await devtools.send("Performance.enable");
  const before = await metrics(devtools);
  await page.goto("/chat");
  const usableMs = await usableAt(page);
  const after = await metrics(devtools);
  const paintMs = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  await page.close();
  return { usableMs, paintMs, taskMs: ((after.TaskDuration ?? 0) - (before.TaskDuration ?? 0)) * 1000 };
}
