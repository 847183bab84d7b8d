// What the service worker answers itself, and from where; the texts of pushed notifications. Pure functions.

import type { PushedMessage } from "./messages";
import { plainText } from "./plain";

/** Every page of the client is the same document, which is kept under this address. */
export const PAGE = "/chat";
const PAGES: ReadonlySet<string> = new Set(["/", PAGE, "/login", "/register"]);
const CACHE_PREFIX = "chinwag-";

/** `network` means that the worker leaves the request alone. */
export type Source = "cache first" | "network first" | "network";

interface Asked {
  method: string;
  /** `navigate` for pages. */
  mode: string;
  url: string;
}

/**
 * Where the response to a request comes from. Files of this build have names with a hash of their content; whatever
 * else there is, such as the API, uploads, the dashboard, the documentation and the files of other builds, is the
 * server's.
 */
export function sourceOf({ method, mode, url }: Asked, origin: string, files: ReadonlySet<string>): Source {
  const { origin: host, pathname } = new URL(url);
  if (method !== "GET" || host !== origin) return "network";
  if (mode === "navigate") return PAGES.has(pathname) ? "network first" : "network";
  return files.has(pathname) ? "cache first" : "network";
}

export const cacheName = (version: string) => CACHE_PREFIX + version;

/** The caches of other versions. */
export function outdated(caches: string[], version: string): string[] {
  return caches.filter((name) => name.startsWith(CACHE_PREFIX) && name !== cacheName(version));
}

/**
 * Whether a page is of the build with these files: it names some, and no others. While a cluster is upgraded, the page may
 * come from a node of another version than the worker.
 */
export function isOfBuild(page: string, files: ReadonlySet<string>): boolean {
  const named = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
  return named.length > 0 && named.every((path) => files.has(path));
}

/** Whether a response is better than the cached page. Proxies answer for servers that restart. */
export const isFromServer = (status: number) => status < 500;

/** Whether a status says that the server has no service worker any more: an older version runs, or one without it. */
export const isGone = (status: number) => status === 404 || status === 410;

/** Whether an address shows a page of the client. */
export const isPage = (url: string) => PAGES.has(new URL(url).pathname);

/** Where a notification leads. */
export const roomUrl = (room: number) => `${PAGE}?room=${room}`;

/** The title of the notification of a pushed message. */
export const pushedTitle = ({ direct, from, name }: PushedMessage) => (direct ? from : `${from} · ${name}`);

/** Its text, in the language of the browser: a worker does not see what the user has chosen for the pages. */
export function pushedBody({ kind, text }: PushedMessage, language: string): string {
  const isChinese = language.toLowerCase().startsWith("zh");
  switch (kind) {
    case "image":
      return isChinese ? "[图片]" : "[Picture]";
    case "file":
    case "audio":
    case "video":
      return `${isChinese ? "[文件]" : "[File]"} ${text.replace(/\p{Bidi_Control}/gu, "")}`.trim();
    case "text":
      return plainText(text);
    case "emoji":
    case "system":
      return text;
  }
}

/** The index of the window that shows a room, else of one that can; -1 if there is none. */
export function windowFor(urls: string[], room: number): number {
  const shown = urls.findIndex(
    (url) => isPage(url) && new URL(url).searchParams.get("room") === String(room),
  );
  return shown >= 0 ? shown : urls.findIndex((url) => new URL(url).pathname === PAGE);
}
