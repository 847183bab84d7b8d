// Pictures on their way to the server. They become messages of the outbox once they are there.

import { signal } from "@preact/signals";
import { ApiError, type Upload, uploadImage } from "../net/http";
import { newClientId } from "./outbox";

export interface Uploading {
  clientId: string;
  room: number;
  at: number;
  name: string;
  preview: string;
  /** From 0 to 1. */
  part: number;
  error: string | null;
}

export const MAX_BYTES = 10 * 1024 * 1024;
export const TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"];

export const uploads = signal<Uploading[]>([]);
const running = new Map<string, { file: File; upload: Upload | null }>();

function change(clientId: string, part: Partial<Uploading>): void {
  uploads.value = uploads.value.map((it) => (it.clientId === clientId ? { ...it, ...part } : it));
}

/** Why a file cannot be sent, or `null`. */
export function refusal(file: File): "upload.type" | "upload.size" | null {
  if (!TYPES.includes(file.type)) return "upload.type";
  return file.size > MAX_BYTES ? "upload.size" : null;
}

export function begin(room: number, file: File, onDone: (clientId: string, url: string) => void): void {
  const clientId = newClientId();
  const preview = URL.createObjectURL(file);
  const entry = { clientId, room, at: Date.now(), name: file.name, preview, part: 0, error: null };
  running.set(clientId, { file, upload: null });
  uploads.value = [...uploads.value, entry];
  run(clientId, onDone);
}

export async function run(clientId: string, onDone: (clientId: string, url: string) => void): Promise<void> {
  const job = running.get(clientId);
  if (!job) return;
  change(clientId, { part: 0, error: null });
  job.upload = uploadImage(job.file, (part) => change(clientId, { part }));
  try {
    const url = await job.upload.done;
    onDone(clientId, url);
    drop(clientId);
  } catch (error) {
    if (running.has(clientId))
      change(clientId, { error: error instanceof ApiError ? error.message : "unreachable" });
  }
}

export function cancel(clientId: string): void {
  const job = running.get(clientId);
  drop(clientId);
  job?.upload?.cancel();
}

function drop(clientId: string): void {
  running.delete(clientId);
  const entry = uploads.value.find((it) => it.clientId === clientId);
  uploads.value = uploads.value.filter((it) => it.clientId !== clientId);
  // The row may still draw it for a moment.
  if (entry) setTimeout(() => URL.revokeObjectURL(entry.preview), 5000);
}
