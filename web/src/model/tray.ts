// Images and other files that wait above the composer of a room until the user sends them.

import { signal } from "@preact/signals";
import { newClientId } from "../net/resending";
import { isPicture } from "./uploads";

export interface WaitingFile {
  id: string;
  file: File;
  /** The address of the preview of an image; empty for other files. */
  preview: string;
}

export const MAX_WAITING = 10;

const trays = signal<ReadonlyMap<number, WaitingFile[]>>(new Map());

export const waitingIn = (room: number): WaitingFile[] => trays.value.get(room) ?? [];

function put(room: number, files: WaitingFile[]): void {
  const next = new Map(trays.peek());
  if (files.length > 0) next.set(room, files);
  else next.delete(room);
  trays.value = next;
}

/** Adds files, as many as there is room for. Returns whether all of them. */
export function addWaiting(room: number, files: File[]): boolean {
  const known = waitingIn(room);
  const added = files.slice(0, MAX_WAITING - known.length);
  const previewOf = (file: File) => (isPicture(file) ? URL.createObjectURL(file) : "");
  put(room, [...known, ...added.map((file) => ({ id: newClientId(), file, preview: previewOf(file) }))]);
  return added.length === files.length;
}

export function removeWaiting(room: number, id: string): void {
  const gone = waitingIn(room).filter((waiting) => waiting.id === id);
  put(
    room,
    waitingIn(room).filter((waiting) => waiting.id !== id),
  );
  for (const { preview } of gone) if (preview) URL.revokeObjectURL(preview);
}

/** Removes all files from the tray of a room, to send them. */
export function takeWaiting(room: number): File[] {
  const files = waitingIn(room);
  for (const { id } of files) removeWaiting(room, id);
  return files.map(({ file }) => file);
}

/** Empties all trays, as the session has ended. */
export function resetTrays(): void {
  for (const room of trays.peek().keys()) takeWaiting(room);
}
