// What is being written, per conversation and user; survives reloads and the end of a session.

import { signal } from "@preact/signals";
import { storage } from "../settings/storage";

export interface Draft {
  text: string;
  replyTo: number | null;
}

const NONE: Draft = { text: "", replyTo: null };

let prefix = "";
/** Each has a key of its own in the store, so that two tabs do not overwrite each other's. */
const drafts = signal<ReadonlyMap<number, Draft>>(new Map());

export function openDrafts(user: number): void {
  prefix = `chinwag.draft.${user}.`;
  const kept = new Map<number, Draft>();
  for (const key of storage.keys(prefix)) {
    const draft = parse(storage.get(key));
    if (draft) kept.set(Number(key.slice(prefix.length)), draft);
  }
  drafts.value = kept;
}

/** Whoever comes next sees none of them. */
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
  return drafts.value.get(room) ?? NONE;
}

export function keepDraft(room: number, draft: Draft): void {
  const known = drafts.peek().get(room) ?? NONE;
  if (known.text === draft.text && known.replyTo === draft.replyTo) return;
  const next = new Map(drafts.peek());
  const isEmpty = !draft.text && draft.replyTo === null;
  if (isEmpty) next.delete(room);
  else next.set(room, draft);
  drafts.value = next;
  storage.set(prefix + room, isEmpty ? null : JSON.stringify(draft));
}
