// Joins what is known of the messages of a room with what arrives. Pure functions.

import type { Message } from "../net/types";
import { latest } from "./amendments";

/** Joins known and incoming messages, in order and each once, with its latest text, without deleted ones. */
export function mergeMessages(
  known: Message[],
  incoming: Message[],
  deletedIds: ReadonlySet<number>,
): Message[] {
  const last = known[known.length - 1];
  const only = incoming.length === 1 ? incoming[0] : undefined;
  // The usual case: one more at the end.
  if (only && (!last || only.id > last.id)) return deletedIds.has(only.id) ? known : [...known, only];
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of incoming) {
    if (!deletedIds.has(message.id)) byId.set(message.id, latest(byId.get(message.id), message));
  }
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/**
 * Drops the known messages that a fresh newest page covers but no longer contains: they were deleted. If so much was
 * missed that the page does not reach back to the known messages, drops these as well: the gap would be invisible.
 */
export function reconcile(known: Message[], page: Message[], isWhole: boolean): Message[] {
  const first = page[0];
  const last = page[page.length - 1];
  const oldest = known[0];
  if (!first || !last || !oldest) return [];
  const hasGap = !isWhole && oldest.id < first.id && !known.some((message) => message.id === first.id);
  // Messages that arrived as events since then may be newer than the gap.
  if (hasGap) return known.filter((message) => message.id > last.id);
  const ids = new Set(page.map((message) => message.id));
  return known.filter((message) => {
    const isCovered = message.id <= last.id && (isWhole || message.id >= first.id);
    return ids.has(message.id) || !isCovered;
  });
}
