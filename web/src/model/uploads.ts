// Pictures on their way to the server. They become messages of the outbox once they are there.

import { signal } from "@preact/signals";
import { ApiError, type Upload, uploadImage } from "../net/http";
import type { Pixels } from "../net/types";
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
  pixels?: Pixels;
}

type Done = (upload: Uploading, url: string) => void;

export const MAX_BYTES = 10 * 1024 * 1024;
export const TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/** The row may still draw a preview for a moment. */
const PREVIEW_MS = 5000;

export const uploads = signal<Uploading[]>([]);
const running = new Map<string, { file: File; upload: Upload | null }>();

export function change(clientId: string, part: Partial<Uploading>): void {
  uploads.value = uploads.value.map((it) => (it.clientId === clientId ? { ...it, ...part } : it));
}

/** Why a file cannot be sent, or `null`. */
export function refusal(file: File): "upload.type" | "upload.size" | null {
  if (!TYPES.includes(file.type)) return "upload.type";
  return file.size > MAX_BYTES ? "upload.size" : null;
}

export function begin(room: number, file: File, onDone: Done): void {
  const clientId = newClientId();
  const preview = URL.createObjectURL(file);
  const entry = { clientId, room, at: Date.now(), name: file.name, preview, part: 0, error: null };
  running.set(clientId, { file, upload: null });
  uploads.value = [...uploads.value, entry];
  void run(clientId, onDone);
}

/** Uploads a picture, for the first time or again. */
export async function run(clientId: string, onDone: Done): Promise<void> {
  const job = running.get(clientId);
  if (!job) return;
  change(clientId, { part: 0, error: null });
  job.upload = uploadImage(job.file, (part) => change(clientId, { part }));
  try {
    const url = await job.upload.done;
    const entry = uploads.peek().find((it) => it.clientId === clientId);
    if (!entry) return; // given up at the last moment
    onDone(entry, url);
    drop(clientId);
  } catch (error) {
    change(clientId, { error: error instanceof ApiError ? error.message : "unreachable" });
  }
}

export function cancel(clientId: string): void {
  const job = running.get(clientId);
  drop(clientId);
  job?.upload?.cancel();
}

/** Gives all of them up: the session has ended. */
export function abandon(): void {
  for (const clientId of [...running.keys()]) cancel(clientId);
}

function drop(clientId: string): void {
  running.delete(clientId);
  const entry = uploads.value.find((it) => it.clientId === clientId);
  uploads.value = uploads.value.filter((it) => it.clientId !== clientId);
  if (entry) setTimeout(() => URL.revokeObjectURL(entry.preview), PREVIEW_MS);
}
