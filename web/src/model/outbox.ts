// Messages that the user has sent and that are not known to be stored yet. They survive reloads. The server stores
// each client id once, however often the message is sent, for a day.

import { signal } from "@preact/signals";
import type { Code } from "../net/refused";
import { MAX_AGE_MS, newClientId } from "../net/resending";
import type { Pixels, RoomMessage } from "../net/types";
import { storage } from "../settings/storage";

export interface PendingMessage {
  clientId: string;
  room: number;
  text: string;
  isImage: boolean;
  /** The address of an image whose caption is the text; without it the text is the address. */
  fileUrl?: string;
  /** Properties of a file that is not an image. */
  file?: { name: string; size: number };
  replyTo: number | null;
  at: number;
  /** `sent` means accepted by the server, without an echo so far. */
  state: "sending" | "sent" | "failed";
  /** Why it failed. */
  error: Code | null;
  /** What of it the server refused. */
  field?: string | null;
  /** When it can be sent again: the server has asked to wait until then. */
  retryAt?: number | null;
  /** The size of an image, so that its place does not change once it is stored. */
  pixels?: Pixels;
  /** The message of which it is a copy. The server copies kind, text and file from it. */
  forwarded?: RoomMessage;
}

const NO_ERROR = { error: null, field: null, retryAt: null };

/** All entries, oldest first. */
export const pendingMessages = signal<PendingMessage[]>([]);
/** The prefix of the user's keys in the storage; empty until the user is known. */
let prefix = "";

function persist(clientId: string, entry: PendingMessage | null): void {
  if (prefix) storage.set(prefix + clientId, entry && JSON.stringify(entry));
}

/** Reads the user's entries. Those that were being sent wait for another attempt. */
export function openOutbox(userId: number): void {
  // Entries that were added before the user was known: images whose upload had finished by then.
  const early = prefix ? [] : pendingMessages.peek();
  prefix = `chinwag.out.${userId}.`;
  for (const entry of early) persist(entry.clientId, entry);
  const entries: PendingMessage[] = [];
  for (const key of storage.keys(prefix)) {
    try {
      const entry = JSON.parse(storage.get(key) ?? "") as PendingMessage;
      const isOld = Date.now() - entry.at > MAX_AGE_MS;
      entries.push({ ...entry, state: isOld || entry.state === "failed" ? "failed" : "sending" });
    } catch {
      storage.set(key, null);
    }
  }
  pendingMessages.value = entries.sort((a, b) => a.at - b.at);
}

export function closeOutbox(): void {
  prefix = "";
  pendingMessages.value = [];
}

export function find(clientId: string): PendingMessage | undefined {
  return pendingMessages.peek().find((entry) => entry.clientId === clientId);
}

export function add(entry: PendingMessage): void {
  persist(entry.clientId, entry);
  pendingMessages.value = [...pendingMessages.value, entry];
}

export function update(clientId: string, part: Partial<PendingMessage>): void {
  pendingMessages.value = pendingMessages.value.map((entry) => {
    if (entry.clientId !== clientId) return entry;
    const changed = { ...entry, ...part };
    persist(clientId, changed);
    return changed;
  });
}

export function remove(clientId: string): void {
  persist(clientId, null);
  if (pendingMessages.value.some((entry) => entry.clientId === clientId)) {
    pendingMessages.value = pendingMessages.value.filter((entry) => entry.clientId !== clientId);
  }
}

/**
 * Marks a failed message for sending again; under a new client id if the server may have forgotten the old one, or uses
 * it for another message.
 */
export function retry(clientId: string): void {
  const entry = find(clientId);
  if (!entry) return;
  const isUsable = Date.now() - entry.at < MAX_AGE_MS && entry.error !== "client_id_reused";
  if (isUsable) return update(clientId, { state: "sending", ...NO_ERROR });
  addAgain(entry);
}

/** Marks a failed reply for sending as a plain message; under a new client id, as it is another message. */
export function retryWithoutQuote(clientId: string): void {
  const entry = find(clientId);
  if (entry) addAgain({ ...entry, replyTo: null });
}

function addAgain(entry: PendingMessage): void {
  remove(entry.clientId);
  add({
    ...entry,
    clientId: newClientId(),
    at: Date.now(),
    state: "sending",
    ...NO_ERROR,
  });
}

/** Ends the waits of a room, of which slow mode has changed. */
export function endWaits(room: number): void {
  for (const entry of pendingMessages.peek()) {
    if (entry.room === room && entry.error === "slow_mode") update(entry.clientId, { retryAt: 0 });
  }
}
