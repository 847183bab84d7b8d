// How messages become rows: grouping, day separators, the line above what is new. Pure.

import type { Message } from "../net/types";
import type { Pending } from "./outbox";
import type { Uploading } from "./uploads";

/** Messages of one sender within this time stand together. */
const GROUP_MS = 5 * 60_000;

interface Place {
  key: string;
  at: number;
  /** Shown above: another day begins here. */
  day: boolean;
  /** Shown above: what is new begins here. */
  divider: boolean;
  /** The first of its group, which shows sender and picture. */
  isHead: boolean;
  /** The last of its group. */
  isTail: boolean;
}

type Entry =
  | { kind: "message" | "system"; message: Message }
  | { kind: "pending"; pending: Pending }
  | { kind: "upload"; upload: Uploading };

export type Row = Place & Entry;

export function timeline(
  messages: Message[],
  pending: Pending[],
  uploads: Uploading[],
  own: number,
  divider: number | null,
): Row[] {
  const rows: Row[] = [];
  let last: { at: number; user: number; day: string } | null = null;
  let hasDivider = divider === null;
  const add = (key: string, user: number, at: number, entry: Entry) => {
    const isNew = entry.kind === "message" && user !== own && entry.message.id > (divider ?? 0);
    const isDivider = !hasDivider && isNew;
    hasDivider ||= isDivider;
    const day = new Date(at).toDateString();
    const isNewDay = last?.day !== day;
    const isHead = isNewDay || isDivider || last?.user !== user || at - last.at > GROUP_MS;
    const above = rows[rows.length - 1];
    if (above) above.isTail = isHead;
    rows.push({ key, at, day: isNewDay, divider: isDivider, isHead, isTail: true, ...entry });
    last = { at, user, day };
  };
  for (const message of messages) {
    // A message keeps the row that it had before it was stored.
    const key = (message.user_id === own && message.client_id) || String(message.id);
    const kind = message.user_id === 0 ? "system" : "message";
    add(key, message.user_id, Date.parse(message.created_at), { kind, message });
  }
  for (const entry of pending) add(entry.clientId, own, entry.at, { kind: "pending", pending: entry });
  for (const upload of uploads) add(upload.clientId, own, upload.at, { kind: "upload", upload });
  return rows;
}

/** The place of a message among rows, or -1. */
export function rowOf(rows: Row[], id: number): number {
  return rows.findIndex((row) => "message" in row && row.message.id === id);
}

/** Joins what is known with what came, in order, each once. */
export function merge(known: Message[], came: Message[], deleted: ReadonlySet<number>): Message[] {
  const last = known[known.length - 1];
  const only = came.length === 1 ? came[0] : undefined;
  // The usual case: one more at the end.
  if (only && (!last || only.id > last.id)) return deleted.has(only.id) ? known : [...known, only];
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of came) if (!deleted.has(message.id)) byId.set(message.id, message);
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/**
 * Drops what a fresh newest page no longer has, although it covers its place; and all that is older when so much was
 * missed that the page does not reach back to it: nobody would notice the gap.
 */
export function reconcile(known: Message[], page: Message[], isWhole: boolean): Message[] {
  const first = page[0];
  const last = page[page.length - 1];
  const oldest = known[0];
  if (!first || !last || !oldest) return [];
  // A message that came by itself since then may be newer than the gap.
  const isApart = !isWhole && oldest.id < first.id && !known.some((message) => message.id === first.id);
  if (isApart) return known.filter((message) => message.id > last.id);
  const ids = new Set(page.map((message) => message.id));
  return known.filter((message) => {
    const isCovered = message.id <= last.id && (isWhole || message.id >= first.id);
    return ids.has(message.id) || !isCovered;
  });
}
