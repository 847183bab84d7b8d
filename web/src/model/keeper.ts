// Stores on this device what the user has read last: the list, and the newest messages of the rooms that were opened
// last. One tab does it for all; the others tell it which rooms they open.

import { computed, effect } from "@preact/signals";
import { delay } from "../net/delay";
import type { EventFrame, Message } from "../net/types";
import { storage } from "../settings/storage";
import { connection, isCaughtUp } from "./connection";
import { clear, read, write } from "./device_store";
import { observers } from "./events";
import { latestConversations, MAX_MESSAGES, newest, takesAway, withEvent, withOpened } from "./kept";
import { ACCOUNT, digest, type KeptAccount, LIST, roomKey } from "./offline";
import { activeRoomId, conversations, isListPartial, listState, roomOf, sortedConversations } from "./rooms";
import { me, token } from "./session";

/** The lock of the tab that keeps. */
const LOCK = "chinwag.keeper";
/** How long changes are collected before they are written: of messages, of the list, and removals. */
const SAVE_ROOM_MS = 1000;
const SAVE_LIST_MS = 5000;
const SAVE_NOW_MS = 50;
/** The pause before the messages of each stored room that no tab has open are read. */
const REFRESH_EVERY_MS = 2000;

/** The list of the rooms that were opened last, the same for all tabs. */
const openedKey = (user: number) => `chinwag.opened.${user}`;

function openedRooms(user: number): number[] {
  const ids = (storage.get(openedKey(user)) ?? "").split(",").filter(Boolean);
  return ids.map(Number);
}

let hasBegun = false;

/** Starts storing for the user of this page, and for later users. */
export function keep(): void {
  // Browsers offer locks on secure pages only, where a page can be loaded without a connection as well.
  if (hasBegun || !navigator.locks) return;
  hasBegun = true;
  effect(() => {
    const id = activeRoomId.value;
    const user = me.value?.id;
    if (id === null || user === undefined || roomOf(id).state.value !== "ready") return;
    const opened = withOpened(openedRooms(user), id).join();
    if (opened !== storage.get(openedKey(user))) storage.set(openedKey(user), opened);
  });
  const userId = computed(() => me.value?.id);
  effect(() => {
    const user = userId.value;
    const ownToken = token.value;
    if (user === undefined || !ownToken) return;
    const ending = new AbortController();
    const run = () => new Keeper(user, ownToken, ending.signal).run();
    navigator.locks.request(LOCK, { signal: ending.signal }, run).catch(() => {});
    return () => ending.abort();
  });
  effect(() => {
    if (token.value) return;
    for (const key of storage.keys("chinwag.opened.")) storage.set(key, null);
  });
}

class Keeper {
  /** The kept messages of rooms. */
  private readonly rooms = new Map<number, Message[]>();
  /** Rooms whose kept messages are those of the server. */
  private readonly fresh = new Set<number>();
  private readonly dirty = new Set<number>();
  private isListDirty = false;
  private isAccountDirty = false;
  /** The digest of the token. */
  private digest = "";
  private timer = 0;
  private saveAt = Number.POSITIVE_INFINITY;
  private isRefreshing = false;
  /** The room whose messages are being fetched, and its events since then. */
  private fetching: { id: number; frames: EventFrame[] } | null = null;
  /** Whether a change of the list may remove something. */
  private isUrgent = false;
  private saving: Promise<void> = Promise.resolve();
  private readonly user: number;
  private readonly ownToken: string;
  private readonly ending: AbortSignal;

  constructor(user: number, ownToken: string, ending: AbortSignal) {
    this.user = user;
    this.ownToken = ownToken;
    this.ending = ending;
  }

  /** Keeps until the session ends. */
  async run(): Promise<void> {
    if (this.ending.aborted) return;
    await this.begin();
    if (this.ending.aborted) return;
    const observe = (frame: EventFrame) => this.observe(frame);
    observers.add(observe);
    const stops = [
      effect(() => this.watchAccount()),
      effect(() => this.watchRoom()),
      effect(() => this.watchList()),
      effect(() => {
        if (isCaughtUp.value) void this.refresh();
      }),
    ];
    const { ending: signal } = this;
    document.addEventListener("visibilitychange", () => document.hidden && this.saveNow(), { signal });
    const onStored = ({ key }: StorageEvent) => key === openedKey(this.user) && void this.refresh();
    addEventListener("storage", onStored, { signal });
    await new Promise((ended) => signal.addEventListener("abort", ended, { once: true }));
    observers.delete(observe);
    for (const stop of stops) stop();
    clearTimeout(this.timer);
    await this.saving;
  }

  /** Adopts what was stored before, unless it is another user's. */
  private async begin(): Promise<void> {
    const ids = openedRooms(this.user);
    const [account, ...rooms] = (await read(ACCOUNT, ...ids.map(roomKey))) as [KeptAccount?, ...Message[][]];
    if (account?.me.id !== this.user) await clear();
    else for (const [at, id] of ids.entries()) if (rooms[at]) this.rooms.set(id, rooms[at]);
    this.digest = await digest(this.ownToken);
  }

  private watchAccount(): void {
    if (!me.value) return;
    this.isAccountDirty = true;
    this.saveWithin(SAVE_NOW_MS);
  }

  private observe(frame: EventFrame): void {
    if (!("room_id" in frame.payload)) return;
    const { room_id: id } = frame.payload;
    if (takesAway(frame)) {
      this.isUrgent = true;
      this.saveWithin(SAVE_NOW_MS);
    }
    if (this.fetching?.id === id) this.fetching.frames.push(frame);
    const known = this.rooms.get(id);
    if (frame.type === "not_recovered") {
      this.fresh.delete(id);
      this.drop(id);
    } else if (known) {
      const changed = withEvent(known, frame);
      if (changed !== known) this.set(id, changed);
    }
  }

  private set(id: number, messages: Message[]): void {
    this.rooms.set(id, messages);
    this.dirty.add(id);
    this.saveWithin(SAVE_ROOM_MS);
  }

  private drop(id: number): void {
    if (!this.rooms.delete(id)) return;
    this.dirty.add(id);
    this.saveWithin(SAVE_NOW_MS);
  }

  private watchRoom(): void {
    const id = activeRoomId.value;
    if (id === null || roomOf(id).state.value !== "ready" || roomOf(id).messages.value.length === 0) return;
    this.dirty.add(id);
    this.saveWithin(SAVE_ROOM_MS);
  }

  private watchList(): void {
    const known = conversations.value;
    if (listState.value !== "ready" || isListPartial.value) return;
    this.isListDirty = true;
    this.saveWithin(this.isUrgent ? SAVE_NOW_MS : SAVE_LIST_MS);
    this.isUrgent = false;
    for (const id of this.rooms.keys()) if (!known.has(id)) this.drop(id);
  }

  /** The messages of a room that is loaded and up to date. */
  private loaded(id: number): Message[] | null {
    const room = roomOf(id);
    return room.state.peek() === "ready" && !room.isStale && !room.isLost ? room.messages.peek() : null;
  }

  /** Reads the kept rooms that no view has read since the page was loaded. */
  private async refresh(): Promise<void> {
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    try {
      const isWanted = (id: number) =>
        conversations.peek().has(id) && !this.fresh.has(id) && this.loaded(id) === null;
      for (const id of openedRooms(this.user)) {
        if (!isWanted(id)) continue;
        await delay(REFRESH_EVERY_MS);
        if (this.ending.aborted || !isCaughtUp.peek()) return;
        if (isWanted(id)) await this.fetch(id);
      }
    } catch {
      // The next connection tries again.
    } finally {
      this.fetching = null;
      this.isRefreshing = false;
    }
  }

  private async fetch(id: number): Promise<void> {
    const frames: EventFrame[] = [];
    this.fetching = { id, frames };
    const query = { room_id: id, page: 1, page_size: MAX_MESSAGES, peek: true };
    const { messages } = await connection.fetchHistory(query);
    if (frames.some(({ type }) => type === "not_recovered")) return;
    this.fresh.add(id);
    this.set(id, frames.reduce(withEvent, messages));
  }

  private saveWithin(ms: number): void {
    const at = Date.now() + ms;
    if (at >= this.saveAt) return;
    clearTimeout(this.timer);
    this.saveAt = at;
    this.timer = window.setTimeout(() => this.saveNow(), ms);
  }

  private saveNow(): void {
    clearTimeout(this.timer);
    this.saveAt = Number.POSITIVE_INFINITY;
    this.saving = this.save().catch(() => {});
  }

  private async save(): Promise<void> {
    const values = new Map<string, unknown>();
    const now = Date.now();
    const opened = openedRooms(this.user);
    for (const id of this.rooms.keys()) if (!opened.includes(id)) this.drop(id);
    for (const id of this.dirty) {
      const messages = this.loaded(id) ?? this.rooms.get(id);
      const isKept = messages && opened.includes(id) && conversations.peek().has(id);
      const kept = isKept ? newest(messages, now) : undefined;
      if (kept) this.rooms.set(id, kept);
      values.set(roomKey(id), kept);
    }
    this.dirty.clear();
    const account = me.peek();
    if (this.isAccountDirty && account) {
      this.isAccountDirty = false;
      values.set(ACCOUNT, { me: account, token: this.digest } satisfies KeptAccount);
    }
    if (this.isListDirty && connection.status.peek() === "open") {
      this.isListDirty = false;
      values.set(LIST, latestConversations(sortedConversations.peek()));
    }
    if (values.size > 0) await this.put(values);
  }

  /** Writes nothing for a session that has ended, perhaps in another tab. */
  private async put(values: ReadonlyMap<string, unknown>): Promise<void> {
    const isOver = () => this.ending.aborted || storage.get("token") !== this.ownToken;
    if (isOver()) return;
    await write(values);
    if (isOver()) await clear();
  }
}
