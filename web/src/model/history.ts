// Opening a room and reading its messages, page by page.

import { batch, effect } from "@preact/signals";
import { delay } from "../net/delay";
import { Refused } from "../net/socket";
import type { Message } from "../net/types";
import { connection } from "./connection";
import { isRead } from "./list";
import * as out from "./outbox";
import { noteRead, statusSoon } from "./receipts";
import { active, activeRoom, conversations, deleted, isAtEnd, patch, type Room, roomOf } from "./rooms";
import { merge, reconcile } from "./timeline";

const PAGE = 50;
/** Messages that the server serves of a room. */
const MOST = 1000;

export function open(id: number | null): void {
  if (active.peek() === id) return;
  batch(() => {
    const before = activeRoom();
    if (before) before.divider.value = null;
    active.value = id;
    isAtEnd.value = true;
  });
  if (id === null) return;
  const room = roomOf(id);
  room.heard.value = [];
  freezeDivider(room);
  if (room.state.peek() !== "ready" || room.isStale) return void load(room);
  noteRead(room);
  statusSoon(room, 0);
}

function freezeDivider(room: Room): void {
  const it = conversations.peek().get(room.id);
  room.divider.value = it && it.unread > 0 ? (it.read_id ?? 0) : null;
}

/** Reads the newest page; what was loaded before is compared with it. */
export async function load(room: Room): Promise<void> {
  if (connection.status.peek() !== "open" || room.state.peek() === "loading") return;
  const known = room.messages.peek();
  const doubts = room.doubts;
  const arrived: Message[] = [];
  room.meanwhile.add(arrived);
  if (known.length === 0) room.state.value = "loading";
  const size = Math.min(MOST, Math.max(PAGE, known.length));
  try {
    const page = await fetchPage(room.id, 1, size);
    batch(() => {
      show(room, page, size, arrived, known.length === 0);
      room.isStale = room.doubts !== doubts;
    });
    statusSoon(room, 0);
    if (room.isStale && active.peek() === room.id) void load(room);
    else if (arrived.length > 0 && isRead(room)) noteRead(room);
  } catch (error) {
    if (room.messages.peek().length > 0) room.state.value = "ready";
    else room.state.value = error instanceof Refused && error.isLost ? "idle" : "error";
  } finally {
    room.meanwhile.delete(arrived);
  }
}

function show(room: Room, page: Message[], size: number, arrived: Message[], isFirst: boolean): void {
  const isWhole = page.length < size;
  const known = merge(reconcile(room.messages.peek(), page, isWhole), page, deleted);
  room.messages.value = merge(known, arrived, deleted);
  // A message whose echo never came is stored after all.
  for (const { client_id } of page) if (client_id && out.find(client_id)) out.remove(client_id);
  room.hasOlder.value = !isWhole && page.length < MOST;
  room.state.value = "ready";
  if (active.peek() !== room.id) return;
  if (isFirst && room.divider.peek() === null) freezeDivider(room);
  // The server counts what it has shown as read.
  patch(room.id, () => ({ unread: 0, read_id: page.at(-1)?.id ?? null }));
}

function fetchPage(room_id: number, page: number, page_size: number): Promise<Message[]> {
  return connection.command({ type: "fetch_history", payload: { room_id, page, page_size } });
}

/** Reads the page above. Pages count from the newest message, so the one is asked for that holds the next older. */
export async function loadOlder(room: Room): Promise<void> {
  if (!room.hasOlder.peek() || room.isLoadingOlder.peek() || room.state.peek() !== "ready") return;
  room.isLoadingOlder.value = true;
  try {
    const before = room.messages.peek().length;
    const page = await fetchPage(room.id, Math.floor(before / PAGE) + 1, PAGE);
    batch(() => {
      room.messages.value = merge(room.messages.peek(), page, deleted);
      room.hasOlder.value = page.length === PAGE && room.messages.peek().length > before;
    });
  } catch {
    // Scrolling on asks again.
  } finally {
    room.isLoadingOlder.value = false;
  }
}

/** Loads until a message is there. `false` when the room no longer has it. */
export async function reach(room: Room, id: number): Promise<boolean> {
  for (let tries = 0; tries < MOST / PAGE + 1; tries += 1) {
    const first = room.messages.peek()[0];
    // The oldest loaded one is not drawn until it is known what stands above it.
    if (room.byId(id) && (first?.id !== id || !room.hasOlder.peek())) return true;
    if (!room.hasOlder.peek() || !first || first.id < id) return false;
    if (room.isLoadingOlder.peek()) await delay(50);
    else await loadOlder(room);
  }
  return false;
}

/** A room that one is taken into again is read again. */
effect(() => {
  const id = active.value;
  const isListed = id !== null && conversations.value.has(id);
  if (isListed && !document.hidden && roomOf(id).state.peek() === "idle") void load(roomOf(id));
});

/** A page that comes back into view shows what came meanwhile, and that is read. */
document.addEventListener("visibilitychange", () => {
  const room = activeRoom();
  if (!room || document.hidden) return;
  if (room.isStale || room.state.peek() === "idle") void load(room);
  else if (isAtEnd.peek()) noteRead(room);
});
