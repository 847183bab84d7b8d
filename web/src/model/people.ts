// The cards of users: avatars and status texts. They are requested as users are drawn, many at once.

import { signal } from "@preact/signals";
import { api } from "../net/http";
import type { Card } from "../net/types";

/** Maximum number of users in a request. */
const AT_ONCE = 100;
/** Users within this time share a request. */
const GATHER_MS = 40;
/** How long a card is fresh: a change may be missed while there is no connection. */
const FRESH_MS = 60_000;

export const cards = signal<ReadonlyMap<number, Card>>(new Map());
/** When the card of a user was requested. */
const askedAt = new Map<number, number>();
let wanted: number[] = [];

/** Requests the card of a user soon, unless it is fresh, or however fresh it is. */
export function wantCard(id: number, isUrgent = false): void {
  if (wanted.includes(id)) return;
  if (!isUrgent && Date.now() - (askedAt.get(id) ?? 0) < FRESH_MS) return;
  askedAt.set(id, Date.now());
  if (wanted.length === 0) setTimeout(() => void readWanted(), GATHER_MS);
  wanted.push(id);
}

async function readWanted(): Promise<void> {
  const ids = wanted;
  wanted = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    try {
      noteCards(await api.cards(some));
    } catch {
      // They are requested again when they are drawn again.
      for (const id of some) askedAt.delete(id);
    }
  }
}

/** Stores cards that arrived with an event or another response. */
export function noteCards(list: readonly Card[]): void {
  const next = new Map(cards.peek());
  for (const { id, username, avatar, status_text, is_bot } of list) {
    // Programs stay what they are. Not every response says so.
    const bot = (is_bot ?? next.get(id)?.is_bot) && { is_bot: true as const };
    next.set(id, { id, username, avatar, status_text, ...bot });
    askedAt.set(id, Date.now());
  }
  cards.value = next;
}

/** Whether a user is a program, as far as is known. Programs are neither online nor offline. */
export const isBot = (id: number | null) => id !== null && cards.value.get(id)?.is_bot === true;

/** Forgets all cards, as the session has ended. */
export function resetCards(): void {
  askedAt.clear();
  wanted = [];
  cards.value = new Map();
}
