// Marks messages as unread, and whole rooms as read or unread.

import type { Message } from "../net/types";
import { connection } from "./connection";
import { isMentioned, isOthers, keepUnread, markRead, placeDivider } from "./reading";
import { activeRoomId, conversations, newestMessage, patchConversation, type Room, roomOf } from "./rooms";

/** As many of the newest messages are searched for one of others. */
const SEARCHED = 50;

/** Marks all messages of a room as read. Resolves once the server has done so, or cannot. */
export async function markAllRead(id: number): Promise<void> {
  const last = newestMessage(id) ?? conversations.peek().get(id)?.last_message;
  if (activeRoomId.peek() === id) roomOf(id).reading.value = "on";
  if (last) await markRead(id, last.id, []);
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
  const later = room.messages.peek().filter((message) => isOthers(message) && message.id >= first.id);
  const unread = later.length > 0 ? later : [first];
  patchConversation(room.id, () => ({
    unread: unread.length,
    mentions: unread.filter(isMentioned).length,
    read_id: first.id - 1,
  }));
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
