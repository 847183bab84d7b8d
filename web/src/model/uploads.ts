// Uploads of images and other files. An upload that has finished becomes a message of the outbox.

import { signal } from "@preact/signals";
import { type Upload, upload } from "../net/http";
import { type Code, Refused, retryTime } from "../net/refused";
import { newClientId } from "../net/resending";
import type { Pixels } from "../net/types";
import { returnToDraft } from "./drafts";

export interface PendingUpload {
  clientId: string;
  room: number;
  at: number;
  name: string;
  size: number;
  isImage: boolean;
  /** Those that are sent together have the same one. */
  batch: string;
  /** What is sent with it. */
  caption: string;
  replyTo: number | null;
  /** The address of the preview of an image; empty for other files. */
  preview: string;
  /** From 0 to 1. */
  progress: number;
  error: Code | null;
  /** When it can be tried again, as for messages. */
  retryAt?: number | null;
  pixels?: Pixels;
}

type OnDone = (upload: PendingUpload, url: string) => void;

export const MAX_BYTES = 10 * 1024 * 1024;
export const IMAGE_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/** The extensions of the other files that the server accepts. */
export const EXTENSIONS = [".pdf", ".txt", ".doc", ".docx", ".xls", ".xlsx"];
/** The row may still draw the preview for a moment. */
const PREVIEW_MS = 5000;
/** Uploads at the same time. The server refuses a user's fourth, and there may be other tabs. */
const AT_ONCE = 2;

export const pendingUploads = signal<PendingUpload[]>([]);
interface Job {
  file: File;
  upload: Upload | null;
  /** Resolves when the size of the image is known, or when it cannot be read. */
  measured: Promise<void>;
  /** Sends what was uploaded. Set once it has its address. */
  send?: () => void;
}

const jobs = new Map<string, Job>();
let running = 0;
const waiting: (() => void)[] = [];

export function updateUpload(clientId: string, part: Partial<PendingUpload>): void {
  pendingUploads.value = pendingUploads.value.map((entry) =>
    entry.clientId === clientId ? { ...entry, ...part } : entry,
  );
}

const find = (clientId: string) => pendingUploads.peek().find((upload) => upload.clientId === clientId);

export const isPicture = (file: File) => IMAGE_TYPES.includes(file.type);

/** Why a file cannot be sent, as the key of a text; `null` if it can. */
export function rejectionOf(file: File): "upload.type" | "upload.size" | null {
  const name = file.name.toLowerCase();
  if (!isPicture(file) && !EXTENSIONS.some((extension) => name.endsWith(extension))) return "upload.type";
  return file.size > MAX_BYTES ? "upload.size" : null;
}

/** Why a file cannot be an avatar. */
export function pictureRejectionOf(file: File): "upload.size" | "error.image" | null {
  if (!isPicture(file)) return "error.image";
  return file.size > MAX_BYTES ? "upload.size" : null;
}

export interface NewUpload extends Pick<PendingUpload, "room" | "batch" | "caption" | "replyTo"> {
  file: File;
}

export function startUpload({ file, ...message }: NewUpload, onDone: OnDone): void {
  const clientId = newClientId();
  const isImage = isPicture(file);
  const preview = isImage ? URL.createObjectURL(file) : "";
  const shown = { name: file.name, size: file.size, isImage, preview, progress: 0, error: null };
  const entry = { ...message, ...shown, clientId, at: Date.now() };
  pendingUploads.value = [...pendingUploads.value, entry];
  const measured = (isImage ? pixelsOf(file) : Promise.resolve(undefined)).then((pixels) => {
    if (pixels) updateUpload(clientId, { pixels });
  });
  jobs.set(clientId, { file, upload: null, measured });
  void runUpload(clientId, onDone);
}

/** The size of an image as it is shown; `undefined` if the browser cannot read it. */
async function pixelsOf(file: File): Promise<Pixels | undefined> {
  try {
    const bitmap = await createImageBitmap(file);
    const pixels: Pixels = [bitmap.width, bitmap.height];
    bitmap.close();
    return pixels;
  } catch {
    return undefined;
  }
}

/** Uploads a file, for the first time or again. */
export async function runUpload(clientId: string, onDone: OnDone): Promise<void> {
  const job = jobs.get(clientId);
  const room = find(clientId)?.room;
  if (!job || room === undefined) return;
  updateUpload(clientId, { progress: 0, error: null });
  if (running < AT_ONCE) running += 1;
  else await new Promise<void>((start) => waiting.push(start));
  try {
    if (jobs.get(clientId) !== job) return; // cancelled while it waited
    const kind = isPicture(job.file) ? "image" : "file";
    job.upload = upload(kind, job.file, (progress) => updateUpload(clientId, { progress }));
    const [url] = await Promise.all([job.upload.done, job.measured]);
    if (!find(clientId)) return; // cancelled at the last moment
    job.send = () => {
      const entry = find(clientId);
      if (entry) onDone(entry, url);
    };
    sendUploaded(room);
  } catch (error) {
    const isRefused = error instanceof Refused;
    const retryAt = isRefused ? retryTime(error) : null;
    updateUpload(clientId, { error: isRefused ? error.code : "unreachable", retryAt });
    sendUploaded(room);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** Sends the files of a room that are uploaded, up to the first that is not yet: they come in the order chosen. */
function sendUploaded(room: number): void {
  const uploading = pendingUploads.peek().filter((upload) => upload.room === room && !upload.error);
  for (const { clientId } of uploading) {
    const send = jobs.get(clientId)?.send;
    if (!send) return;
    send();
    removeUpload(clientId);
  }
}

/** Cancels an upload. What was written to it stays with the files that it would be sent with, else in the composer. */
export function cancelUpload(clientId: string): void {
  const gone = find(clientId);
  discard(clientId);
  if (!gone) return;
  const { room, caption, replyTo } = gone;
  const rest = pendingUploads.peek().filter(({ batch }) => batch === gone.batch);
  const [first] = rest;
  const last = rest.at(-1);
  if (first && replyTo !== null) updateUpload(first.clientId, { replyTo });
  if (last && caption) updateUpload(last.clientId, { caption });
  else if (caption) returnToDraft(room, { text: caption, replyTo });
  sendUploaded(room);
}

function discard(clientId: string): void {
  const job = jobs.get(clientId);
  removeUpload(clientId);
  job?.upload?.cancel();
}

/** Cancels every upload, as the session has ended. */
export function cancelAllUploads(): void {
  for (const clientId of [...jobs.keys()]) discard(clientId);
}

function removeUpload(clientId: string): void {
  jobs.delete(clientId);
  const entry = pendingUploads.value.find((upload) => upload.clientId === clientId);
  pendingUploads.value = pendingUploads.value.filter((upload) => upload.clientId !== clientId);
  if (entry?.preview) setTimeout(() => URL.revokeObjectURL(entry.preview), PREVIEW_MS);
}
