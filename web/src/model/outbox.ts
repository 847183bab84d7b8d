// What was written and is not known to be stored yet. It survives reloads; the client id keeps it from being stored
// twice however often it is sent, for a day.

import { signal } from "@preact/signals";
import type { Pixels } from "../net/types";
import { storage } from "../settings/storage";

export interface Pending {
  clientId: string;
  room: number;
  text: string;
  isImage: boolean;
  replyTo: number | null;
  at: number;
  state: "sending" | "sent" | "failed";
  error: string | null;
  /** The size of a picture, so that its place does not change once it is stored. */
  pixels?: Pixels;
}

/** The server knows a client id for 24 hours. */
const RETRY_MS = 23 * 3600_000;

export const outbox = signal<Pending[]>([]);
/** Of the user; none until it is known who that is. */
let prefix = "";

function keep(clientId: string, entry: Pending | null): void {
  if (prefix) storage.set(prefix + clientId, entry && JSON.stringify(entry));
}

export function openOutbox(user: number): void {
  // What was put here before it was known by whom: a picture that had been uploaded by then.
  const early = prefix ? [] : outbox.peek();
  prefix = `chinwag.out.${user}.`;
  for (const entry of early) keep(entry.clientId, entry);
  const kept: Pending[] = [];
  for (const key of storage.keys(prefix)) {
    try {
      const entry = JSON.parse(storage.get(key) ?? "") as Pending;
      const isOld = Date.now() - entry.at > RETRY_MS;
      kept.push({ ...entry, state: isOld || entry.state === "failed" ? "failed" : "sending" });
    } catch {
      storage.set(key, null);
    }
  }
  outbox.value = kept.sort((a, b) => a.at - b.at);
}

export function find(clientId: string): Pending | undefined {
  return outbox.peek().find((entry) => entry.clientId === clientId);
}

export function closeOutbox(): void {
  prefix = "";
  outbox.value = [];
}

export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function put(entry: Pending): void {
  keep(entry.clientId, entry);
  outbox.value = [...outbox.value, entry];
}

export function change(clientId: string, part: Partial<Pending>): void {
  outbox.value = outbox.value.map((entry) => {
    if (entry.clientId !== clientId) return entry;
    const changed = { ...entry, ...part };
    keep(clientId, changed);
    return changed;
  });
}

export function remove(clientId: string): void {
  keep(clientId, null);
  if (outbox.value.some((entry) => entry.clientId === clientId)) {
    outbox.value = outbox.value.filter((entry) => entry.clientId !== clientId);
  }
}

/** Tries a failed message again; one that is too old for its client id under a new one. */
export function retry(clientId: string): void {
  const entry = find(clientId);
  if (!entry) return;
  if (Date.now() - entry.at < RETRY_MS) return change(clientId, { state: "sending", error: null });
  remove(clientId);
  put({ ...entry, clientId: newClientId(), at: Date.now(), state: "sending", error: null });
}
