// The pinned messages of the open room, whether they are loaded or not.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import { api } from "../net/http";
import type { EventFrame, Message, RoomMessage } from "../net/types";
import { allAmended } from "./amendments";
import { connection } from "./connection";
import { observers } from "./events";
import { activeRoomId, conversations, type Room, roomOf } from "./rooms";
import { me } from "./session";

/** The pause before pins that could not be read are read again. */
const RETRY_MS = 5000;
/** The last response counts even if something changed during the request. */
const MAX_REQUESTS = 3;

const known = new WeakMap<Room, Signal<RoomMessage[]>>();
/** The rooms whose pins are being read, and whether the response may lack a change. */
const readings = new WeakMap<Room, { isOutdated: boolean }>();

/** The pinned messages of a room, the newest message first; empty until they are known. */
export function pinsOf(room: Room): Signal<RoomMessage[]> {
  const found = known.get(room) ?? signal<RoomMessage[]>([]);
  known.set(room, found);
  return found;
}

export const isPinned = (room: Room, id: number) => pinsOf(room).value.some((pinned) => pinned.id === id);

/** Whether the server lets the user pin messages: both users of a direct room, else its owner and admins. */
export function canPin(room: Room): boolean {
  if (conversations.value.get(room.id)?.kind === "direct") return true;
  const role = room.members.value?.find(({ user_id }) => user_id === me.value?.id)?.role;
  return role === "owner" || role === "admin";
}

export function pin(room: number, message: Message, on: boolean): Promise<void> {
  return connection.command({ type: "pin", payload: { room_id: room, id: message.id, on } });
}

/** Reads the pins of a room, with one request at a time. */
export async function loadPins(room: Room): Promise<void> {
  const running = readings.get(room);
  if (running) {
    running.isOutdated = true;
    return;
  }
  const reading = { isOutdated: false };
  readings.set(room, reading);
  try {
    for (let count = 1; count <= MAX_REQUESTS; count += 1) {
      reading.isOutdated = false;
      const pins = await api.pins(room.id);
      if (reading.isOutdated && count < MAX_REQUESTS) continue;
      pinsOf(room).value = pins;
      return;
    }
  } catch {
    setTimeout(() => openRoom.peek() === room && void loadPins(room), RETRY_MS);
  } finally {
    readings.delete(room);
  }
}

/** The open room, while there is a connection that delivers its changes. */
const openRoom = computed(() => {
  const room = activeRoomId.value === null ? null : roomOf(activeRoomId.value);
  return connection.status.value === "open" && room?.state.value === "ready" ? room : null;
});

effect(() => {
  const room = openRoom.value;
  if (room) untracked(() => void loadPins(room));
});

observers.add(note);

/** Applies an event to the pins of the open room. The others are read when they are opened. */
function note(frame: EventFrame): void {
  const room = openRoom.peek();
  if (!room || !("room_id" in frame.payload) || frame.payload.room_id !== room.id) return;
  const pins = pinsOf(room);
  switch (frame.type) {
    case "pinned":
      pins.value = withPin(pins.peek(), room, frame.payload);
      return void loadPins(room);
    case "not_recovered":
      return void loadPins(room);
    case "message_deleted":
      pins.value = pins.peek().filter(({ id }) => id !== frame.payload.id);
      return outdate(room);
    case "message_edited":
    case "mentions_changed":
    case "reaction":
    case "reactions":
      pins.value = allAmended(pins.peek(), [frame]);
      return outdate(room);
  }
}

/** Records that a pending response may lack a change. */
function outdate(room: Room): void {
  const reading = readings.get(room);
  if (reading) reading.isOutdated = true;
}

/** Pins with a message more or less. One that is not loaded is added once the server has sent it. */
function withPin(pins: RoomMessage[], room: Room, { id, on }: { id: number; on: boolean }): RoomMessage[] {
  const others = pins.filter((pinned) => pinned.id !== id);
  const message = on ? room.byId(id) : undefined;
  if (!message) return on ? pins : others;
  return [{ ...message, room_id: room.id }, ...others].sort((a, b) => b.id - a.id);
}
