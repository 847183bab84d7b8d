// Reads the list of conversations from the server.

import { batch } from "@preact/signals";
import { delay } from "../net/delay";
import { api } from "../net/http";
import type { Conversation } from "../net/types";
import { latest } from "./amendments";
import { isWatched, onReturn } from "./attention";
import {
  activeRoomId,
  conversations,
  isAtEnd,
  isListPartial,
  listState,
  patchConversation,
  roomOf,
  withoutReadMentions,
} from "./rooms";
import { token } from "./session";

/** Merges the refreshes within this time. */
const REFRESH_DELAY_MS = 150;
/** The last request counts even if messages arrived during it. */
const MAX_REQUESTS = 3;

/** Minimum time before rooms that the server could not list are requested again. */
const MISSING_MIN_MS = 10_000;

let missingTimer = 0;
let reading: Promise<void> | null = null;
/** Counts the changes that a running request may lack. */
let changes = 0;
let soon: Promise<void> | null = null;

/** Records the arrival of a message or a change, which a running request may lack. */
export function noteArrival(): void {
  changes += 1;
}

/** Reads the list, with one request at a time. Repeats it if messages arrived or a refresh was requested meanwhile. */
export function refreshList(): Promise<void> {
  changes += 1;
  reading ??= readList().finally(() => {
    reading = null;
  });
  return reading;
}

/** Reads the list after a while. Resolves when that is done. */
export function refreshListSoon(): Promise<void> {
  soon ??= delay(REFRESH_DELAY_MS).then(() => {
    soon = null;
    return refreshList();
  });
  return soon;
}

async function readList(): Promise<void> {
  if (listState.peek() !== "ready") listState.value = "loading";
  const ownToken = token.peek();
  try {
    for (let count = 1; count <= MAX_REQUESTS; count += 1) {
      const before = changes;
      const { list, isPartial } = await api.conversations();
      if (token.peek() !== ownToken) return;
      if (before !== changes && count < MAX_REQUESTS) continue;
      applyList(list, isPartial);
      return;
    }
  } catch {
    if (token.peek() === ownToken && listState.peek() !== "ready") listState.value = "error";
  } finally {
    clearTimeout(missingTimer);
    // It may be the list of the next user by then.
    const again = () => isListPartial.peek() && void refreshList();
    if (isListPartial.peek()) missingTimer = window.setTimeout(again, missingDelay());
  }
}

function applyList(list: Conversation[], isPartial: boolean): void {
  const listed = list.map((conversation): [number, Conversation] => [
    conversation.id,
    withoutSeen(withLatest(conversation)),
  ]);
  batch(() => {
    // The rooms that a partial list lacks are kept as they were.
    conversations.value = new Map(isPartial ? [...conversations.peek(), ...listed] : listed);
    isListPartial.value = isPartial;
    listState.value = "ready";
  });
  // Somebody has written while no page was open.
  for (const { id, hidden, unread } of list) if (hidden && unread > 0) unhide(id);
}

/** Lists a hidden conversation again after a new message: the server leaves that to clients. */
export function unhide(id: number): void {
  noteArrival();
  patchConversation(id, () => ({ hidden: false }));
  void api.changeConversation(id, { hidden: false }).catch(() => {}); // the next page tries again
}

/** Spreads the requests of clients that all miss rooms at the same time. */
const missingDelay = () => MISSING_MIN_MS * (1 + Math.random() / 2);

/** Keeps the text of the last message if it was edited since the server read it. */
function withLatest(conversation: Conversation): Conversation {
  const { id, last_message } = conversation;
  if (!last_message) return conversation;
  return { ...conversation, last_message: latest(conversations.peek().get(id)?.last_message, last_message) };
}

function withoutSeen(conversation: Conversation): Conversation {
  return withoutReadMentions(isInView(conversation.id) ? { ...conversation, unread: 0 } : conversation);
}

/** Whether the newest messages of a room are in view, in a window that has the focus. */
export function isInView(id: number): boolean {
  const isOpen = activeRoomId.peek() === id && isWatched() && isAtEnd.peek();
  return isOpen && roomOf(id).reading.peek() === "on";
}

// What the user has read, or marked as unread, on other devices is not announced in every room.
onReturn(() => {
  if (listState.peek() === "ready") void refreshListSoon();
});
