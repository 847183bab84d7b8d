// The users whom the user blocks.

import { signal } from "@preact/signals";
import { api } from "../net/http";

/** Their names by their ids; null until they are known. */
export const blocked = signal<ReadonlyMap<number, string> | null>(null);

/** Forgets them, as the session has ended. */
export function resetBlocks(): void {
  blocked.value = null;
}

export async function loadBlocks(): Promise<void> {
  const list = await api.blocks();
  blocked.value = new Map(list.map(({ user_id, username }) => [user_id, username]));
}

export async function setBlocked(userId: number, name: string, isBlocked: boolean): Promise<void> {
  await (isBlocked ? api.block(userId) : api.unblock(userId));
  const next = new Map(blocked.peek());
  if (isBlocked) next.set(userId, name);
  else next.delete(userId);
  blocked.value = next;
}
