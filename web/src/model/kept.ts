// What is stored on this device for reading without a connection, and how much of it. Pure functions.

import type { Conversation, EventFrame, Message } from "../net/types";
import { allAmended } from "./amendments";
import { mergeMessages } from "./merging";

/** The rooms whose messages are stored, those that were opened last, and how many messages of each. */
export const MAX_ROOMS = 10;
export const MAX_MESSAGES = 50;
const MAX_CONVERSATIONS = 500;
/** In UTF-16 units of JSON: together about 2 million. */
const MAX_ROOM_CHARS = 150_000;
const MAX_LIST_CHARS = 500_000;
/** The server keeps no message for longer. */
const MAX_AGE_MS = 7 * 24 * 3600_000;
const NONE: ReadonlySet<number> = new Set();

/** The opened rooms, the latest first. */
export function withOpened(rooms: number[], id: number): number[] {
  return [id, ...rooms.filter((other) => other !== id)].slice(0, MAX_ROOMS);
}

const isCurrent = ({ created_at }: Message, now: number) => now - Date.parse(created_at) < MAX_AGE_MS;

/** The messages that are not older than the server's retention. */
export function current(messages: Message[], now: number): Message[] {
  return messages.filter((message) => isCurrent(message, now));
}

/** The newest messages, as many as are stored, oldest first and without a gap. */
export function newest(messages: Message[], now: number): Message[] {
  const found = current(messages, now).slice(-MAX_MESSAGES);
  const count = fitting(found.toReversed(), MAX_ROOM_CHARS);
  return count === 0 ? [] : found.slice(-count);
}

/** The conversations that are stored, of those sorted by activity. */
export function latestConversations(sorted: Conversation[]): Conversation[] {
  const found = sorted.slice(0, MAX_CONVERSATIONS);
  return found.slice(0, fitting(found, MAX_LIST_CHARS));
}

/** How many of the first items fit. */
function fitting(items: object[], maxChars: number): number {
  let chars = 0;
  const end = items.findIndex((item) => {
    chars += JSON.stringify(item).length;
    return chars > maxChars;
  });
  return end < 0 ? items.length : end;
}

/** A conversation as it was stored, without a last message that the server no longer has. */
export function currentConversation(conversation: Conversation, now: number): Conversation {
  const { last_message } = conversation;
  return last_message && !isCurrent(last_message, now)
    ? { ...conversation, last_message: null }
    : conversation;
}

/** The stored messages of a room after an event of the room. */
export function withEvent(messages: Message[], frame: EventFrame): Message[] {
  switch (frame.type) {
    case "new_message":
      return mergeMessages(messages, [frame.payload], NONE).slice(-MAX_MESSAGES);
    case "member_added":
    case "member_removed":
      return mergeMessages(messages, [frame.payload.message], NONE).slice(-MAX_MESSAGES);
    case "message_deleted":
      return messages.filter(({ id }) => id !== frame.payload.id);
    case "message_edited":
    case "mentions_changed":
    case "reaction":
    case "reactions":
      return allAmended(messages, [frame]);
    default:
      return messages;
  }
}

/** Whether an event removes what was shown, so that it must be removed from the device at once. */
export function takesAway({ type }: EventFrame): boolean {
  return (
    type === "message_deleted" ||
    type === "message_edited" ||
    type === "member_removed" ||
    type === "room_removed" ||
    type === "not_recovered"
  );
}
