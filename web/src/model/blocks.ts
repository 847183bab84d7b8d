// The users whom the user blocks.

import { signal } from "@preact/signals";
import { api } from "../net/http";

/** Null until they are known. */
export const blocked = signal<ReadonlySet<number> | null>(null);

/** Forgets them, as the session has ended. */
export function resetBlocks(): void {
  blocked.value = null;
}

export async function loadBlocks(): Promise<void> {
  const list = await api.blocks();
  blocked.value = new Set(list.map(({ user_id }) => user_id));
}

export async function setBlocked(userId: number, isBlocked: boolean): Promise<void> {
  await (isBlocked ? api.block(userId) : api.unblock(userId));
  const next = new Set(blocked.peek());
  if (isBlocked) next.add(userId);
  else next.delete(userId);
  blocked.value = next;
}
