// Who is online: asked at first and once more, then told by events.

import { signal } from "@preact/signals";
import { api } from "../net/http";

/** An open socket counts as activity once a minute. */
const ONLINE_MS = 90_000;

export const online = signal<ReadonlySet<number>>(new Set());
/** Those of whom only a sign was seen, who may have no socket that would tell of their end. */
const seen = new Map<number, number>();
let again = 0;

/** Asks who is there. Document 003 lists those of the last half hour; who is there now was active just now. */
export async function findOnline(): Promise<void> {
  await ask();
  // Who had left shortly before was among them still, and tells nobody any more.
  clearTimeout(again);
  again = window.setTimeout(ask, ONLINE_MS);
}

async function ask(): Promise<void> {
  try {
    const users = await api.onlineUsers();
    const latest = Math.max(...users.map((user) => Date.parse(user.last_activity)));
    const here = users.filter((user) => latest - Date.parse(user.last_activity) < ONLINE_MS);
    for (const { user_id } of here) noteOnline(user_id, true);
    online.value = new Set([...here.map((user) => user.user_id), ...seen.keys()]);
  } catch {
    // Dots appear with the next events.
  }
}

/** Someone did something at `at`: is here, unless nothing more is heard. */
export function noteSeen(user: number, at: number): void {
  const rest = ONLINE_MS - (Date.now() - at);
  if (rest <= 0 || (online.peek().has(user) && !seen.has(user))) return;
  noteOnline(user, true);
  seen.set(
    user,
    window.setTimeout(() => noteOnline(user, false), Math.min(rest, ONLINE_MS)),
  );
}

export function noteOnline(user: number, isOnline: boolean): void {
  clearTimeout(seen.get(user));
  seen.delete(user);
  if (online.peek().has(user) === isOnline) return;
  const next = new Set(online.peek());
  if (isOnline) next.add(user);
  else next.delete(user);
  online.value = next;
}

export function forgetOnline(): void {
  clearTimeout(again);
  for (const timer of seen.values()) clearTimeout(timer);
  seen.clear();
  online.value = new Set();
}
