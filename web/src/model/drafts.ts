// Unsent texts, one per conversation and user. They survive reloads and the end of a session.

import { signal } from "@preact/signals";
import { storage } from "../settings/storage";
import { cutToFit } from "./limits";

export interface Draft {
  text: string;
  replyTo: number | null;
}

const EMPTY: Draft = { text: "", replyTo: null };

/** The prefix of the user's keys in the storage. Each draft has its own key, so that tabs do not overwrite each other. */
let prefix = "";
const drafts = signal<ReadonlyMap<number, Draft>>(new Map());

export function openDrafts(userId: number): void {
  prefix = `chinwag.draft.${userId}.`;
  const stored = new Map<number, Draft>();
  for (const key of storage.keys(prefix)) {
    const draft = parse(storage.get(key));
    if (draft) stored.set(Number(key.slice(prefix.length)), draft);
  }
  drafts.value = stored;
}

/** Hides the drafts from the next user of this browser. */
export function closeDrafts(): void {
  prefix = "";
  drafts.value = new Map();
}

function parse(text: string | null): Draft | null {
  try {
    const draft = JSON.parse(text ?? "null");
    if (typeof draft?.text !== "string") return null;
    return { text: cutToFit(draft.text), replyTo: draft.replyTo ?? null };
  } catch {
    return null;
  }
}

export function draftOf(room: number): Draft {
  return drafts.value.get(room) ?? EMPTY;
}

/** Stores a draft, or removes it if it is empty. */
export function saveDraft(room: number, draft: Draft): void {
  const known = drafts.peek().get(room) ?? EMPTY;
  if (known.text === draft.text && known.replyTo === draft.replyTo) return;
  note(room, draft);
  storage.set(prefix + room, isEmpty(draft) ? null : JSON.stringify(draft));
}

/** Puts what was not sent back into a draft, above what was written since. */
export function returnToDraft(room: number, { text, replyTo }: Draft): void {
  const known = drafts.peek().get(room) ?? EMPTY;
  const draft = { text: known.text ? `${text}\n${known.text}` : text, replyTo: known.replyTo ?? replyTo };
  saveDraft(room, draft);
  tellWatchers(room, draft);
}

const isEmpty = ({ text, replyTo }: Draft) => !text && replyTo === null;

function note(room: number, draft: Draft): void {
  const next = new Map(drafts.peek());
  if (isEmpty(draft)) next.delete(room);
  else next.set(room, draft);
  drafts.value = next;
}

type Watcher = (draft: Draft) => void;
const watchers = new Set<[number, Watcher]>();

/** Runs an action when something else than the composer changes the draft of a room. Returns a function that ends that. */
export function watchDraft(room: number, act: Watcher): () => void {
  const entry: [number, Watcher] = [room, act];
  watchers.add(entry);
  return () => void watchers.delete(entry);
}

function tellWatchers(changed: number, draft: Draft): void {
  for (const [room, act] of watchers) if (room === changed) act(draft);
}

// Tabs share each draft: otherwise the one that writes last would overwrite the text of the other.
addEventListener("storage", ({ key, newValue }) => {
  if (!prefix || !key?.startsWith(prefix)) return;
  const changed = Number(key.slice(prefix.length));
  const draft = parse(newValue) ?? EMPTY;
  note(changed, draft);
  tellWatchers(changed, draft);
});
