// Opens rooms and reads their messages, page by page.

import { batch, effect } from "@preact/signals";
import type { HistoryPage } from "../net/command_socket";
import { Refused } from "../net/refused";
import { allAmended } from "./amendments";
import { onReturn } from "./attention";
import { connection } from "./connection";
import { mergeMessages, reconcile } from "./merging";
import * as outbox from "./outbox";
import { placeDivider, readView } from "./reading";
import { fetchStatusSoon } from "./receipts";
import {
  activeRoom,
  activeRoomId,
  conversations,
  type FetchBuffer,
  isAtEnd,
  type Room,
  roomOf,
} from "./rooms";

export const PAGE_SIZE = 50;
/** Pages of this size are never cut, however long the messages. */
const LONG_PAGE_SIZE = 10;
/** The server keeps at most this many messages of a room. */
const MAX_MESSAGES = 1000;
/** Messages that a room keeps when another one is opened: it opens at its end again. */
const KEPT_WHEN_LEFT = 2 * PAGE_SIZE;

/** Opens a room, or closes the open one with `null`. */
export function openRoom(id: number | null): void {
  if (activeRoomId.peek() === id) return;
  const previous = activeRoom();
  if (previous) readView(previous);
  batch(() => {
    if (previous) previous.divider.value = null;
    previous?.keepNewest(KEPT_WHEN_LEFT);
    activeRoomId.value = id;
    isAtEnd.value = true;
  });
  if (id === null) return;
  const room = roomOf(id);
  room.announced.value = [];
  room.reading.value = "undecided";
  room.seen = null;
  placeDivider(room);
  if (room.state.peek() !== "ready" || room.isStale) return void loadNewest(room);
  fetchStatusSoon(room, 0);
}

/** Reads a page without marking it: what was in view counts as read. */
const fetchPage = (room: Room, page: number, page_size: number) =>
  connection.fetchHistory({ room_id: room.id, page, page_size, peek: true });

/** Reads the newest page and reconciles the loaded messages with it. */
export async function loadNewest(room: Room): Promise<void> {
  if (connection.status.peek() !== "open" || room.state.peek() === "loading") return;
  const known = room.messages.peek();
  const { staleCount, isLost } = room;
  const arrived = openBuffer(room);
  if (known.length === 0) room.state.value = "loading";
  const size = Math.min(MAX_MESSAGES, Math.max(PAGE_SIZE, known.length));
  try {
    const page = await fetchPage(room, 1, size);
    const isWhole = !page.isCut && page.messages.length < size;
    batch(() => {
      if (isLost) room.messages.value = [];
      applyPage(room, page, isWhole, arrived, known.length === 0);
      room.isStale = room.staleCount !== staleCount;
      room.isLost = room.isLost && room.isStale;
    });
    fetchStatusSoon(room, 0);
    if (room.isStale && activeRoomId.peek() === room.id) void loadNewest(room);
  } catch (error) {
    if (room.messages.peek().length > 0) room.state.value = "ready";
    else room.state.value = error instanceof Refused && error.code === "lost" ? "idle" : "error";
  } finally {
    room.fetchBuffers.delete(arrived);
  }
}

/** Buffers what arrives from now on, until the buffer is removed from the room. */
function openBuffer(room: Room): FetchBuffer {
  const buffer: FetchBuffer = { messages: [], amendments: [] };
  room.fetchBuffers.add(buffer);
  return buffer;
}

function applyPage(
  room: Room,
  { messages: page, isCut }: HistoryPage,
  isWhole: boolean,
  arrived: FetchBuffer,
  isFirst: boolean,
): void {
  room.hasLongMessages ||= isCut;
  const known = mergeMessages(reconcile(room.messages.peek(), page, isWhole), page, room.deletedIds);
  const merged = mergeMessages(known, arrived.messages, room.deletedIds);
  room.messages.value = allAmended(merged, arrived.amendments);
  // A message whose echo never came is stored after all.
  for (const { client_id } of page) if (client_id && outbox.find(client_id)) outbox.remove(client_id);
  room.hasOlder.value = !isWhole && page.length < MAX_MESSAGES;
  room.state.value = "ready";
  if (activeRoomId.peek() !== room.id) return;
  // In an empty room there is no view to wait for.
  if (room.messages.peek().length === 0) room.reading.value = "on";
  if (isFirst && room.divider.peek() === null) placeDivider(room);
}

/** Reads the page above the loaded messages. Pages count from the newest message. */
export async function loadOlder(room: Room, wanted = PAGE_SIZE): Promise<void> {
  if (!room.hasOlder.peek() || room.isLoadingOlder.peek() || room.state.peek() !== "ready") return;
  room.isLoadingOlder.value = true;
  const arrived = openBuffer(room);
  try {
    const before = room.messages.peek().length;
    const size = room.hasLongMessages ? LONG_PAGE_SIZE : wanted;
    const number = Math.floor(before / size) + 1;
    const { messages, isCut } = await fetchPage(room, number, size);
    batch(() => {
      const merged = mergeMessages(room.messages.peek(), messages, room.deletedIds);
      room.messages.value = allAmended(merged, arrived.amendments);
      const hasMore = messages.length === size && room.messages.peek().length > before;
      room.hasOlder.value = hasMore || (isCut && !room.hasLongMessages);
      room.hasLongMessages ||= isCut;
      if (room.reading.peek() === "behind" && room.divider.peek() === null) placeDivider(room);
    });
  } catch {
    // Further scrolling tries again.
  } finally {
    room.fetchBuffers.delete(arrived);
    room.isLoadingOlder.value = false;
  }
}

// Reads the open room again after its user was removed from it and added again.
effect(() => {
  const id = activeRoomId.value;
  const isListed = id !== null && conversations.value.has(id);
  if (isListed && !document.hidden && roomOf(id).state.peek() === "idle") void loadNewest(roomOf(id));
});

export const loadOffline = () => import("./offline");

// Without a connection the open room shows what is kept of it, for which the code may not be loaded yet.
effect(() => {
  const id = activeRoomId.value;
  if (id === null || connection.status.value !== "waiting") return;
  loadOffline().catch(() => {
    const { state } = roomOf(id);
    if (connection.status.peek() !== "open" && state.peek() !== "ready") state.value = "error";
  });
});

/** Reads the open room again if it may lack messages. A page out of view waits. */
export async function refreshActiveRoom(): Promise<void> {
  const room = activeRoom();
  if (!room || document.hidden) return;
  if (room.state.peek() !== "ready" || room.isStale) await loadNewest(room);
}

onReturn(() => {
  void refreshActiveRoom();
  const room = activeRoom();
  // Messages may have passed by unseen.
  room?.doubtReading();
});
