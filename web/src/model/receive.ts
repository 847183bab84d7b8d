// What the server tells, each kind of event in its place.

import type { Message, ServerFrame } from "../net/types";
import { load } from "./history";
import { isRead, noteArrival, refreshSoon } from "./list";
import { loadMembers } from "./members";
import { announce } from "./notify";
import * as out from "./outbox";
import { noteOnline, noteSeen } from "./presence";
import { noteRead, statusSoon } from "./receipts";
import { active, activeRoom, conversations, deleted, forgetRoom, patch, roomOf } from "./rooms";
import { me } from "./session";
import { merge } from "./timeline";

const TYPING_SHOWN_MS = 5000;
/** Messages that are kept for screen readers to say. */
const HEARD = 5;

export function receive(frame: ServerFrame): void {
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
      return takeTyping(frame.payload.room_id, frame.payload.user_id, frame.payload.username);
    case "presence":
      return takePresence(frame.payload.users);
    case "not_recovered":
      return takeLoss(frame.payload.room_id);
    case "message_history":
    case "resumed":
    case "pong":
    case "error":
      return; // answers, which the connection hands to who asked
  }
}

function takeMessage(message: Message & { room_id: number }): void {
  const room = roomOf(message.room_id);
  const isOwn = message.user_id === me.peek()?.id;
  noteArrival();
  const wasKnown = room.byId(message.id) !== undefined;
  for (const arrived of room.meanwhile) arrived.push(message);
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
  if (active.peek() === room.id && !isOwn && !wasKnown) {
    room.heard.value = [...room.heard.peek().slice(1 - HEARD), message];
  }
  if (isOwn) statusSoon(room, 900);
  if (!counts) return;
  noteSeen(message.user_id, Date.parse(message.created_at));
  if (isRead(room)) noteRead(room);
  else void announce(message, conversation).catch(() => {}); // some browsers allow none
}

/** More was missed than is sent again. */
function takeLoss(id: number): void {
  const room = roomOf(id);
  room.doubt();
  if (active.peek() === id && !document.hidden) void load(room);
}

function takeMember(id: number, user: number, isAdded: boolean): void {
  const room = roomOf(id);
  if (user === me.peek()?.id && !isAdded) return forgetRoom(id);
  if (room.members.peek()) void loadMembers(room);
  if (isAdded && !conversations.peek().has(id)) refreshSoon();
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
  if (!conversations.peek().get(id)?.is_private) return statusSoon(room, 500);
  patch(id, (it) => ({ read_by_other_id: Math.max(it.read_by_other_id ?? 0, message) }));
}

function takeTyping(id: number, user: number, name: string): void {
  if (user === me.peek()?.id) return;
  const room = roomOf(id);
  const others = room.typing.peek().filter((it) => it.id !== user);
  room.typing.value = [...others, { id: user, name, until: Date.now() + TYPING_SHOWN_MS }];
  setTimeout(() => {
    room.typing.value = room.typing.peek().filter((it) => it.until > Date.now());
  }, TYPING_SHOWN_MS + 50);
  noteSeen(user, Date.now());
}

function takePresence(users: { user_id: number; online: boolean }[]): void {
  for (const user of users) noteOnline(user.user_id, user.online);
  const room = activeRoom();
  // Who comes online gets what waited for them.
  if (room && users.some((user) => user.online)) statusSoon(room, 1500);
}
