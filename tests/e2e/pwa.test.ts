// The chat as an app: installed, without a connection, across deployments, and its notifications.
import AxeBuilder from "@axe-core/playwright";
import type { Page, Worker } from "@playwright/test";
import { Deployment } from "./deployment";
import {
  test as base,
  bubble,
  composer,
  expect,
  expectLoggedIn,
  item,
  newUsers,
  nodes,
  pick,
  tick,
  title,
  write,
} from "./fixtures";

/** Other tests have no service worker (see playwright.config.ts). */
const APP = { serviceWorkers: "allow" } as const;

const test = base.extend<{ deployment: Deployment }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
  deployment: async ({}, use) => {
    const deployment = await Deployment.inFrontOf(nodes()[1] ?? "");
    await use(deployment);
    await deployment.close();
  },
});

/** Waits until the service worker answers for the page. */
async function expectControlled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    await new Promise((changed) => navigator.serviceWorker.addEventListener("controllerchange", changed));
  });
}

/** What the device keeps for reading without a connection, as JSON. */
function kept(page: Page): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const all = await indexedDB.databases();
    if (!all.some(({ name }) => name === "chinwag")) return {};
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("chinwag");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const read = (what: "getAll" | "getAllKeys") =>
      new Promise<unknown[]>((resolve, reject) => {
        if (!database.objectStoreNames.contains("kept")) return resolve([]);
        const request = database.transaction("kept").objectStore("kept")[what]();
        request.onsuccess = () => resolve(request.result as unknown[]);
        request.onerror = () => reject(request.error);
      });
    const [names, values] = [await read("getAllKeys"), await read("getAll")];
    database.close();
    return Object.fromEntries(names.map((name, at) => [String(name), JSON.stringify(values[at])]));
  });
}

/** Waits until the device keeps the list and a message of a room. */
async function expectKept(page: Page, room: number, text: string): Promise<void> {
  await expect.poll(async () => (await kept(page))[`room.${room}`] ?? "").toContain(text);
  await expect.poll(async () => (await kept(page)).list ?? "").toContain(`"id":${room}`);
}

/** The number of the build whose page is shown. */
const buildOf = (page: Page) =>
  page.evaluate(() => {
    const script = document.querySelector<HTMLScriptElement>("script[type=module]");
    return /\.b(\d+)\.js$/.exec(script?.src ?? "")?.[1];
  });

/** Width and height of a PNG. */
const sizeOf = (png: Buffer) => `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`;

test("the chat can be installed", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice, APP);
  await expectControlled(page);
  const link = page.locator("link[rel=manifest]");
  const answer = await page.request.get((await link.getAttribute("href")) ?? "");
  expect(answer.headers()["content-type"]).toBe("application/manifest+json");
  expect(answer.headers()["cache-control"]).toBe("no-cache");
  const manifest = await answer.json();
  expect(manifest).toMatchObject({
    id: "/chat",
    name: "Chinwag",
    short_name: "Chinwag",
    lang: "en",
    start_url: "/chat",
    scope: "/",
    display: "standalone",
    theme_color: "#f3f2ee",
    background_color: "#f3f2ee",
  });
  // The other pages belong to the app.
  for (const path of ["/admin", "/dashboard", "/docs/sockets/try"]) {
    const text = await (await page.request.get(path)).text();
    expect(text, path).toContain('<link rel="manifest" href="/app.webmanifest">');
  }
  // The icons are what they are said to be.
  const icons: { src: string; sizes: string; purpose: string }[] = manifest.icons;
  expect(icons.map(({ sizes, purpose }) => `${sizes} ${purpose}`)).toEqual([
    "192x192 any",
    "512x512 any",
    "512x512 maskable",
  ]);
  for (const { src, sizes } of icons) {
    const icon = await page.request.get(src);
    expect(icon.headers()["content-type"]).toBe("image/png");
    expect(sizeOf(await icon.body()), src).toBe(sizes);
  }
  // What Chromium asks of an app, apart from a window that is not private.
  const session = await page.context().newCDPSession(page);
  const { url, errors } = await session.send("Page.getAppManifest");
  expect(url).toBe(new URL("/app.webmanifest", page.url()).href);
  expect(errors).toEqual([]);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  const hindrances = installabilityErrors.map(({ errorId }) => errorId);
  expect(hindrances.filter((id) => id !== "in-incognito")).toEqual([]);
});

test("an installed app starts as a page that a phone shows well, with and without a connection", async ({
  enter,
}) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice, APP);
  await expectControlled(page);
  const content = (name: string) =>
    page
      .locator(`meta[name="${name}"]`)
      .evaluateAll((all) => all.map((meta) => meta.getAttribute("content")));
  expect(await content("theme-color")).toEqual(["#f3f2ee", "#14171a"]);
  expect((await content("viewport")).join()).toContain("width=device-width");
  expect((await content("viewport")).join()).not.toMatch(/maximum-scale|user-scalable/);
  expect((await content("description")).join()).not.toBe("");
  const manifest = await (await page.request.get("/app.webmanifest")).json();
  const maskable = manifest.icons.find(({ purpose }: { purpose: string }) => purpose === "maskable");
  const touch = page.locator("link[rel=apple-touch-icon]");
  const corners = (url: string) =>
    page.evaluate(async (url) => {
      const icon = new Image();
      icon.src = url;
      await icon.decode();
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = icon.naturalWidth;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context?.drawImage(icon, 0, 0);
      const end = icon.naturalWidth - 1;
      const alpha = (x: number, y: number) => context?.getImageData(x, y, 1, 1).data[3];
      return [icon.naturalWidth, alpha(0, 0), alpha(end, 0), alpha(0, end), alpha(end, end)];
    }, url);
  // A system cuts these into its own shape, and must not find holes.
  for (const url of [maskable.src, (await touch.getAttribute("href")) ?? ""]) {
    expect(await corners(url), url).toEqual([512, 255, 255, 255, 255]);
  }
  await page.context().setOffline(true);
  const start = await page.goto(manifest.start_url);
  expect([start?.status(), start?.fromServiceWorker()]).toEqual([200, true]);
  await expect(page.locator(".me-name")).toHaveText(alice.name);
});

test("the menu installs the app where the browser offers it", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice);
  const menu = page.getByRole("button", { name: /Account and settings/ });
  const entry = page.getByRole("button", { name: "Install the app" });
  const offer = () =>
    page.evaluate(() => {
      const prompt = async () => document.body.setAttribute("data-asked", "yes");
      const event = Object.assign(new Event("beforeinstallprompt", { cancelable: true }), { prompt });
      return dispatchEvent(event);
    });
  await menu.click();
  await expect(page.getByRole("button", { name: "Log out" })).toBeVisible();
  await expect(entry).toHaveCount(0);
  // The browser's own banner is held back.
  expect(await offer()).toBe(false);
  await entry.click();
  await expect(page.locator("body")).toHaveAttribute("data-asked", "yes");
  await expect(entry).toHaveCount(0);
  await expect(menu).toBeFocused();
  await offer();
  await expect(entry).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event("appinstalled")));
  await expect(entry).toHaveCount(0);
});

test("on an iPhone the menu says how the app is installed", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const userAgent =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
  const page = await enter(alice, { userAgent });
  await page.getByRole("button", { name: /Account and settings/ }).click();
  await expect(page.locator(".menu")).toContainText("Share, then “Add to Home Screen”");
  const { violations } = await new AxeBuilder({ page }).include(".menu").analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
});

test("without the server the page shows the last messages, and sends what is written later", async ({
  deployment,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const other = await alice.group("Never opened", bob);
  await alice.send(room, "before the tunnel");
  await alice.send(other, "unseen");
  const page = await enter(bob, { ...APP, url: deployment.url, room });
  await expectControlled(page);
  await expectKept(page, room, "before the tunnel");
  deployment.takeDown();
  await page.goto(`${deployment.url}/chat`);
  await expect(page.locator(".me-name")).toHaveText(bob.name);
  await expect(page.locator(".net.is-shown")).toContainText("Connection lost");
  // On a phone it does not lie over the search.
  const desktop = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.locator(".search input").click({ trial: true });
  if (desktop) await page.setViewportSize(desktop);
  await item(page, alice.name).click();
  await expect(bubble(page, "before the tunnel")).toBeVisible();
  await expect(page.locator(".pane-note")).toContainText("Kept on this device");
  await write(page, "from the tunnel");
  await expect(tick(bubble(page, "from the tunnel"), "waiting")).toBeVisible();
  // The message survives another reload.
  await page.reload();
  await expect(bubble(page, "before the tunnel")).toBeVisible();
  await expect(bubble(page, "from the tunnel")).toBeVisible();
  await item(page, "Never opened").click();
  await expect(page.locator(".pane .empty")).toContainText("there are none of this conversation");

  // Meanwhile a message is deleted and another one written.
  await alice.send(room, "while away");
  deployment.bringBack();
  // Rather than to press "Reconnect now", which goes away when the page has tried by itself.
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(page.getByRole("status").first()).toHaveText("Connected");
  await expect(page.locator(".pane .empty")).toHaveCount(0);
  await expect(bubble(page, "unseen")).toBeVisible();
  await item(page, alice.name).click();
  await expect(bubble(page, "while away")).toBeVisible();
  await expect(page.locator(".pane-note")).toHaveCount(0);
  await expect
    .poll(() => alice.messageTexts(room))
    .toEqual(["before the tunnel", "while away", "from the tunnel"]);
});

test("a deleted message is gone from the device", async ({ deployment, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "regretted");
  await alice.send(room, "meant");
  const page = await enter(bob, { ...APP, url: deployment.url, room });
  await expectControlled(page);
  await expectKept(page, room, "regretted");
  const author = await enter(alice, { room });
  const row = author.locator(".row", { has: author.locator(".text", { hasText: "regretted" }) });
  await row.hover();
  await row.getByRole("button", { name: "Delete" }).click();
  await author.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(bubble(page, "regretted")).toHaveCount(0);
  await expect.poll(async () => JSON.stringify(await kept(page))).not.toContain("regretted");
  deployment.takeDown();
  await page.reload();
  await expect(bubble(page, "meant")).toBeVisible();
  await expect(bubble(page, "regretted")).toHaveCount(0);
});

test("logging out removes what the device keeps", async ({ deployment, enter, openTab }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "for Bob alone");
  const page = await enter(bob, { ...APP, url: deployment.url, room });
  await expectControlled(page);
  await expectKept(page, room, "for Bob alone");
  const tab = await openTab(page, "/chat");
  await expect(item(tab, alice.name)).toBeVisible();
  await pick(tab, /Account and settings/, "Log out");
  for (const each of [tab, page]) await expect(each.getByRole("button", { name: "Log in" })).toBeVisible();
  await expect.poll(() => kept(page)).toEqual({});
  // The page itself is nobody's secret.
  deployment.takeDown();
  await page.goto(`${deployment.url}/chat?room=${room}`);
  await expect(page.getByRole("button", { name: "Log in" })).toBeVisible();
  await expect(page.getByText("for Bob alone")).toHaveCount(0);
});

test("a new build is shown at the next load, and open tabs keep theirs", async ({
  deployment,
  enter,
  openTab,
}) => {
  const [alice] = await newUsers("alice");
  const room = await alice.group("Builders");
  const page = await enter(alice, { ...APP, url: deployment.url, room });
  await expectControlled(page);
  const old = await openTab(page, `/chat?room=${room}`);
  await expectLoggedIn(old, alice);
  expect([await buildOf(page), await buildOf(old)]).toEqual(["1", "1"]);

  deployment.build = 2;
  await page.reload();
  await expectLoggedIn(page, alice);
  expect(await buildOf(page)).toBe("2");
  await page.waitForFunction(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return registration?.waiting?.state === "installed";
  });
  // The server has no files of the old build any more.
  await composer(old).fill(":smil");
  await expect(old.getByRole("option").first()).toBeVisible();
  expect(await buildOf(old)).toBe("1");

  await old.close();
  await page.reload();
  await expectLoggedIn(page, alice);
  const isOld = (keys: string[]) => keys.filter((key) => key.startsWith("chinwag-") && key.endsWith(".b1"));
  await expect.poll(async () => isOld(await page.evaluate(() => caches.keys()))).toEqual([]);
  deployment.takeDown();
  await page.reload();
  await expect(page.locator(".me-name")).toHaveText(alice.name);
  expect(await buildOf(page)).toBe("2");
});

test("a server without the worker ends it", async ({ deployment, enter }) => {
  const [alice] = await newUsers("alice");
  const page = await enter(alice, { ...APP, url: deployment.url });
  await expectControlled(page);
  deployment.hasWorker = false;
  deployment.build = 2;
  await page.reload();
  await expectLoggedIn(page, alice);
  const left = () =>
    page.evaluate(async () => [
      (await navigator.serviceWorker.getRegistrations()).length,
      (await caches.keys()).length,
    ]);
  await expect.poll(left).toEqual([0, 0]);
});

test("the worker keeps the page and its files, and leaves all else to the server", async ({ enter }) => {
  const [alice] = await newUsers("alice");
  const room = await alice.group("Painters");
  const page = await enter(alice, { ...APP, room });
  await expectControlled(page);
  const again = await page.reload();
  expect(again?.fromServiceWorker()).toBe(true);
  await expectLoggedIn(page, alice);
  const paths = await page.evaluate(async () => {
    const found: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const { url } of await cache.keys()) found.push(new URL(url).pathname);
    }
    return found;
  });
  expect(paths.length).toBeGreaterThan(15);
  expect(paths.filter((path) => path !== "/chat" && !path.startsWith("/assets/"))).toEqual([]);
  expect(paths.filter((path) => /dashboard|plot/.test(path))).toEqual([]);
  for (const path of ["/docs/sockets", "/dashboard", "/nowhere"]) {
    const answer = await page.goto(path);
    expect(answer?.fromServiceWorker(), path).toBe(false);
  }
});

test("a click on a notification opens its room", { tag: "@chromium" }, async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, { ...APP, permissions: ["notifications"] });
  await expectControlled(page);
  await page.evaluate(() => {
    document.hasFocus = () => false;
    dispatchEvent(new Event("blur"));
  });
  await alice.send(room, "are you there?");
  const shown = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const all = await registration.getNotifications();
      return all.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
    });
  await expect
    .poll(shown)
    .toEqual([{ title: alice.name, body: "are you there?", tag: `chinwag-room-${room}`, data: { room } }]);
  // A room has one notification, the latest.
  await alice.send(room, "hello?");
  await expect.poll(async () => (await shown()).map(({ body }) => body)).toEqual(["hello?"]);
  const [worker] = page.context().serviceWorkers();
  await click(worker as Worker);
  await expect(title(page)).toHaveText(alice.name);
  await expect.poll(shown).toEqual([]);
});

/** Clicks the first notification. The browser lets only real clicks move the focus. */
async function click(worker: Worker): Promise<void> {
  await worker.evaluate(async () => {
    const self = globalThis as unknown as {
      registration: ServiceWorkerRegistration;
      NotificationEvent: new (type: string, init: object) => Event;
    };
    const [notification] = await self.registration.getNotifications();
    dispatchEvent(new self.NotificationEvent("notificationclick", { notification }));
  });
}
