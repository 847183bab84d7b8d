// What is known of the conversations: the list on the left, and one `Room` for each that was looked at.

import { computed, signal } from "@preact/signals";
import type { Conversation, Member, Message } from "../net/types";

export type Loading = "idle" | "loading" | "ready" | "error";

interface Typist {
  id: number;
  name: string;
  until: number;
}

export class Room {
  readonly id: number;
  readonly messages = signal<Message[]>([]);
  readonly state = signal<Loading>("idle");
  readonly hasOlder = signal(false);
  readonly isLoadingOlder = signal(false);
  /** What was read when the room was opened; the line above what is new stays there. */
  readonly divider = signal<number | null>(null);
  readonly typing = signal<Typist[]>([]);
  /** The highest message that each user is known to have read. */
  readonly readers = signal<ReadonlyMap<number, number>>(new Map());
  readonly deliveredTo = signal(0);
  readonly readTo = signal(0);
  readonly members = signal<Member[] | null>(null);
  /** What arrived while it was open, for screen readers. */
  readonly heard = signal<Message[]>([]);
  /** Whether messages may be missing that came while the connection was lost. */
  isStale = false;
  /** How often that became possible. */
  doubts = 0;
  /** What arrives while a page is on its way, for each that is: the page may have been read before. */
  readonly meanwhile = new Set<Message[]>();

  constructor(id: number) {
    this.id = id;
  }

  doubt(): void {
    this.isStale = true;
    this.doubts += 1;
  }

  byId(id: number): Message | undefined {
    return this.messages.value.find((message) => message.id === id);
  }
}

export const conversations = signal<ReadonlyMap<number, Conversation>>(new Map());
export const listState = signal<Loading>("idle");
export const sorted = computed(() =>
  [...conversations.value.values()].sort((a, b) => Date.parse(b.active_at) - Date.parse(a.active_at)),
);
export const unreadTotal = computed(() =>
  [...conversations.value.values()].reduce((sum, it) => sum + it.unread, 0),
);
/** The number of the room that is open. */
export const active = signal<number | null>(null);
/** Whether the end of the open room is in view. */
export const isAtEnd = signal(true);

/** Deleted messages, lest a page that was read before brings them back. */
export const deleted = new Set<number>();
const rooms = new Map<number, Room>();

export function roomOf(id: number): Room {
  let room = rooms.get(id);
  if (!room) {
    room = new Room(id);
    rooms.set(id, room);
  }
  return room;
}

export function knownRooms(): Iterable<Room> {
  return rooms.values();
}

/** The newest message that is known of a room, if it was ever looked at. */
export function newestOf(id: number): Message | undefined {
  return rooms.get(id)?.messages.peek().at(-1);
}

export function activeRoom(): Room | null {
  const id = active.peek();
  return id === null ? null : roomOf(id);
}

export function patch(id: number, part: (it: Conversation) => Partial<Conversation>): void {
  const it = conversations.peek().get(id);
  if (!it) return;
  const next = new Map(conversations.peek());
  next.set(id, { ...it, ...part(it) });
  conversations.value = next;
}

/** Takes a room out of the list: its user is no longer a member. */
export function forgetRoom(id: number): void {
  const next = new Map(conversations.peek());
  next.delete(id);
  conversations.value = next;
  rooms.delete(id);
}

export function forgetAll(): void {
  rooms.clear();
  deleted.clear();
  conversations.value = new Map();
  listState.value = "idle";
  active.value = null;
}
