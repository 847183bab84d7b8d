// The figures of the web client in docs/performance.md; scripts/bench-web runs this.
import { chromium } from "@playwright/test";

const BASE = process.env.CHINWAG_URL ?? "http://127.0.0.1:8000";
const CONVERSATIONS = 500;
const MESSAGES = 1000;
const ROUNDS = 5;
/** What browsers call slow 4G: a round trip of 150 ms, 1.6 Mbit/s down, 0.75 up; and a processor of a quarter. */
const SLOW = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 };
const SLOWER_CPU = 4;
const FRAME_PX = 60;

async function user(name) {
  const body = JSON.stringify({ username: name, password: "correct horse" });
  const json = { "content-type": "application/json" };
  await fetch(`${BASE}/api/v1/auth/register`, { method: "POST", headers: json, body });
  const { token } = await (await fetch(`${BASE}/api/v1/auth/login`, { method: "POST", headers: json, body })).json();
  const call = async (path, value) => {
    const headers = { ...json, authorization: `Bearer ${token}` };
    const answer = await fetch(BASE + path, { method: "POST", headers, body: JSON.stringify(value) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return { name, token, call };
}

/** Two users with many conversations, one with a long history: its number, and who looks at it. */
async function seed() {
  const stamp = Date.now().toString(36);
  const [viewer, other] = [await user(`v${stamp}`), await user(`o${stamp}`)];
  let room = 0;
  for (let number = 0; number < CONVERSATIONS; number += 1) {
    const made = await other.call("/api/v1/rooms", { name: `Conversation ${number} 会话`, is_private: false });
    await other.call(`/api/v1/rooms/${made.id}/members`, { username: viewer.name });
    room = made.id;
  }
  const own = await fetch(`${BASE}/api/v1/conversations`, { headers: { authorization: `Bearer ${viewer.token}` } });
  const group_id = (await own.json()).find((it) => it.id === room).room_id;
  for (let number = 1; number <= MESSAGES; number += 1) {
    const content = number % 7 ? `message ${number}` : `${number}: ${"words that wrap. ".repeat(1 + (number % 11))}`;
    await other.call("/api/v1/chat/message", { type: "text", content, group_id });
  }
  return { room, token: viewer.token };
}

async function visit(browser, token, path, isSlow) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addInitScript((given) => {
    localStorage.setItem("token", given);
    const seen = {};
    window.seen = seen;
    const look = () => {
      for (const name of ["item", "bubble"]) {
        if (!seen[name] && document.querySelector(`.${name}`)) seen[name] = performance.now();
      }
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true });
  }, token);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  if (isSlow) {
    await devtools.send("Network.emulateNetworkConditions", SLOW);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER_CPU });
  }
  await page.goto(BASE + path);
  const waited = path.includes("room") ? "bubble" : "item";
  await page.waitForFunction((name) => window.seen[name], waited);
  const at = await page.evaluate((name) => window.seen[name], waited);
  return { context, page, devtools, at };
}

async function median(browser, token, path) {
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { context, at } = await visit(browser, token, path, true);
    times.push(at);
    await context.close();
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
}

/** Bytes of our own files, as transferred, until the list is there; by a page that reads them again. */
async function downloaded(browser, token, path) {
  const { context, page } = await visit(browser, token, path, true);
  const bytes = await page.evaluate(() => {
    const own = performance.getEntriesByType("resource").filter((it) => it.name.includes("/assets/"));
    const early = own.filter((it) => it.startTime < window.seen.item && !it.name.endsWith(".svg"));
    const document = performance.getEntriesByType("navigation")[0];
    return [document, ...early].reduce((sum, it) => sum + it.encodedBodySize, 0);
  });
  await context.close();
  return bytes;
}

/** How long frames take while something scrolls through. */
async function frames(page, selector, step) {
  const times = await page.evaluate(
    async ([selector, step]) => {
      const box = document.querySelector(selector);
      const times = [];
      let still = 0;
      let last = performance.now();
      while (still < 60 && times.length < 2000) {
        const before = box.scrollTop;
        box.scrollTop += step;
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - last);
        last = performance.now();
        still = Math.abs(box.scrollTop - before) < 1 ? still + 1 : 0;
      }
      return times.sort((a, b) => a - b);
    },
    [selector, step],
  );
  const at = (part) => times[Math.floor((times.length - 1) * part)].toFixed(0);
  return `${at(0.5)} / ${at(0.95)} / ${at(0.99)}`;
}

async function heap(devtools) {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return (usedSize / 1e6).toFixed(1);
}

const row = (what, value) => console.log(`| ${what} | ${value} |`);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

const { room, token } = await seed();
const newcomer = (await user(`n${Date.now().toString(36)}`)).token;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
row("downloaded for `/chat` until the list is there, brotli", kilobytes(await downloaded(browser, newcomer, "/chat")));
row("list usable, 1 conversation, slow 4G, processor ÷ 4", seconds(await median(browser, newcomer, "/chat")));
row(`list usable, ${CONVERSATIONS} conversations, the same`, seconds(await median(browser, token, "/chat")));
row("messages shown, the same", seconds(await median(browser, token, `/chat?room=${room}`)));
const { page, devtools } = await visit(browser, token, `/chat?room=${room}`, false);
await page.waitForTimeout(3000);
row(`memory with ${CONVERSATIONS} conversations and 50 messages`, `${await heap(devtools)} MB`);
row("frames scrolling up through 1,000 messages as they load, ms p50 / p95 / p99", await frames(page, ".rows", -FRAME_PX));
row("… down again", await frames(page, ".rows", FRAME_PX));
row(`… through ${CONVERSATIONS} conversations`, await frames(page, ".side-list", FRAME_PX));
row(`memory with ${CONVERSATIONS} conversations and ${MESSAGES} messages`, `${await heap(devtools)} MB`);
await browser.close();
