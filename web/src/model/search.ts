// Searches for users, rooms and messages: first among the loaded conversations, then on the server.

import { delay } from "../net/delay";
import { Refused } from "../net/refused";
import type { Conversation, FoundRoom, UserRef } from "../net/types";
import { roomName } from "./labels";

/** The pause before a search that a rate limit refused is repeated, unless the server gives another. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;
/** Characters that are shown before the first match. */
const LEAD_CHARS = 24;

/** Conversations whose names contain the text. */
export function matchingConversations(list: Conversation[], text: string): Conversation[] {
  const wanted = fold(text);
  return list.filter((conversation) => fold(roomName(conversation)).includes(wanted));
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

/** Runs a search, again after a pause when a rate limit refused it; `null` once it is no longer needed. */
export async function retried<T>(search: () => Promise<T>, isWanted: () => boolean): Promise<T | null> {
  while (isWanted()) {
    try {
      return await search();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "rate_limited") throw error;
      await delay(Math.min(error.retryAfterMs ?? RETRY_MS, MAX_RETRY_MS));
    }
  }
  return null;
}

/** The same for a list, which is empty when the search fails otherwise or is no longer needed. */
export async function patiently<T>(search: () => Promise<T[]>, isWanted: () => boolean): Promise<T[]> {
  return (await retried(search, isWanted).catch(() => null)) ?? [];
}

/** A part of a text, and whether it is what was searched for. */
export interface Part {
  text: string;
  isMatch: boolean;
}

/**
 * Splits a text at all places where it has a word that was searched for, regardless of case, width and marks. A long part
 * before the first of them is cut.
 */
export function splitAtMatches(text: string, wanted: string): Part[] {
  const { folded, starts } = withPlaces(text);
  const needles = wordsOf(wanted).map(fold);
  const parts: Part[] = [];
  let done = 0;
  const add = (end: number, isMatch: boolean) => {
    if (end > done) parts.push({ text: text.slice(done, end), isMatch });
    done = end;
  };
  const places = needles.map((needle) => ({ needle, at: folded.indexOf(needle) }));
  for (let from = 0; ; ) {
    for (const place of places) {
      if (place.at >= 0 && place.at < from) place.at = folded.indexOf(place.needle, from);
    }
    const [next] = places
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.needle.length - a.needle.length);
    if (!next) break;
    from = next.at + next.needle.length;
    // A match may begin inside of what one character is folded to.
    add(Math.max(done, starts[next.at] ?? 0), false);
    add(endOf(starts, from), true);
  }
  add(text.length, false);
  const [first, second] = parts;
  if (first && second && !first.isMatch && first.text.length > LEAD_CHARS) {
    first.text = `…${first.text.slice(-LEAD_CHARS)}`;
  }
  return parts;
}

/** What the server looks for: each word, and what stands in quotation marks as a whole. */
function wordsOf(wanted: string): string[] {
  const pieces = wanted.split('"');
  // A mark that is not closed is part of a word.
  if (pieces.length % 2 === 0) pieces.push(pieces.splice(-2).join('"'));
  const words = pieces.flatMap((piece, at) => (at % 2 === 1 ? piece.trim() : piece.split(/\s+/)));
  return words.filter(Boolean);
}

/** A letter of the scripts whose marks many people do not type, and its marks. */
const MARKED = /([\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{Mn}+/gu;
/** Letters that are no combination of another with a mark; at the end of a word sigma has a form of its own. */
const PLAIN: Record<string, string> = { ø: "o", ł: "l", đ: "d", æ: "ae", œ: "oe", ς: "σ" };

/** The form in which the server compares texts (`searchable` in its `domain/text.rs`). */
function fold(text: string): string {
  const folded = text.toUpperCase().toLowerCase().normalize("NFKC");
  if (/^[\0-\x7f]*$/.test(folded)) return folded;
  const unmarked = folded
    .normalize("NFD")
    .replace(MARKED, "$1")
    .replace(/[øłđæœς]/g, (letter) => PLAIN[letter] ?? "");
  return unmarked.normalize("NFC");
}

/** A folded text, and for each of its units, and its end, where the character that it stands for begins. */
function withPlaces(text: string): { folded: string; starts: number[] } {
  let folded = "";
  const starts: number[] = [];
  let at = 0;
  // With its marks, of which some make another character of it.
  for (const [char] of text.matchAll(/\P{M}\p{M}*|\p{M}+/gu)) {
    const some = fold(char);
    for (let unit = 0; unit < some.length; unit += 1) starts.push(at);
    folded += some;
    at += char.length;
  }
  starts.push(at);
  return { folded, starts };
}

/** Where the character ends that has the unit before a place. */
function endOf(starts: number[], at: number): number {
  const last = starts[at - 1];
  let next = at;
  while (next < starts.length - 1 && starts[next] === last) next += 1;
  return starts[next] ?? 0;
}
