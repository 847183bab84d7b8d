// The one state of the chat: conversations, rooms, what arrives and what is sent.

import { batch, computed, effect, signal } from "@preact/signals";
import { ApiError, api } from "../net/http";
import { Connection, Refused } from "../net/socket";
import type { Conversation, Member, Message, ServerFrame } from "../net/types";
import { openDrafts } from "./drafts";
import { announce } from "./notify";
import * as out from "./outbox";
import { end, me, token } from "./session";
import { merge, reconcile } from "./timeline";
import * as up from "./uploads";

const PAGE = 50;
/** Messages that the server keeps of a room, and serves at once. */
const MOST = 1000;
const TYPING_SHOWN_MS = 5000;
const TYPING_SENT_MS = 3000;
/** An open socket counts as activity once a minute. */
const ONLINE_MS = 90_000;
const DEFERRED = /too many requests|temporarily unavailable/i;

type Loading = "idle" | "loading" | "ready" | "error";

export class Room {
  readonly id: number;
  readonly messages = signal<Message[]>([]);
  readonly state = signal<Loading>("idle");
  readonly hasOlder = signal(false);
  readonly isLoadingOlder = signal(false);
  /** What was read when the room was opened; the line above what is new stays there. */
  readonly divider = signal<number | null>(null);
  readonly typing = signal<{ id: number; name: string; until: number }[]>([]);
  /** The highest message that each user is known to have read. */
  readonly readers = signal<ReadonlyMap<number, number>>(new Map());
  readonly deliveredTo = signal(0);
  readonly readTo = signal(0);
  readonly members = signal<Member[] | null>(null);
  /** What arrived while it was open, for screen readers. */
  readonly heard = signal<Message[]>([]);
  isStale = false;

  constructor(id: number) {
    this.id = id;
  }

  byId(id: number): Message | undefined {
    return this.messages.value.find((message) => message.id === id);
  }
}

export const conversations = signal<ReadonlyMap<number, Conversation>>(new Map());
export const listState = signal<Loading>("idle");
export const sorted = computed(() =>
  [...conversations.value.values()].sort((a, b) => b.active_at.localeCompare(a.active_at)),
);
export const unreadTotal = computed(() =>
  [...conversations.value.values()].reduce((sum, it) => sum + it.unread, 0),
);
export const active = signal<number | null>(null);
export const online = signal<ReadonlySet<number>>(new Set());
/** Whether everything missed while away has come. */
export const isCaughtUp = signal(false);
export const toast = signal<{ text: string; id: number } | null>(null);
/** Whether the end of the open room is in view. */
export const isAtEnd = signal(true);

const rooms = new Map<number, Room>();
const deleted = new Set<number>();
/** Messages that arrived, to notice those that a list fetched meanwhile may lack. */
let arrivals = 0;

export function roomOf(id: number): Room {
  let room = rooms.get(id);
  if (!room) {
    room = new Room(id);
    rooms.set(id, room);
  }
  return room;
}

export function say(text: string): void {
  toast.value = { text, id: Date.now() };
}

// --- The connection ---------------------------------------------------------------------------

export const connection = new Connection({
  token: () => token.peek(),
  onEvent: (frame) => batch(() => take(frame)),
  onOpen: (isAgain) => void (isAgain ? comeBack() : begin()),
  // Without a valid token this ends the session.
  onDoubt: () => void api.me().catch(() => {}),
});

let startedFor: string | null = null;

/** Begins when someone is logged in, ends when they are not. */
effect(() => {
  const given = token.value;
  if (given === startedFor) return;
  startedFor = given;
  forget();
  if (!given) return;
  connection.start();
  void identify(given);
});

async function identify(given: string): Promise<void> {
  for (let attempt = 0; token.peek() === given && !me.peek(); attempt += 1) {
    try {
      const account = await api.me();
      if (token.peek() !== given) return;
      openDrafts(account.id);
      out.openOutbox(account.id);
      me.value = account;
      void flush();
    } catch {
      await pause(Math.min(1000 * 2 ** attempt, 15_000));
    }
  }
}

function forget(): void {
  connection.stop();
  rooms.clear();
  deleted.clear();
  out.closeOutbox();
  batch(() => {
    conversations.value = new Map();
    listState.value = "idle";
    active.value = null;
    online.value = new Set();
    isCaughtUp.value = false;
  });
}

export function logOut(): void {
  end(false);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function begin(): Promise<void> {
  void findOnline();
  const wanted = active.peek();
  await Promise.all([refresh(), wanted === null ? null : load(roomOf(wanted))]);
  isCaughtUp.value = true;
  void flush();
}

/** After a loss: what was missed is asked for by tokens, then everything shown is compared with the server's. */
async function comeBack(): Promise<void> {
  void findOnline();
  const tokens: Record<string, string> = {};
  for (const it of sorted.peek().slice(0, 500)) {
    const known = rooms.get(it.id)?.messages.peek().at(-1) ?? it.last_message;
    if (known) tokens[it.id] = known.resume;
  }
  for (const room of rooms.values()) room.isStale = true;
  const resuming = connection.command({ type: "resume", payload: { rooms: tokens } }).catch(() => []);
  void flush();
  await Promise.all([resuming, refresh()]);
  const room = active.peek() === null ? null : roomOf(active.peek() as number);
  if (room && !document.hidden) await load(room);
  isCaughtUp.value = connection.status.peek() === "open";
}

effect(() => {
  if (connection.status.value === "waiting") isCaughtUp.value = false;
});

document.addEventListener("visibilitychange", () => {
  const id = active.peek();
  if (document.hidden || id === null) return;
  const room = roomOf(id);
  if (room.isStale) void load(room);
  else noteRead(room);
});

async function findOnline(): Promise<void> {
  try {
    const users = await api.onlineUsers();
    const latest = Math.max(...users.map((user) => Date.parse(user.last_activity)));
    const here = users.filter((user) => latest - Date.parse(user.last_activity) < ONLINE_MS);
    online.value = new Set(here.map((user) => user.user_id));
  } catch {
    // Dots appear with the next events.
  }
}

// --- Conversations ----------------------------------------------------------------------------

let refreshing: Promise<void> | null = null;

/** Reads the list anew; once at a time, and again when messages came meanwhile. */
export function refresh(): Promise<void> {
  refreshing ??= readList().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function readList(): Promise<void> {
  if (listState.peek() !== "ready") listState.value = "loading";
  const given = token.peek();
  try {
    for (let tries = 0; tries < 3; tries += 1) {
      const before = arrivals;
      const list = await api.conversations();
      if (token.peek() !== given) return;
      if (before !== arrivals && tries < 2) continue;
      batch(() => {
        conversations.value = new Map(list.map((it) => [it.id, isRead(it) ? { ...it, unread: 0 } : it]));
        listState.value = "ready";
      });
      return;
    }
  } catch {
    if (listState.peek() !== "ready") listState.value = "error";
  }
}

let refreshTimer = 0;
function refreshSoon(): void {
  clearTimeout(refreshTimer);
  refreshTimer = window.setTimeout(() => void refresh(), 150);
}

function patch(id: number, part: (it: Conversation) => Partial<Conversation>): void {
  const it = conversations.peek().get(id);
  if (!it) return;
  const next = new Map(conversations.peek());
  next.set(id, { ...it, ...part(it) });
  conversations.value = next;
}

/** Whether everything in a conversation is before the reader's eyes. */
function isRead(it: { id: number }): boolean {
  const isOpen = active.peek() === it.id && !document.hidden && isAtEnd.peek();
  return isOpen && roomOf(it.id).state.peek() === "ready" && !roomOf(it.id).isStale;
}

// --- What arrives -----------------------------------------------------------------------------

function take(frame: ServerFrame): void {
  switch (frame.type) {
    case "new_message":
      return takeMessage(frame.payload);
    case "member_added":
    case "member_removed":
      takeMessage(frame.payload.message);
      return takeMember(frame.payload.room_id, frame.payload.user_id, frame.type === "member_added");
    case "message_deleted":
      return takeDeletion(frame.payload.room_id, frame.payload.id);
    case "message_read":
      return takeRead(frame.payload.room_id, frame.payload.user_id, frame.payload.id);
    case "typing":
      return takeTyping(frame.payload);
    case "presence":
      return takePresence(frame.payload.users);
    case "not_recovered":
      roomOf(frame.payload.room_id).isStale = true;
      return;
  }
}

function takeMessage(message: Message & { room_id: number }): void {
  const room = roomOf(message.room_id);
  const own = me.peek()?.id;
  const isOwn = message.user_id === own;
  arrivals += 1;
  const wasKnown = room.byId(message.id) !== undefined;
  if (room.state.peek() === "ready") room.messages.value = merge(room.messages.peek(), [message], deleted);
  if (isOwn && message.client_id) out.remove(message.client_id);
  room.typing.value = room.typing.peek().filter((it) => it.id !== message.user_id);
  const conversation = conversations.peek().get(room.id);
  if (!conversation) return refreshSoon();
  const isNew = message.id > (conversation.last_message?.id ?? 0);
  if (!isNew || deleted.has(message.id)) return;
  const counts = !isOwn && message.user_id !== 0;
  patch(room.id, (it) => ({
    last_message: message,
    active_at: message.created_at,
    unread: counts && !isRead(it) ? it.unread + 1 : it.unread,
  }));
  if (active.peek() === room.id && !wasKnown) room.heard.value = [...room.heard.peek().slice(-4), message];
  if (isOwn) statusSoon(room, 900);
  if (!counts) return;
  noteOnline(message.user_id, true);
  if (isRead(room)) noteRead(room);
  else announce(message, conversation);
}

function takeMember(id: number, user: number, isAdded: boolean): void {
  const room = roomOf(id);
  if (user === me.peek()?.id && !isAdded) return leave(id);
  if (room.members.peek()) void loadMembers(room);
  if (isAdded && !conversations.peek().has(id)) refreshSoon();
}

function leave(id: number): void {
  const next = new Map(conversations.peek());
  next.delete(id);
  conversations.value = next;
  rooms.delete(id);
}

function takeDeletion(id: number, message: number): void {
  deleted.add(message);
  const room = roomOf(id);
  room.messages.value = room.messages.peek().filter((it) => it.id !== message);
  room.heard.value = room.heard.peek().filter((it) => it.id !== message);
  const conversation = conversations.peek().get(id);
  if (conversation && (conversation.unread > 0 || conversation.last_message?.id === message)) refreshSoon();
}

function takeRead(id: number, user: number, message: number): void {
  const room = roomOf(id);
  if (user === me.peek()?.id) {
    const isAll = message >= (conversations.peek().get(id)?.last_message?.id ?? 0);
    if (isAll) patch(id, () => ({ unread: 0, read_id: message }));
    else refreshSoon();
    return;
  }
  const readers = new Map(room.readers.peek());
  readers.set(user, Math.max(readers.get(user) ?? 0, message));
  room.readers.value = readers;
  patch(id, (it) => (it.is_private ? { read_by_other_id: Math.max(it.read_by_other_id ?? 0, message) } : {}));
  if (!conversations.peek().get(id)?.is_private) statusSoon(room, 500);
}

function takeTyping({
  room_id,
  user_id,
  username,
}: {
  room_id: number;
  user_id: number;
  username: string;
}): void {
  if (user_id === me.peek()?.id) return;
  const room = roomOf(room_id);
  const until = Date.now() + TYPING_SHOWN_MS;
  room.typing.value = [
    ...room.typing.peek().filter((it) => it.id !== user_id),
    { id: user_id, name: username, until },
  ];
  setTimeout(() => {
    room.typing.value = room.typing.peek().filter((it) => it.until > Date.now());
  }, TYPING_SHOWN_MS + 50);
  noteOnline(user_id, true);
}

function takePresence(users: { user_id: number; online: boolean }[]): void {
  for (const user of users) noteOnline(user.user_id, user.online);
  const room = active.peek() === null ? null : roomOf(active.peek() as number);
  if (room && users.some((user) => user.online)) statusSoon(room, 1500);
}

function noteOnline(user: number, isOnline: boolean): void {
  if (online.peek().has(user) === isOnline) return;
  const next = new Set(online.peek());
  if (isOnline) next.add(user);
  else next.delete(user);
  online.value = next;
}

// --- One room ---------------------------------------------------------------------------------

export function open(id: number | null): void {
  if (active.peek() === id) return;
  batch(() => {
    const before = active.peek();
    if (before !== null) roomOf(before).divider.value = null;
    active.value = id;
    isAtEnd.value = true;
  });
  if (id === null) return;
  const room = roomOf(id);
  room.heard.value = [];
  freezeDivider(room);
  if (room.state.peek() === "ready" && !room.isStale) {
    noteRead(room);
    statusSoon(room, 0);
  } else void load(room);
}

function freezeDivider(room: Room): void {
  const it = conversations.peek().get(room.id);
  room.divider.value = it && it.unread > 0 ? (it.read_id ?? 0) : null;
}

/** Reads the newest page; what was loaded before is compared with it. */
export async function load(room: Room): Promise<void> {
  if (connection.status.peek() !== "open" || room.state.peek() === "loading") return;
  const known = room.messages.peek();
  if (known.length === 0) room.state.value = "loading";
  const size = Math.min(MOST, Math.max(PAGE, known.length));
  try {
    const page = await history(room.id, 1, size);
    batch(() => {
      const isWhole = page.length < size;
      const kept = reconcile(room.messages.peek(), page, isWhole);
      room.messages.value = merge(kept, page, deleted);
      room.hasOlder.value = !isWhole && page.length < MOST;
      room.state.value = "ready";
      room.isStale = false;
      if (room.divider.peek() === null && active.peek() === room.id && known.length === 0)
        freezeDivider(room);
      // The server counts what it has shown as read.
      if (active.peek() === room.id) patch(room.id, () => ({ unread: 0, read_id: page.at(-1)?.id ?? null }));
    });
    statusSoon(room, 0);
  } catch (error) {
    if (room.messages.peek().length > 0) room.state.value = "ready";
    else room.state.value = error instanceof Refused && error.isLost ? "idle" : "error";
  }
}

function history(room_id: number, page: number, page_size: number): Promise<Message[]> {
  return connection.command({ type: "fetch_history", payload: { room_id, page, page_size } });
}

/** Reads the page above. Pages count from the newest message, so the one is asked for that holds the next older. */
export async function loadOlder(room: Room): Promise<void> {
  if (!room.hasOlder.peek() || room.isLoadingOlder.peek() || room.state.peek() !== "ready") return;
  room.isLoadingOlder.value = true;
  try {
    const before = room.messages.peek().length;
    const page = await history(room.id, Math.floor(before / PAGE) + 1, PAGE);
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
    if (room.isLoadingOlder.peek()) await pause(50);
    else await loadOlder(room);
  }
  return false;
}

let readTimer = 0;

/** Tells the server that what is before the reader's eyes is read. */
export function noteRead(room: Room): void {
  const it = conversations.peek().get(room.id);
  const last = room.messages.peek().findLast((message) => message.user_id !== me.peek()?.id);
  if (!it || !last || document.hidden || room.state.peek() !== "ready") return;
  if (it.unread === 0 && last.id <= (it.read_id ?? 0)) return;
  patch(room.id, () => ({ unread: 0, read_id: Math.max(last.id, it.read_id ?? 0) }));
  clearTimeout(readTimer);
  readTimer = window.setTimeout(() => {
    connection
      .command({ type: "mark_read", payload: { room_id: room.id, id: last.id } })
      .catch(() => refreshSoon());
  }, 120);
}

effect(() => {
  const id = active.value;
  if (isAtEnd.value && id !== null) noteRead(roomOf(id));
});

const statusTimers = new Map<number, number>();

/** Asks how far one's newest messages have come. */
function statusSoon(room: Room, ms: number): void {
  if (conversations.peek().get(room.id)?.room_id === "global") return;
  clearTimeout(statusTimers.get(room.id));
  statusTimers.set(
    room.id,
    window.setTimeout(() => void readStatus(room), ms),
  );
}

async function readStatus(room: Room): Promise<void> {
  const own = room.messages.peek().filter((it) => it.user_id === me.peek()?.id && it.id > room.readTo.peek());
  for (const message of own.slice(-3).reverse()) {
    const answer = await api.status(message.id).catch(() => null);
    if (answer?.status === "read") {
      room.readTo.value = Math.max(room.readTo.peek(), message.id);
      return;
    }
    if (answer?.status === "delivered")
      room.deliveredTo.value = Math.max(room.deliveredTo.peek(), message.id);
  }
}

export type Tick = "sent" | "delivered" | "read";

export function tickOf(room: Room, message: Message): Tick {
  const byOther = conversations.value.get(room.id)?.read_by_other_id ?? 0;
  if (message.id <= Math.max(byOther, room.readTo.value)) return "read";
  return message.id <= room.deliveredTo.value ? "delivered" : "sent";
}

// --- Sending ----------------------------------------------------------------------------------

export function send(
  room: number,
  text: string,
  replyTo: number | null,
  isImage = false,
  clientId?: string,
): void {
  const entry = { clientId: clientId ?? out.newClientId(), room, text, isImage, replyTo, at: Date.now() };
  out.put({ ...entry, state: "sending", error: null });
  void flush();
}

export function retry(clientId: string): void {
  out.retry(clientId);
  void flush();
}

let isFlushing = false;

/** Sends what waits, one after the other, so that their order holds and a refusal is known to be whose. */
export async function flush(): Promise<void> {
  if (isFlushing || connection.status.peek() !== "open" || !me.peek()) return;
  isFlushing = true;
  try {
    for (;;) {
      const entry = out.outbox.peek().find((it) => it.state === "sending");
      if (!entry) return;
      await deliver(entry);
    }
  } catch {
    // The connection was lost: it begins again with the next one.
  } finally {
    isFlushing = false;
  }
  function gone(clientId: string): boolean {
    return !out.outbox.peek().some((it) => it.clientId === clientId);
  }
  async function deliver(entry: out.Pending): Promise<void> {
    const { room, text, isImage, replyTo, clientId } = entry;
    const payload = { room_id: room, content: text, is_image: isImage, client_id: clientId };
    try {
      await connection.command({
        type: "send_message",
        payload: replyTo === null ? payload : { ...payload, reply_to: replyTo },
      });
      if (!gone(clientId)) out.change(clientId, { state: "sent" });
      // Stored; its echo is on the way. Should it never come, it is sent again, which stores nothing twice.
      setTimeout(() => {
        if (gone(clientId)) return;
        out.change(clientId, { state: "sending" });
        void flush();
      }, 8000);
    } catch (error) {
      if (!(error instanceof Refused) || error.isLost) throw error;
      if (DEFERRED.test(error.message)) return void (await pause(1500));
      if (!gone(clientId)) out.change(clientId, { state: "failed", error: error.message });
    }
  }
}

export function sendImage(room: number, file: File): void {
  up.begin(room, file, (clientId, url) => send(room, url, null, true, clientId));
}

export function retryUpload(room: number, clientId: string): void {
  void up.run(clientId, (id, url) => send(room, url, null, true, id));
}

export function remove(room: number, id: number): Promise<unknown> {
  return connection.command({ type: "delete_message", payload: { room_id: room, id } });
}

let typedAt = 0;

export function noteTyping(room: number): void {
  if (Date.now() - typedAt < TYPING_SENT_MS || connection.status.peek() !== "open") return;
  typedAt = Date.now();
  connection.command({ type: "typing", payload: { room_id: room } }).catch(() => {});
}

export function typedNothing(): void {
  typedAt = 0;
}

// --- Members and rooms ------------------------------------------------------------------------

export async function loadMembers(room: Room): Promise<void> {
  try {
    room.members.value = await api.members(room.id);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) void refresh();
  }
}

export async function join(room: number): Promise<void> {
  await connection.command({ type: "join_room", payload: { room_id: room } });
  await refresh();
}

export async function quit(room: number): Promise<void> {
  const own = me.peek();
  if (!own) return;
  await api.removeMember(room, own.id);
  leave(room);
}
