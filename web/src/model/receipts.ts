// How far one's own messages have come, and what one has read.

import { effect } from "@preact/signals";
import { api } from "../net/http";
import type { Message } from "../net/types";
import { connection } from "./connection";
import { refreshSoon } from "./list";
import { active, conversations, isAtEnd, patch, type Room, roomOf } from "./rooms";
import { me } from "./session";

/** Reading is told once for all that comes within this time. */
const READ_MS = 120;
/** The state is asked for this many of one's newest messages. */
const ASKED = 3;

export type Tick = "sent" | "delivered" | "read";

export function tickOf(room: Room, message: Message): Tick {
  const byOther = conversations.value.get(room.id)?.read_by_other_id ?? 0;
  if (message.id <= Math.max(byOther, room.readTo.value)) return "read";
  return message.id <= room.deliveredTo.value ? "delivered" : "sent";
}

/** In the room that everyone is in the server keeps no receipts. */
export function hasReceipts(room: number): boolean {
  return conversations.value.get(room)?.room_id !== "global";
}

const timers = new Map<number, number>();

/** Asks, after a while, how far one's newest messages have come. */
export function statusSoon(room: Room, ms: number): void {
  if (!hasReceipts(room.id)) return;
  clearTimeout(timers.get(room.id));
  timers.set(
    room.id,
    window.setTimeout(() => void readStatus(room), ms),
  );
}

async function readStatus(room: Room): Promise<void> {
  const own = room.messages.peek().filter((it) => it.user_id === me.peek()?.id && it.id > room.readTo.peek());
  for (const message of own.slice(-ASKED).reverse()) {
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

/** Tells the server that what is before the reader's eyes is read. */
export function noteRead(room: Room): void {
  const it = conversations.peek().get(room.id);
  const last = room.messages.peek().findLast((message) => message.user_id !== me.peek()?.id);
  if (!it || !last || document.hidden || room.state.peek() !== "ready") return;
  if (it.unread === 0 && last.id <= (it.read_id ?? 0)) return;
  patch(room.id, () => ({ unread: 0, read_id: Math.max(last.id, it.read_id ?? 0) }));
  clearTimeout(readTimers.get(room.id));
  const tell = () => {
    const payload = { room_id: room.id, id: last.id };
    connection.command({ type: "mark_read", payload }).catch(() => refreshSoon());
  };
  readTimers.set(room.id, window.setTimeout(tell, READ_MS));
}

effect(() => {
  const id = active.value;
  if (isAtEnd.value && id !== null) noteRead(roomOf(id));
});
