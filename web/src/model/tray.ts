// Pictures that wait above the composer of a room until the user sends them.

import { signal } from "@preact/signals";
import { newClientId } from "./outbox";

export interface WaitingPicture {
  id: string;
  file: File;
  /** The address of what is drawn of it. */
  preview: string;
}

export const MAX_WAITING = 10;

const trays = signal<ReadonlyMap<number, WaitingPicture[]>>(new Map());

export const waitingIn = (room: number): WaitingPicture[] => trays.value.get(room) ?? [];

function put(room: number, pictures: WaitingPicture[]): void {
  const next = new Map(trays.peek());
  if (pictures.length > 0) next.set(room, pictures);
  else next.delete(room);
  trays.value = next;
}

/** Adds pictures, as many as there is room for. Returns whether all of them. */
export function addWaiting(room: number, files: File[]): boolean {
  const known = waitingIn(room);
  const added = files.slice(0, MAX_WAITING - known.length);
  const pictures = added.map((file) => ({ id: newClientId(), file, preview: URL.createObjectURL(file) }));
  put(room, [...known, ...pictures]);
  return added.length === files.length;
}

export function removeWaiting(room: number, id: string): void {
  const gone = waitingIn(room).filter((picture) => picture.id === id);
  put(
    room,
    waitingIn(room).filter((picture) => picture.id !== id),
  );
  for (const { preview } of gone) URL.revokeObjectURL(preview);
}

/** Takes all pictures out of the tray of a room, to send them. */
export function takeWaiting(room: number): File[] {
  const pictures = waitingIn(room);
  for (const { id } of pictures) removeWaiting(room, id);
  return pictures.map(({ file }) => file);
}

/** Empties all trays, as the session has ended. */
export function resetTrays(): void {
  for (const room of trays.peek().keys()) takeWaiting(room);
}
