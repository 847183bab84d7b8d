// What is being written, per conversation and user; survives reloads and the end of a session.

import { store } from "./settings";

export interface Draft {
  text: string;
  replyTo: number | null;
}

let key = "";
let drafts: Record<string, Draft> = {};

export function openDrafts(user: number): void {
  key = `chinwag.drafts.${user}`;
  try {
    drafts = JSON.parse(store.get(key) ?? "{}") ?? {};
  } catch {
    drafts = {};
  }
}

export function draftOf(room: number): Draft {
  return drafts[room] ?? { text: "", replyTo: null };
}

export function keepDraft(room: number, draft: Draft): void {
  if (draft.text || draft.replyTo !== null) drafts[room] = draft;
  else delete drafts[room];
  store.set(key, JSON.stringify(drafts));
}
