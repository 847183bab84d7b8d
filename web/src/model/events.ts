// Applies the server's events to the state.

import type { Conversation, EventFrame, RoomMessage, RoomSettings, ServerPayloads } from "../net/types";
import { type Amendment, allAmended, amended } from "./amendments";
import { isInView, noteArrival, refreshListSoon, unhide } from "./conversation_list";
import { refreshActiveRoom } from "./history";
import { loadMembers, noteName } from "./members";
import { mergeMessages } from "./merging";
import * as outbox from "./outbox";
import { cards, noteCards } from "./people";
import { noteActivity, setOnline } from "./presence";
import { isMentioned, isOthers, noteMissed } from "./reading";
import { fetchStatusSoon } from "./receipts";
import { noteReplayed } from "./replay";
import {
  activeRoom,
  activeRoomId,
  conversations,
  isAtEnd,
  knownRooms,
  patchConversation,
  type Room,
  removeRoom,
  roomOf,
} from "./rooms";
import { me, noteMe } from "./session";

/** With more loaded messages only the newest are kept; with far more, also while the user has scrolled up. */
const MAX_LOADED = 1200;
const MAX_LOADED_ABOVE = 3000;
const KEPT_LOADED = 1000;
const TYPING_SHOWN_MS = 5000;
/** Maximum number of messages that wait for screen readers. */
const MAX_ANNOUNCED = 5;
/** How long to wait before the state of receipts is fetched: after a message, a receipt, a new connection. */
const STATUS_AFTER_SEND_MS = 900;
const STATUS_AFTER_READ_MS = 500;
const STATUS_AFTER_PRESENCE_MS = 1500;

/** Get every event before it is applied. */
export const observers = new Set<(frame: EventFrame) => void>();

export function applyEvent(frame: EventFrame): void {
  for (const observe of observers) observe(frame);
  switch (frame.type) {
    case "new_message":
      return applyMessage(frame.payload);
    case "member_added":
    case "member_removed":
      applyMessage(frame.payload.message);
      return applyMembership(frame.payload.room_id, frame.payload.user_id, frame.type === "member_added");
    case "message_deleted":
      return applyDeletion(frame.payload.room_id, frame.payload.id);
    case "message_edited":
    case "mentions_changed":
    case "reaction":
    case "reactions":
      return applyAmendment(frame);
    case "message_read":
      return applyRead(frame.payload.room_id, frame.payload.user_id, frame.payload.id);
    case "typing":
      return applyTyping(frame.payload.room_id, frame.payload.user_id, frame.payload.username);
    case "presence":
      return applyPresence(frame.payload.users);
    case "room_changed":
      return applyRoomChange(frame.payload);
    case "room_removed":
      return removeRoom(frame.payload.room_id);
    case "settings_changed":
      return applySettings(frame.payload);
    case "me_changed":
      return noteMe(frame.payload);
    case "profiles_changed":
      for (const user of frame.payload.users) applyProfile(user);
      return;
    case "not_recovered":
      applyNotRecovered(frame.payload.room_id);
      return noteReplayed(frame.payload.room_id);
    case "resumed":
      return noteReplayed(frame.payload.room_id);
  }
}

function applyMessage(message: RoomMessage): void {
  const room = roomOf(message.room_id);
  const isOwn = message.user_id === me.peek()?.id;
  noteArrival();
  // After a loss the server may use the id of a lost message again.
  const wasKnown = room.byId(message.id)?.resume === message.resume;
  for (const buffer of room.fetchBuffers) buffer.messages.push(message);
  if (room.state.peek() === "ready") {
    room.messages.value = mergeMessages(room.messages.peek(), [message], room.deletedIds);
    const isScrolledUp = activeRoomId.peek() === room.id && !isAtEnd.peek();
    if (room.messages.peek().length > (isScrolledUp ? MAX_LOADED_ABOVE : MAX_LOADED)) {
      room.keepNewest(KEPT_LOADED);
    }
  }
  if (isOwn && message.client_id) outbox.remove(message.client_id);
  endTyping(room, message.user_id);
  const conversation = conversations.peek().get(room.id);
  if (!conversation) return void listThenNotify(message);
  const isNew = message.id > (conversation.last_message?.id ?? 0);
  if (!isNew || room.deletedIds.has(message.id)) return;
  noteName(room, message.user_id, message.username);
  const counts = isOthers(message);
  const isRead = isInView(room.id);
  if (counts && !isRead) noteMissed(room, conversation);
  const isUnread = counts && !isRead;
  patchConversation(room.id, ({ name, user_id, unread, mentions }) => ({
    name: user_id === message.user_id ? message.username : name,
    last_message: message,
    active_at: message.created_at,
    unread: isUnread ? unread + 1 : unread,
    mentions: isUnread && isMentioned(message) ? mentions + 1 : mentions,
  }));
  if (activeRoomId.peek() === room.id && !isOwn && !wasKnown) {
    room.announced.value = [...room.announced.peek().slice(1 - MAX_ANNOUNCED), message];
  }
  if (isOwn) fetchStatusSoon(room, STATUS_AFTER_SEND_MS);
  if (counts) noteActivity(message.user_id, Date.parse(message.created_at));
  if (conversation.hidden && message.user_id !== 0) unhide(room.id);
  if (!isRead) alertSoon(message, conversation);
}

/** Draws the user's attention to a message. */
type Alert = (message: RoomMessage, conversation: Conversation) => void;

/** Sets what does so. It is loaded after the list; the messages that come before wait for it. */
export let setAlert: (alert: Alert) => void;
const alerting = new Promise<Alert>((resolve) => {
  setAlert = resolve;
});

function alertSoon(message: RoomMessage, conversation: Conversation): void {
  void alerting.then((alert) => alert(message, conversation));
}

/** Notifies of a message in a room that the list lacks, such as a new one, once the list has it. */
async function listThenNotify(message: RoomMessage): Promise<void> {
  await refreshListSoon();
  const conversation = conversations.peek().get(message.room_id);
  if (conversation && !isInView(message.room_id)) alertSoon(message, conversation);
}

/**
 * More was missed than the server replays, or the server has lost messages: the room has to be read again, and what
 * arrives from now on is new, whatever its id.
 */
function applyNotRecovered(id: number): void {
  const room = roomOf(id);
  room.markLost();
  patchConversation(id, () => ({ last_message: null }));
  void refreshListSoon();
  if (activeRoomId.peek() === id) void refreshActiveRoom();
}

function applyMembership(id: number, userId: number, isAdded: boolean): void {
  const room = roomOf(id);
  if (userId === me.peek()?.id && !isAdded) return removeRoom(id);
  if (!isAdded) endTyping(room, userId);
  if (room.members.peek()) void loadMembers(room);
  if (isAdded && !conversations.peek().has(id)) void refreshListSoon();
}

function applyRoomChange({ room_id, user_id: _, ...change }: ServerPayloads["room_changed"]): void {
  const { name, avatar } = change;
  if (change.slow_mode_secs !== undefined) outbox.endWaits(room_id);
  const { settings } = roomOf(room_id);
  if (settings.peek()) settings.value = { ...(settings.peek() as RoomSettings), ...change };
  patchConversation(room_id, (known) => ({ name: name ?? known.name, avatar: avatar ?? known.avatar }));
}

function applySettings({ room_id, ...settings }: ServerPayloads["settings_changed"]): void {
  noteArrival();
  patchConversation(room_id, () => settings);
}

/** Shows what changed in the profile of another user wherever the user is shown. */
function applyProfile({ user_id, ...change }: ServerPayloads["profiles_changed"]["users"][number]): void {
  const card = cards.peek().get(user_id);
  if (card) noteCards([{ ...card, ...change }]);
  for (const { id, user_id: other } of conversations.peek().values()) {
    if (other !== user_id) continue;
    patchConversation(id, ({ name, avatar }) => ({
      name: change.username ?? name,
      avatar: change.avatar ?? avatar,
    }));
  }
  for (const { members } of knownRooms()) {
    const changed = members
      .peek()
      ?.map((member) => (member.user_id === user_id ? { ...member, ...change } : member));
    if (changed) members.value = changed;
  }
}

function applyDeletion(id: number, messageId: number): void {
  const room = roomOf(id);
  room.noteDeleted(messageId);
  room.messages.value = room.messages.peek().filter((message) => message.id !== messageId);
  room.announced.value = room.announced.peek().filter((message) => message.id !== messageId);
  const conversation = conversations.peek().get(id);
  if (conversation && (conversation.unread > 0 || conversation.last_message?.id === messageId)) {
    void refreshListSoon();
  }
}

/** Shows an edit or a reaction wherever its message is shown. Screen readers read a text again that was edited. */
function applyAmendment(amendment: Amendment): void {
  const { room_id, id } = amendment.payload;
  const room = roomOf(room_id);
  for (const buffer of room.fetchBuffers) buffer.amendments.push(amendment);
  room.messages.value = allAmended(room.messages.peek(), [amendment]);
  room.announced.value = allAmended(room.announced.peek(), [amendment]);
  if (amendment.type === "message_edited") noteArrival();
  if (amendment.type === "mentions_changed") applyMentions(amendment.payload);
  const last = conversations.peek().get(room_id)?.last_message;
  if (last?.id === id) patchConversation(room_id, () => ({ last_message: amended(last, amendment) }));
}

/** The server counts the unread messages that mention the user again if an edit may have changed it. */
function applyMentions({ room_id, mentions, before }: ServerPayloads["mentions_changed"]): void {
  const isMe = (id: number | null) => id === null || id === me.peek()?.id;
  const isChanged = before?.some(isMe) !== mentions.some(({ user_id }) => isMe(user_id));
  if (isChanged && conversations.peek().get(room_id)?.unread) void refreshListSoon();
}

function applyRead(id: number, userId: number, messageId: number): void {
  const room = roomOf(id);
  if (userId === me.peek()?.id) {
    // What this page has marked is known.
    if (messageId <= (conversations.peek().get(id)?.read_id ?? 0)) return;
    const isAll = messageId >= (conversations.peek().get(id)?.last_message?.id ?? 0);
    if (isAll) patchConversation(id, () => ({ unread: 0, read_id: messageId }));
    else void refreshListSoon();
    return;
  }
  const readers = new Map(room.readers.peek());
  readers.set(userId, Math.max(readers.get(userId) ?? 0, messageId));
  room.readers.value = readers;
  if (!conversations.peek().get(id)?.is_private) return fetchStatusSoon(room, STATUS_AFTER_READ_MS);
  patchConversation(id, ({ read_by_other_id }) => ({
    read_by_other_id: Math.max(read_by_other_id ?? 0, messageId),
  }));
}

function endTyping(room: Room, userId: number): void {
  room.typing.value = room.typing.peek().filter((typist) => typist.id !== userId);
}

function applyTyping(id: number, userId: number, name: string): void {
  if (userId === me.peek()?.id) return;
  const room = roomOf(id);
  noteName(room, userId, name);
  endTyping(room, userId);
  room.typing.value = [...room.typing.peek(), { id: userId, name, until: Date.now() + TYPING_SHOWN_MS }];
  setTimeout(() => {
    room.typing.value = room.typing.peek().filter((typist) => typist.until > Date.now());
  }, TYPING_SHOWN_MS + 50);
  noteActivity(userId, Date.now());
}

function applyPresence(users: { user_id: number; online: boolean }[]): void {
  for (const user of users) setOnline(user.user_id, user.online);
  const room = activeRoom();
  // Messages are delivered to a user who comes online.
  if (room && users.some((user) => user.online)) fetchStatusSoon(room, STATUS_AFTER_PRESENCE_MS);
}
