// The search for messages in its panel: the query and the results. It outlives the panel, so that the way back
// leads to where the user was; the query outlives the page, too.

import { effect, signal } from "@preact/signals";
import type { Has, MessageSearch } from "../net/search";
import type { UserRef } from "../net/types";
import { sessionStore } from "../settings/session_storage";
import { FoundMessages } from "./found_messages";
import { token } from "./session";

export interface Filters {
  text: string;
  from: UserRef | null;
  room: number | null;
  has: Has | null;
  /** A day of the user's, as 2026-11-29; empty for none. */
  before: string;
}

export const NO_FILTERS: Filters = { text: "", from: null, room: null, has: null, before: "" };

const KEPT = "chinwag.search";
/** Tells the query of one session from that of another, which may be somebody else's. */
const sessionMark = () => token.peek()?.slice(-12) ?? "";

/** The query before the page was loaded again. */
function keptFilters(): Filters {
  try {
    const { of, ...kept } = JSON.parse(sessionStore.get(KEPT) ?? "{}") as Partial<Filters> & { of?: string };
    return of && of === sessionMark() ? { ...NO_FILTERS, ...kept } : NO_FILTERS;
  } catch {
    return NO_FILTERS;
  }
}

export const filters = signal<Filters>(keptFilters());
/** `null` while nothing is looked for. */
export const found = signal<FoundMessages | null>(null);
/** Where the user was in the results: how far they were scrolled, and the message that was shown last. */
export const place = { top: 0, shown: 0 };
/** Counts the searches that were started outside the panel, which then shows their query. */
export const begun = signal(0);

/** The query for the server; `null` if it would match everything. */
export function searchOf({ text, from, room, has, before }: Filters): MessageSearch | null {
  const q = text.trim();
  if (!q && !from && !has) return null;
  const day = before ? new Date(`${before}T00:00`) : null;
  return {
    ...(q && { q }),
    ...(from && { from: from.id }),
    ...(room !== null && { room_id: room }),
    ...(has && { has }),
    ...(day && !Number.isNaN(day.getTime()) && { before: day.toISOString() }),
  };
}

/** Changes the query. `find` runs it. */
export function setFilters(change: Partial<Filters>): void {
  filters.value = { ...filters.peek(), ...change };
}

let asked = "";

/** Runs the query of the filters, unless its results are shown already. */
export function find(): void {
  const search = searchOf(filters.peek());
  const key = JSON.stringify(search);
  if (key === asked) return;
  asked = key;
  place.top = 0;
  place.shown = 0;
  found.peek()?.stop();
  found.value = search && new FoundMessages(search);
  void found.peek()?.more();
}

/** Begins another search. */
export function begin(change: Partial<Filters>): void {
  filters.value = { ...NO_FILTERS, ...change };
  begun.value += 1;
  find();
}

effect(() => sessionStore.set(KEPT, JSON.stringify({ ...filters.value, of: sessionMark() })));

// What was found belongs to the session.
let of = token.peek();
effect(() => {
  if (token.value === of) return;
  of = token.value;
  queueMicrotask(() => begin({}));
});
