// Where one is: four addresses, and which conversation is shown.

import { computed, signal } from "@preact/signals";

const url = signal(location.pathname + location.search);

export const path = computed(() => url.value.split("?", 1)[0] ?? "/");
export const query = computed<Record<string, string>>(() =>
  Object.fromEntries(new URLSearchParams(url.value.split("?", 2)[1] ?? "")),
);

export function here(): string {
  return url.value;
}

export function go(to: string, replaces = false): void {
  if (to === url.peek()) return;
  if (!OWN.test(to.split("?", 1)[0] ?? "")) return location.replace(to);
  if (replaces) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  url.value = to;
}

/** Shows the conversation with this number; the address keeps it, so that going back works. */
export function openRoom(id: number | null): void {
  go(id === null ? "/chat" : `/chat?room=${id}`);
}

/** A message that is to be brought into view, once its room is there. */
export const wanted = signal<{ room: number; message: number } | null>(null);

/** Shows a message in its conversation. */
export function openMessage(room: number, message: number): void {
  openRoom(room);
  wanted.value = { room, message };
}

addEventListener("popstate", () => {
  url.value = location.pathname + location.search;
});

/** Our own pages, opened without leaving this one. */
const OWN = /^\/(chat|login|register)?$/;

addEventListener("click", (event) => {
  const link = (event.target as Element).closest?.("a");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented || link.target) return;
  if (link.origin !== location.origin || !OWN.test(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
