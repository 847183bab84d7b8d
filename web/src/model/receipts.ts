// Receipts: how far the user's own messages have come, and what the user has read.

import { effect } from "@preact/signals";
import { api } from "../net/http";
import type { Message } from "../net/types";
import { isWatched } from "./attention";
import { connection } from "./connection";
import { refreshListSoon } from "./conversation_list";
import { activeRoomId, conversations, isAtEnd, patchConversation, type Room, roomOf } from "./rooms";
import { me } from "./session";

/** One `mark_read` covers everything that arrives within this time. */
const MARK_READ_DELAY_MS = 120;
/** The state of this many of the user's newest messages is fetched. */
const FETCHED_STATUSES = 3;

export type DeliveryState = "sent" | "delivered" | "read";

export function deliveryState(room: Room, message: Message): DeliveryState {
  const readByOther = conversations.value.get(room.id)?.read_by_other_id ?? 0;
  if (message.id <= Math.max(readByOther, room.readTo.value)) return "read";
  return message.id <= room.deliveredTo.value ? "delivered" : "sent";
}

/** Whether the server keeps receipts of a room; it keeps none of the global room. */
export function hasReceipts(room: number): boolean {
  return conversations.value.get(room)?.room_id !== "global";
}

const statusTimers = new Map<number, number>();

/** Fetches after a while how far the user's newest messages have come. */
export function fetchStatusSoon(room: Room, ms: number): void {
  if (!hasReceipts(room.id)) return;
  clearTimeout(statusTimers.get(room.id));
  statusTimers.set(
    room.id,
    window.setTimeout(() => void fetchStatus(room), ms),
  );
}

async function fetchStatus(room: Room): Promise<void> {
  const ownId = me.peek()?.id;
  const isUnread = (message: Message) => message.user_id === ownId && message.id > room.readTo.peek();
  const newestFirst = room.messages.peek().filter(isUnread).slice(-FETCHED_STATUSES).reverse();
  for (const message of newestFirst) {
    const answer = await api.status(message.id).catch(() => null);
    if (answer?.status === "read") {
      room.readTo.value = Math.max(room.readTo.peek(), message.id);
      return;
    }
    if (answer?.status === "delivered") {
      room.deliveredTo.value = Math.max(room.deliveredTo.peek(), message.id);
    }
  }
}

const readTimers = new Map<number, number>();

/** Marks the loaded messages of a room as read, here at once and soon at the server, if the page has the focus. */
export function markRead(room: Room): void {
  const conversation = conversations.peek().get(room.id);
  const last = room.messages.peek().findLast((message) => message.user_id !== me.peek()?.id);
  if (!conversation || !last || !isWatched() || room.state.peek() !== "ready") return;
  if (conversation.unread === 0 && last.id <= (conversation.read_id ?? 0)) return;
  patchConversation(room.id, ({ read_id }) => ({ unread: 0, read_id: Math.max(last.id, read_id ?? 0) }));
  clearTimeout(readTimers.get(room.id));
  const send = () => {
    const payload = { room_id: room.id, id: last.id };
    connection.command({ type: "mark_read", payload }).catch(() => refreshListSoon());
  };
  readTimers.set(room.id, window.setTimeout(send, MARK_READ_DELAY_MS));
}

effect(() => {
  const id = activeRoomId.value;
  if (isAtEnd.value && id !== null) markRead(roomOf(id));
});
