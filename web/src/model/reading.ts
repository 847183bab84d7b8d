// What the user has read: the messages that were in view, in a window that has the focus.

import { effect } from "@preact/signals";
import type { Conversation, Message } from "../net/types";
import { isWatched } from "./attention";
import { connection } from "./connection";
import { noteArrival, refreshListSoon } from "./conversation_list";
import { activeRoom, activeRoomId, conversations, patchConversation, type Room, roomOf } from "./rooms";
import { me } from "./session";

/** After a `mark_read` the next one covers everything that comes into view within this time. */
const READ_EVERY_MS = 200;

/** Whether a message counts as unread until it is read: neither the server's nor the user's own. */
export const isOthers = ({ user_id }: Message) => user_id !== 0 && user_id !== me.peek()?.id;

/** Whether a message mentions the user, alone or with all others. */
export const isMentioned = ({ mentions = [] }: Message) =>
  mentions.some(({ user_id }) => user_id === null || user_id === me.peek()?.id);

/** The unread messages among the loaded ones of a room, oldest first. */
export function unreadMessages(room: Room): Message[] {
  const conversation = conversations.peek().get(room.id);
  if (!conversation || conversation.unread === 0) return [];
  const { read_id, unread } = conversation;
  const later = room.messages.peek().filter((message) => isOthers(message) && message.id > (read_id ?? 0));
  // Of a room in which nothing was ever read only what came since the user joined is unread.
  return read_id === null ? later.slice(-unread) : later;
}

/** Whether all unread messages of a room are loaded. */
export function isUnreadLoaded(room: Room): boolean {
  const unread = conversations.peek().get(room.id)?.unread ?? 0;
  return !room.hasOlder.peek() || unreadMessages(room).length >= unread;
}

/** Puts the divider above the messages that are unread now. */
export function placeDivider(room: Room): void {
  const conversation = conversations.peek().get(room.id);
  if (!conversation || conversation.unread === 0) {
    room.divider.value = null;
    return;
  }
  const [first] = isUnreadLoaded(room) ? unreadMessages(room) : [];
  room.divider.value = conversation.read_id ?? (first ? first.id - 1 : null);
}

/** Puts the divider above a message that arrives in the open room while it is not in view, if it is the first. */
export function noteMissed(room: Room, { unread, read_id, last_message }: Conversation): void {
  const isOpen = activeRoomId.peek() === room.id && room.state.peek() === "ready";
  if (isOpen && unread === 0 && !isWatched()) room.divider.value = read_id ?? last_message?.id ?? null;
}

/** Records which messages of the open room are in view. Those that were in view on the way there were seen as well. */
export function lookAt(room: Room, first: number, last: number): void {
  const { seen } = room;
  const isNext = seen !== null && first <= seen.last && last >= seen.first;
  room.seen = isNext
    ? { first: Math.min(first, seen.first), last: Math.max(last, seen.last) }
    : { first, last };
  decide(room);
  readSoon(room);
}

function decide(room: Room): void {
  const conversation = conversations.peek().get(room.id);
  const { seen } = room;
  if (!conversation || !seen || room.isStale || room.state.peek() !== "ready") return;
  const isKept = room.reading.peek() === "kept" && conversation.unread > 0;
  if (room.reading.peek() === "on" || isKept) return;
  const [first] = unreadMessages(room);
  const isReached = isUnreadLoaded(room) && (!first || first.id >= seen.first);
  if (!isReached && room.divider.peek() === null) placeDivider(room);
  room.reading.value = conversation.unread === 0 || isReached ? "on" : "behind";
}

let timer = 0;

function readSoon(room: Room): void {
  if (timer || !reads(room)) return;
  readView(room);
  timer = window.setTimeout(() => {
    timer = 0;
    const open = activeRoom();
    if (open) readView(open);
  }, READ_EVERY_MS);
}

/** Whether what is in view of a room counts as read at the moment. */
function reads(room: Room): boolean {
  return activeRoomId.peek() === room.id && isWatched() && room.reading.peek() === "on";
}

/** Marks what was seen of a room as read, and what is above. */
export function readView(room: Room): void {
  const conversation = conversations.peek().get(room.id);
  const { seen } = room;
  if (!conversation || !seen || !reads(room)) return;
  const own = me.peek()?.id;
  const last = room.messages.peek().findLast(({ id, user_id }) => id <= seen.last && user_id !== own);
  if (!last) return;
  const rest = unreadMessages(room).filter(({ id }) => id > last.id);
  if (last.id <= (conversation.read_id ?? 0) && rest.length === conversation.unread) return;
  void markRead(room.id, last.id, rest);
}

/** Marks messages up to one as read, here at once and then on the server. The rest stays unread. */
export async function markRead(room: number, id: number, rest: Message[]): Promise<void> {
  const left = { unread: rest.length, mentions: rest.filter(isMentioned).length };
  patchConversation(room, ({ read_id }) => ({ ...left, read_id: Math.max(id, read_id ?? 0) }));
  noteArrival();
  try {
    await connection.command({ type: "mark_read", payload: { room_id: room, id } });
    noteArrival();
  } catch {
    await refreshListSoon();
  }
}

/** Lets nothing of a room count as read while it stays open. What is in view was read before. */
export function keepUnread(room: Room): void {
  clearTimeout(timer);
  timer = 0;
  room.reading.value = "kept";
}

// The list may arrive after the messages of the open room.
effect(() => {
  const id = activeRoomId.value;
  if (id === null || !conversations.value.has(id)) return;
  const room = roomOf(id);
  if (room.reading.peek() === "undecided" && room.divider.peek() === null) placeDivider(room);
});
