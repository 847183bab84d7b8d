// Turns messages into rows: groups, day separators, the divider above new messages. Pure functions.

import type { Message } from "../net/types";
import type { PendingMessage } from "./outbox";
import type { PendingUpload } from "./uploads";

/** Messages of one sender within this time form a group. */
const GROUP_MS = 5 * 60_000;

interface Layout {
  key: string;
  at: number;
  /** Whether the row is the first of its day. */
  startsDay: boolean;
  /** Whether the divider above new messages is above this row. */
  hasDivider: boolean;
  /** Whether the row is the first of its group, which shows sender and avatar. */
  isGroupStart: boolean;
  isGroupEnd: boolean;
}

type Entry =
  | { kind: "message" | "system"; message: Message }
  | { kind: "pending"; pending: PendingMessage }
  | { kind: "upload"; upload: PendingUpload };

export type Row = Layout & Entry;

/** The rows of a room. The divider stands above the first message of others after `readId`; `null` means no divider. */
export function timeline(
  messages: Message[],
  pending: PendingMessage[],
  uploads: PendingUpload[],
  ownId: number,
  readId: number | null,
): Row[] {
  const rows: Row[] = [];
  let last: { at: number; user: number; day: string } | null = null;
  let isDivided = readId === null;
  const add = (key: string, user: number, at: number, entry: Entry) => {
    const isNew = entry.kind === "message" && user !== ownId && entry.message.id > (readId ?? 0);
    const hasDivider = !isDivided && isNew;
    isDivided ||= hasDivider;
    const day = new Date(at).toDateString();
    const startsDay = last?.day !== day;
    const isGroupStart = startsDay || hasDivider || last?.user !== user || at - last.at > GROUP_MS;
    const above = rows[rows.length - 1];
    if (above) above.isGroupEnd = isGroupStart;
    rows.push({ key, at, startsDay, hasDivider, isGroupStart, isGroupEnd: true, ...entry });
    last = { at, user, day };
  };
  for (const message of messages) {
    // A message keeps the key that it had before it was stored.
    const key = (message.user_id === ownId && message.client_id) || String(message.id);
    const kind = message.user_id === 0 ? "system" : "message";
    add(key, message.user_id, Date.parse(message.created_at), { kind, message });
  }
  for (const entry of pending) add(entry.clientId, ownId, entry.at, { kind: "pending", pending: entry });
  for (const upload of uploads) add(upload.clientId, ownId, upload.at, { kind: "upload", upload });
  return rows;
}
