// Pages that record when they become usable, with slowed network and processor on demand.
import type { Browser, BrowserContext, CDPSession, Page, User } from "../../tests/e2e/fixtures";
import { nodes } from "../../tests/e2e/fixtures";

/** A network and a processor. */
export interface Device {
  name: string;
  cpu: number;
  network: { latency: number; downloadThroughput: number; uploadThroughput: number } | null;
}

const BYTES_PER_MBIT = 1_000_000 / 8;

export const FAST: Device = { name: "as this machine is", cpu: 1, network: null };
export const SLOW: Device = {
  name: "1.6 Mbit/s, 150 ms, CPU 4× slower",
  cpu: 4,
  network: { latency: 150, downloadThroughput: 1.6 * BYTES_PER_MBIT, uploadThroughput: 0.75 * BYTES_PER_MBIT },
};

/** A browser without a cache, with a user logged in. Its pages are usable once an element takes clicks. */
export async function freshContext(browser: Browser, user: User | null, usable: string): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: nodes()[0] });
  await context.addInitScript(
    ({ token, usable }) => {
      if (!location.protocol.startsWith("http")) return;
      if (token) localStorage.setItem("token", token);
      const check = () => {
        const found = document.querySelector(usable);
        const at = found?.getBoundingClientRect();
        // The element that a click in the middle would reach.
        const hit = at && document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2);
        if (!found || !hit || !found.contains(hit)) return requestAnimationFrame(check);
        // Runs after this frame is painted.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => performance.mark("usable");
        port2.postMessage(null);
      };
      requestAnimationFrame(check);
    },
    { token: user?.token ?? null, usable },
  );
  return context;
}

/** When the page became usable, in milliseconds since the start of the navigation. */
export async function usableAt(page: Page): Promise<number> {
  await page.waitForFunction(() => performance.getEntriesByName("usable").length > 0, undefined, { polling: 100 });
  return page.evaluate(() => performance.getEntriesByName("usable")[0]?.startTime ?? Number.NaN);
}

export async function slowDown(devtools: CDPSession, { cpu, network }: Device): Promise<void> {
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  await devtools.send("Network.enable");
  const unlimited = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
  await devtools.send("Network.emulateNetworkConditions", { offline: false, ...(network ?? unlimited) });
}

export async function metrics(devtools: CDPSession): Promise<Record<string, number>> {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}
