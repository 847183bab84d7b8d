// Searches for users, rooms and messages: first among the loaded conversations, then at the server.

import { delay } from "../net/delay";
import { api } from "../net/http";
import { Refused } from "../net/refused";
import type { Conversation, FoundRoom, RoomMessage, UserRef } from "../net/types";
import { roomName } from "./labels";

/** The server searches the messages of one room at a time. This many rooms are searched at first and with each "more". */
export const ROOMS_PER_SEARCH = 12;
const PARALLEL_REQUESTS = 4;
/** The wait before a search that the server refused as too many, unless it asks for another. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;
/** Characters that are shown before a match. */
const LEAD_CHARS = 24;

/** Conversations whose names contain the text. */
export function matchingConversations(list: Conversation[], text: string): Conversation[] {
  const wanted = text.toLocaleLowerCase();
  return list.filter((conversation) => roomName(conversation).toLocaleLowerCase().includes(wanted));
}

/** Users without a conversation yet; the others are listed as conversations. */
export function withoutConversation(users: UserRef[], list: Conversation[], ownId: number): UserRef[] {
  const known = new Set(list.map((conversation) => conversation.user_id));
  return users.filter((user) => user.id !== ownId && !known.has(user.id));
}

/** Public rooms that the user has not joined. */
export function unjoined(rooms: FoundRoom[], list: Conversation[]): FoundRoom[] {
  const known = new Set(list.map((conversation) => conversation.id));
  return rooms.filter((room) => room.kind === "public" && !known.has(room.id));
}

/** The order in which rooms are searched: the open one first, then by latest activity. Empty rooms are left out. */
export function searchOrder(list: Conversation[], openId: number | null): number[] {
  const ids = list.filter(({ last_message }) => last_message !== null).map(({ id }) => id);
  return openId !== null && ids.includes(openId) ? [openId, ...ids.filter((id) => id !== openId)] : ids;
}

/**
 * Runs a search, again after a wait when the server has had too many. It finds nothing when it fails otherwise or is no
 * longer wanted.
 */
export async function patiently<T>(search: () => Promise<T[]>, isWanted: () => boolean): Promise<T[]> {
  while (isWanted()) {
    try {
      return await search();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "rate_limited") return [];
      await delay(Math.min(error.retryAfterMs ?? RETRY_MS, MAX_RETRY_MS));
    }
  }
  return [];
}

/** Searches the messages of rooms, some at a time, and hands over the results in the order of the rooms. */
export async function findMessages(
  rooms: number[],
  text: string,
  isWanted: () => boolean,
  onFound: (found: RoomMessage[]) => void,
): Promise<void> {
  for (let at = 0; at < rooms.length && isWanted(); at += PARALLEL_REQUESTS) {
    const some = rooms.slice(at, at + PARALLEL_REQUESTS);
    const found = await Promise.all(some.map((id) => patiently(() => api.findMessages(id, text), isWanted)));
    if (isWanted()) onFound(found.flat());
  }
}

/** Splits a text into the part before the first match, the match, and the rest. A long first part is cut. */
export function splitAtMatch(text: string, wanted: string): [string, string, string] {
  const at = text.toLocaleLowerCase().indexOf(wanted.toLocaleLowerCase());
  if (at < 0) return [text, "", ""];
  const from = Math.max(0, at - LEAD_CHARS);
  const before = (from > 0 ? "…" : "") + text.slice(from, at);
  return [before, text.slice(at, at + wanted.length), text.slice(at + wanted.length)];
}
