// Looking for users, rooms and messages: what is at hand at once, then what the server finds.

import { api } from "../net/http";
import type { Conversation, FoundRoom, FoundUser, Message } from "../net/types";
import { roomName } from "./words";

/** The server looks for messages in one room at a time; so many are asked at first, and with each "more". */
export const ROOMS_AT_ONCE = 12;
const PARALLEL = 4;

export type FoundMessage = Message & { room_id: number };

/** Conversations with the text anywhere in their names. */
export function matching(list: Conversation[], text: string): Conversation[] {
  const wanted = text.toLocaleLowerCase();
  return list.filter((it) => roomName(it).toLocaleLowerCase().includes(wanted));
}

/** Users that one has no conversation with yet; the others are listed as conversations. */
export function strangers(users: FoundUser[], list: Conversation[], own: number): FoundUser[] {
  const known = new Set(list.map((it) => it.user_id));
  return users.filter((user) => user.id !== own && !known.has(user.id));
}

/** Public rooms that one is no member of. */
export function unjoined(rooms: FoundRoom[], list: Conversation[]): FoundRoom[] {
  const known = new Set(list.map((it) => it.id));
  return rooms.filter((room) => room.kind === "public" && !known.has(room.id));
}

/** In which order rooms are looked through: the open one, then by latest activity. */
export function searchOrder(list: Conversation[], open: number | null): number[] {
  const ids = list.filter((it) => it.last_message !== null).map((it) => it.id);
  return open !== null && ids.includes(open) ? [open, ...ids.filter((id) => id !== open)] : ids;
}

/** Looks for messages in some rooms, a few at a time, and hands over what each has in the order of the rooms. */
export async function findMessages(
  rooms: number[],
  text: string,
  isWanted: () => boolean,
  onFound: (found: FoundMessage[]) => void,
): Promise<void> {
  for (let at = 0; at < rooms.length && isWanted(); at += PARALLEL) {
    const some = rooms.slice(at, at + PARALLEL);
    const found = await Promise.all(some.map((id) => api.findMessages(id, text).catch(() => [])));
    if (isWanted()) onFound(found.flat());
  }
}

/** A text in three: before the first match, the match, after it. Long beginnings are cut. */
export function marked(text: string, wanted: string): [string, string, string] {
  const at = text.toLocaleLowerCase().indexOf(wanted.toLocaleLowerCase());
  if (at < 0) return [text, "", ""];
  const from = Math.max(0, at - 24);
  const before = (from > 0 ? "…" : "") + text.slice(from, at);
  return [before, text.slice(at, at + wanted.length), text.slice(at + wanted.length)];
}
