// The list of conversations, read from the server.

import { batch } from "@preact/signals";
import { api } from "../net/http";
import { active, conversations, isAtEnd, listState, roomOf } from "./rooms";
import { token } from "./session";

/** How long to wait for what else happens before the list is read anew. */
const SOON_MS = 150;

let reading: Promise<void> | null = null;
let arrivals = 0;
let timer = 0;

/** Notes that a message arrived, which a list that is being read may lack. */
export function noteArrival(): void {
  arrivals += 1;
}

/** Reads the list; once at a time, and again when messages came meanwhile or it is wanted again. */
export function refresh(): Promise<void> {
  arrivals += 1;
  reading ??= read().finally(() => {
    reading = null;
  });
  return reading;
}

export function refreshSoon(): void {
  clearTimeout(timer);
  timer = window.setTimeout(() => void refresh(), SOON_MS);
}

async function read(): Promise<void> {
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
    if (token.peek() === given && listState.peek() !== "ready") listState.value = "error";
  }
}

/** Whether everything in a conversation is before the reader's eyes. */
export function isRead(it: { id: number }): boolean {
  const isOpen = active.peek() === it.id && !document.hidden && isAtEnd.peek();
  return isOpen && roomOf(it.id).state.peek() === "ready" && !roomOf(it.id).isStale;
}
