// Marks messages as unread, and whole rooms as read or unread.

import type { Message } from "../net/types";
import { connection } from "./connection";
import { isOthers, keepUnread, markRead, placeDivider } from "./reading";
import { activeRoomId, conversations, newestMessage, patchConversation, type Room, roomOf } from "./rooms";

/** As many of the newest messages are searched for one of others. */
const SEARCHED = 50;

/** Marks all messages of a room as read. */
export function markAllRead(id: number): void {
  const last = newestMessage(id) ?? conversations.peek().get(id)?.last_message;
  if (last) markRead(id, last.id, 0);
  if (activeRoomId.peek() === id) roomOf(id).reading.value = "on";
}

/** Counts a message of another user, and those behind it, as unread, until the room is opened again. */
export async function markUnread(room: Room, first: Message): Promise<void> {
  keepUnread(room);
  try {
    await connection.command({ type: "mark_unread", payload: { room_id: room.id, id: first.id } });
  } catch (error) {
    room.reading.value = "on";
    throw error;
  }
  const unread = room.messages.peek().filter((message) => isOthers(message) && message.id >= first.id).length;
  patchConversation(room.id, () => ({ unread: Math.max(unread, 1), read_id: first.id - 1 }));
  if (activeRoomId.peek() === room.id) placeDivider(room);
}

/** Marks the newest message of others in a room as unread. Returns `false` if there is none. */
export async function markLatestUnread(id: number): Promise<boolean> {
  const room = roomOf(id);
  const isLoaded = room.state.peek() === "ready" && !room.isStale;
  const query = { room_id: id, page: 1, page_size: SEARCHED, peek: true };
  const messages = isLoaded ? room.messages.peek() : (await connection.fetchHistory(query)).messages;
  const last = messages.findLast(isOthers);
  if (last) await markUnread(room, last);
  return last !== undefined;
}
