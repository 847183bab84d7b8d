// Who is online: asked once, then told by events.

import { signal } from "@preact/signals";
import { api } from "../net/http";

/** An open socket counts as activity once a minute. */
const ONLINE_MS = 90_000;

export const online = signal<ReadonlySet<number>>(new Set());

/** Asks who is there. Document 003 lists those of the last half hour; who is there now was active just now. */
export async function findOnline(): Promise<void> {
  try {
    const users = await api.onlineUsers();
    const latest = Math.max(...users.map((user) => Date.parse(user.last_activity)));
    const here = users.filter((user) => latest - Date.parse(user.last_activity) < ONLINE_MS);
    online.value = new Set(here.map((user) => user.user_id));
  } catch {
    // Dots appear with the next events.
  }
}

export function noteOnline(user: number, isOnline: boolean): void {
  if (online.peek().has(user) === isOnline) return;
  const next = new Set(online.peek());
  if (isOnline) next.add(user);
  else next.delete(user);
  online.value = next;
}
