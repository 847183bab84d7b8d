// Unsent texts, one per conversation and user. They survive reloads and the end of a session.

import { signal } from "@preact/signals";
import { storage } from "../settings/storage";

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
    return typeof draft?.text === "string" ? { text: draft.text, replyTo: draft.replyTo ?? null } : null;
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
  const next = new Map(drafts.peek());
  const isEmpty = !draft.text && draft.replyTo === null;
  if (isEmpty) next.delete(room);
  else next.set(room, draft);
  drafts.value = next;
  storage.set(prefix + room, isEmpty ? null : JSON.stringify(draft));
}
