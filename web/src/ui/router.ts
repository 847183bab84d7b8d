// The address of the page: which of the four pages it is, and which conversation is shown.

import { computed, signal } from "@preact/signals";

const url = signal(location.pathname + location.search);

export const path = computed(() => url.value.split("?", 1)[0] ?? "/");
export const query = computed<Record<string, string>>(() =>
  Object.fromEntries(new URLSearchParams(url.value.split("?", 2)[1] ?? "")),
);

export function currentUrl(): string {
  return url.value;
}

/** Shows a page. Addresses outside the chat are loaded by the browser. */
export function navigate(to: string, replaces = false): void {
  if (to === url.peek()) return;
  if (!OWN_PATH.test(to.split("?", 1)[0] ?? "")) return location.replace(to);
  if (replaces) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  url.value = to;
}

/** Shows a conversation, or none with `null`. The address keeps its id, so that the back button works. */
export function showRoom(id: number | null): void {
  navigate(id === null ? "/chat" : `/chat?room=${id}`);
}

addEventListener("popstate", () => {
  url.value = location.pathname + location.search;
});

/** Paths that are shown without loading another page. */
const OWN_PATH = /^\/(chat|login|register)?$/;

addEventListener("click", (event) => {
  const link = (event.target as Element).closest?.("a");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented || link.target) return;
  if (link.origin !== location.origin || !OWN_PATH.test(link.pathname)) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
});
