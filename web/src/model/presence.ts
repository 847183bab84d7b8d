// Presence: fetched at first and once more a little later, then kept by events.

import { signal } from "@preact/signals";
import { api } from "../net/http";

/** The server records the activity of an open socket once a minute. */
const ONLINE_MS = 90_000;

export const online = signal<ReadonlySet<number>>(new Set());
/** Timers of users who were active, perhaps without a socket whose end the server would announce. */
const expirations = new Map<number, number>();
let secondFetch = 0;

/** Fetches who is online. Fetches again later: users who had just left were still listed, and no event removes them. */
export async function loadOnline(): Promise<void> {
  await fetchOnline();
  clearTimeout(secondFetch);
  secondFetch = window.setTimeout(fetchOnline, ONLINE_MS);
}

/** Document 003 lists the users of the last half hour; of these the ones with recent activity are online. */
async function fetchOnline(): Promise<void> {
  try {
    const users = await api.onlineUsers();
    const latest = Math.max(...users.map((user) => Date.parse(user.last_activity)));
    const recent = users.filter((user) => latest - Date.parse(user.last_activity) < ONLINE_MS);
    for (const { user_id } of recent) setOnline(user_id, true);
    online.value = new Set([...recent.map((user) => user.user_id), ...expirations.keys()]);
  } catch {
    // The next events show who is online.
  }
}

/** Shows a user who was active at the time `at` as online, for a while without further events. */
export function noteActivity(userId: number, at: number): void {
  const remaining = ONLINE_MS - (Date.now() - at);
  if (remaining <= 0 || (online.peek().has(userId) && !expirations.has(userId))) return;
  setOnline(userId, true);
  expirations.set(
    userId,
    window.setTimeout(() => setOnline(userId, false), Math.min(remaining, ONLINE_MS)),
  );
}

export function setOnline(userId: number, isOnline: boolean): void {
  clearTimeout(expirations.get(userId));
  expirations.delete(userId);
  if (online.peek().has(userId) === isOnline) return;
  const next = new Set(online.peek());
  if (isOnline) next.add(userId);
  else next.delete(userId);
  online.value = next;
}

export function resetPresence(): void {
  clearTimeout(secondFetch);
  for (const timer of expirations.values()) clearTimeout(timer);
  expirations.clear();
  online.value = new Set();
}
