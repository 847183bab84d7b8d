// The state of all conversations: the list of them, and one `Room` for each that was opened.

import { computed, signal } from "@preact/signals";
import type { Conversation, Member, Message, RoomSettings } from "../net/types";
import type { Amendment } from "./amendments";

export type LoadState = "idle" | "loading" | "ready" | "error";

/** Whether what is in view of the open room counts as read. */
export type Reading =
  /** Not before the view is compared with what is unread. */
  | "undecided"
  | "on"
  /** Not before the user reaches the first unread message, which is above the view. */
  | "behind"
  /** Not while the room stays open: the user has marked messages as unread. */
  | "kept";

interface Typist {
  id: number;
  name: string;
  until: number;
}

/** What arrives while a page is being fetched, which may be older. */
export interface FetchBuffer {
  messages: Message[];
  amendments: Amendment[];
}

/** Maximum number of recorded deletions, whose messages a pending page may still have. */
const MAX_DELETED = 1000;

export class Room {
  readonly id: number;
  readonly messages = signal<Message[]>([]);
  readonly state = signal<LoadState>("idle");
  readonly hasOlder = signal(false);
  readonly isLoadingOlder = signal(false);
  /** The last message that was read when the room was opened: the divider above new messages stays right below it. */
  readonly divider = signal<number | null>(null);
  readonly reading = signal<Reading>("undecided");
  /** The ids of the first and the last message in view, or of all that came into view without a gap. */
  seen: { first: number; last: number } | null = null;
  readonly typing = signal<Typist[]>([]);
  /** The highest message that each user is known to have read. */
  readonly readers = signal<ReadonlyMap<number, number>>(new Map());
  readonly deliveredTo = signal(0);
  readonly readTo = signal(0);
  readonly members = signal<Member[] | null>(null);
  /** What its owner and admins may change; `null` until it is known. */
  readonly settings = signal<RoomSettings | null>(null);
  /** Messages that arrived while the room was open, for screen readers. */
  readonly announced = signal<Message[]>([]);
  /** The message that the user edits in the composer. */
  readonly editing = signal<number | null>(null);
  /** What the user has typed for an edit and not saved, for when they come back from another room. */
  unsavedEdit: { id: number; text: string } | null = null;
  /** The keys of the rows whose long texts are shown whole. */
  readonly unfolded = signal<ReadonlySet<string>>(new Set());
  /** Whether messages may be missing because the connection was lost. */
  isStale = false;
  /** Whether the server has cut a page of it, because its messages are long. */
  hasLongMessages = false;
  /** How often the room became stale. */
  staleCount = 0;
  /** Whether the server may have lost loaded messages: the next page replaces them. */
  isLost = false;
  /** Ids of deleted messages. A page that was read before a deletion does not bring its message back. */
  readonly deletedIds = new Set<number>();
  /** One buffer per page that is being fetched. */
  readonly fetchBuffers = new Set<FetchBuffer>();

  constructor(id: number) {
    this.id = id;
  }

  markStale(): void {
    this.isStale = true;
    this.staleCount += 1;
    this.doubtReading();
  }

  /** Lets nothing more count as read before the present view is compared with what is unread. */
  doubtReading(): void {
    this.seen = null;
    if (this.reading.peek() === "on") this.reading.value = "undecided";
  }

  /** Drops what is stored by the ids of messages: the server may have lost them. */
  markLost(): void {
    this.markStale();
    this.isLost = true;
    this.deletedIds.clear();
    this.readers.value = new Map();
    this.deliveredTo.value = 0;
    this.readTo.value = 0;
  }

  /** Forgets all but the newest messages. The others are read again when the user scrolls up to them. */
  keepNewest(count: number): void {
    const all = this.messages.peek();
    if (all.length <= count) return;
    this.messages.value = all.slice(-count);
    this.hasOlder.value = true;
  }

  /** Records a deletion, and drops the oldest of too many. */
  noteDeleted(id: number): void {
    const [oldest] = this.deletedIds;
    if (oldest !== undefined && this.deletedIds.size >= MAX_DELETED) this.deletedIds.delete(oldest);
    this.deletedIds.add(id);
  }

  byId(id: number): Message | undefined {
    return this.messages.value.find((message) => message.id === id);
  }
}

export const conversations = signal<ReadonlyMap<number, Conversation>>(new Map());
export const listState = signal<LoadState>("idle");
/** Whether rooms are missing in the list, as the server cannot reach them at the moment. */
export const isListPartial = signal(false);
/** All conversations, the pinned ones first, then newest activity first. */
export const sortedConversations = computed(() =>
  [...conversations.value.values()].sort(
    (a, b) => +b.pinned - +a.pinned || Date.parse(b.active_at) - Date.parse(a.active_at),
  ),
);
export const activeRoomId = signal<number | null>(null);
/** Those that are listed. One that the user has hidden is while it is open or has something unread. */
export const listedConversations = computed(() =>
  sortedConversations.value.filter(
    ({ id, hidden, unread }) => !hidden || unread || id === activeRoomId.value,
  ),
);
/** The number of unread messages of a conversation that its settings count. */
export const countedUnread = ({ notify, unread, mentions }: Conversation): number =>
  notify === "all" ? unread : notify === "none" ? 0 : mentions;
export const unreadTotal = computed(() =>
  [...conversations.value.values()].reduce((sum, conversation) => sum + countedUnread(conversation), 0),
);
/** Whether the end of the active room is in view. */
export const isAtEnd = signal(true);

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

/** The newest loaded message of a room, if the room was ever opened. */
export function newestMessage(id: number): Message | undefined {
  return rooms.get(id)?.messages.peek().at(-1);
}

export function activeRoom(): Room | null {
  const id = activeRoomId.peek();
  return id === null ? null : roomOf(id);
}

/** Changes a conversation of the list. Does nothing if the list does not have it. */
export function patchConversation(
  id: number,
  change: (conversation: Conversation) => Partial<Conversation>,
): void {
  const conversation = conversations.peek().get(id);
  if (!conversation) return;
  const next = new Map(conversations.peek());
  const changed = { ...conversation, ...change(conversation) };
  next.set(id, withoutReadMentions(changed));
  conversations.value = next;
}

/** A conversation in which everything is read mentions nobody any more. */
export const withoutReadMentions = (conversation: Conversation): Conversation =>
  conversation.unread ? conversation : { ...conversation, mentions: 0 };

/** Removes a room that the user has left. */
export function removeRoom(id: number): void {
  const next = new Map(conversations.peek());
  next.delete(id);
  conversations.value = next;
  rooms.delete(id);
}

/** Removes every room, as the session has ended. */
export function resetRooms(): void {
  rooms.clear();
  conversations.value = new Map();
  listState.value = "idle";
  isListPartial.value = false;
  activeRoomId.value = null;
}
