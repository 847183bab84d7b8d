// The conversation to which the keyboard leads from the open one.

import type { Conversation } from "../net/types";

/**
 * The conversation a step below or above the open one, or the nearest unread one in that direction, then from the other
 * end; `null` if there is none.
 */
export function nextRoom(
  list: Conversation[],
  openId: number | null,
  step: 1 | -1,
  isUnread: boolean,
): number | null {
  const ordered = step === 1 ? list : [...list].reverse();
  const at = ordered.findIndex(({ id }) => id === openId);
  const after = ordered.slice(at + 1);
  if (!isUnread) return after[0]?.id ?? null;
  const around = [...after, ...ordered.slice(0, Math.max(at, 0))];
  return around.find(({ unread }) => unread > 0)?.id ?? null;
}
