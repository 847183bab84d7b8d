// Since when messages are unread.

import { connection } from "./connection";
import { isUnreadLoaded, unreadMessages } from "./reading";
import type { Room } from "./rooms";

/** The time of the first unread message of a room; `null` if it cannot be found out. */
export async function unreadSince(room: Room, unread: number): Promise<number | null> {
  const loaded = isUnreadLoaded(room) ? unreadMessages(room)[0] : undefined;
  if (loaded) return Date.parse(loaded.created_at);
  // One message a page: the one with so many messages behind it as are unread, or nearly, as own ones are among them.
  const query = { room_id: room.id, page: unread, page_size: 1, peek: true };
  const page = await connection.fetchHistory(query).catch(() => null);
  const [message] = page?.messages ?? [];
  return message ? Date.parse(message.created_at) : null;
}
