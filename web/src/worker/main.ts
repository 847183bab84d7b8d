// The service worker: serves the client without a network, and shows conversations whose notification is clicked. It
// caches one complete build of the client, and never anything of the API.

import {
  FOCUS_LOCK,
  type NotificationData,
  type OpenRoom,
  type PushedMessage,
  roomTag,
  SHOWN_MS,
  shownLock,
  type TakeOver,
} from "./messages";
import {
  cacheName,
  isFromServer,
  isGone,
  isOfBuild,
  isPage,
  outdated,
  PAGE,
  pushedBody,
  pushedTitle,
  roomUrl,
  sourceOf,
  windowFor,
} from "./policy";

declare const self: ServiceWorkerGlobalScope;
/** The files of the build, and what distinguishes it from others. */
declare const FILES: string[];
declare const VERSION: string;

/** How long a page may take before the cached one is shown. */
const PAGE_MS = 3000;
const TAKE_OVER_ATTEMPTS = 5;
const TAKE_OVER_AGAIN_MS = 1000;
const CACHE = cacheName(VERSION);
const files: ReadonlySet<string> = new Set(FILES);

self.addEventListener("install", (event) => {
  bypass(event);
  event.waitUntil(install());
});
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  switch (sourceOf(event.request, self.location.origin, files)) {
    case "cache first":
      return event.respondWith(file(event.request));
    case "network first":
      return event.respondWith(page(event));
    case "network":
      return;
  }
});
self.addEventListener("message", (event) => {
  const { type, script } = event.data as TakeOver;
  if (type === "take over") event.waitUntil(takeOver(script, event.source as Client | null));
});
self.addEventListener("push", (event) => {
  const message = event.data?.json() as PushedMessage | undefined;
  if (message) event.waitUntil(showPushed(message));
});
self.addEventListener("pushsubscriptionchange", (event) =>
  event.waitUntil(subscribeAgain(event as PushChange)),
);
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openRoom((event.notification.data as NotificationData).room));
});

interface Router {
  addRoutes?: (rules: object[]) => Promise<void>;
}

/** Lets browsers that can ask the server at once, where the worker would leave a request alone anyway. */
function bypass(event: ExtendableEvent & Router): void {
  const paths = ["/api/*", "/uploads/*", "/dashboard*", "/docs*", "/ws*"];
  const or = paths.map((pathname) => ({ urlPattern: { pathname } }));
  const added = event.addRoutes?.([{ condition: { or }, source: "network" }]);
  if (added) event.waitUntil(added.catch(() => {}));
}

/** Caches the whole build, or fails: the browser retries at a later visit. */
async function install(): Promise<void> {
  try {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES);
    const answer = await fetch(PAGE, { cache: "no-cache" });
    const text = await answer.clone().text();
    if (!answer.ok || answer.redirected || !isOfBuild(text, files))
      throw new Error("the page is of another build");
    await cache.put(PAGE, answer);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** No page of another build is open by now. */
async function activate(): Promise<void> {
  await Promise.all(outdated(await caches.keys(), VERSION).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function file(request: Request): Promise<Response> {
  return (await kept(request.url)) ?? fetch(request);
}

/** A cached response. Does not create a cache that was deleted. */
function kept(url: string): Promise<Response | undefined> {
  return caches.match(url, { cacheName: CACHE, ignoreVary: true });
}

async function page(event: FetchEvent): Promise<Response> {
  const answer = fetch(event.request);
  event.waitUntil(answer.then(retireIfGone).catch(() => {}));
  const late = new Promise<null>((resolve) => setTimeout(resolve, PAGE_MS, null));
  const first = await Promise.race([answer.catch(() => null), late]);
  if (first && isFromServer(first.status)) return first;
  return (await kept(PAGE)) ?? answer;
}

/**
 * Gives up when the server has no worker any more: nobody else could remove this one. In a cluster of two versions a page
 * may bring it back, without its cache.
 */
async function retireIfGone(): Promise<void> {
  const { status } = await fetch(self.location.pathname, { method: "HEAD", cache: "no-store" });
  if (!isGone(status)) {
    if (!(await kept(PAGE))) await install();
    return;
  }
  await self.registration.unregister();
  await Promise.all([CACHE, ...outdated(await caches.keys(), VERSION)].map((name) => caches.delete(name)));
}

/** The windows that show the client, not the dashboard or the documentation. */
async function windows(): Promise<WindowClient[]> {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => isPage(url));
}

/**
 * Takes the place of an older worker for the page that asks, unless another page may still need that one's files. A page
 * that was closed or reloaded just now may still be among the windows.
 */
async function takeOver(script: string, asker: Client | null): Promise<void> {
  if (!files.has(script)) return;
  for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS; attempt += 1) {
    if ((await windows()).every(({ id }) => id === asker?.id)) return self.skipWaiting();
    await new Promise((resolve) => setTimeout(resolve, TAKE_OVER_AGAIN_MS));
  }
}

/**
 * Shows a message, unless a page shows it: a page that has the focus does so without a notification, any other one takes
 * the lock of the message.
 */
async function showPushed(message: PushedMessage): Promise<void> {
  const { held } = await self.navigator.locks.query();
  if (held?.some(({ name }) => name === FOCUS_LOCK)) return;
  await self.navigator.locks.request(shownLock(message.id), { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    const data: NotificationData = { room: message.room };
    await self.registration.showNotification(pushedTitle(message), {
      body: pushedBody(message, self.navigator.language),
      icon: FILES.find((file) => file.includes("/icon-192")),
      tag: roomTag(message.room),
      data,
      ...{ renotify: true },
    });
    await new Promise((resolve) => setTimeout(resolve, SHOWN_MS));
  });
}

interface PushChange extends ExtendableEvent {
  oldSubscription?: PushSubscription;
}

/** The browser has dropped its subscription. The next page that is opened tells the server of the new one. */
async function subscribeAgain({ oldSubscription }: PushChange): Promise<void> {
  if (oldSubscription) await self.registration.pushManager.subscribe(oldSubscription.options);
}

async function openRoom(room: number): Promise<void> {
  const open = await windows();
  const found =
    open[
      windowFor(
        open.map(({ url }) => url),
        room,
      )
    ];
  if (!found) return void (await self.clients.openWindow(roomUrl(room)));
  found.postMessage({ type: "open room", room } satisfies OpenRoom);
  // Browsers may refuse the focus.
  await found.focus().catch(() => {});
}
