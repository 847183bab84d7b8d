// Receipts: how far the user's own messages have come.

import { api } from "../net/http";
import type { Message } from "../net/types";
import { conversations, type Room } from "./rooms";
import { me } from "./session";

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
