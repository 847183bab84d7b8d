// Forwards messages. Each copy goes through the outbox under a client id of its own, so that none is lost or sent
// twice.

import { effect } from "@preact/signals";
import { newClientId } from "../net/resending";
import type { RoomMessage } from "../net/types";
import { preview } from "./labels";
import * as outbox from "./outbox";
import { enqueue } from "./sending";

/** Forwards a message to rooms. Returns the client ids of the copies. */
export function forward(message: RoomMessage, rooms: number[]): string[] {
  return rooms.map((room) => {
    const clientId = newClientId();
    const isImage = message.message_type === "image";
    enqueue({ room, text: preview(message), isImage, replyTo: null, clientId, forwarded: message });
    return clientId;
  });
}

/** Waits until the server has accepted or refused each of some messages. Returns those that it refused. */
export function refusedOf(clientIds: string[]): Promise<outbox.PendingMessage[]> {
  return new Promise((resolve) => {
    let isDone = false;
    const stop = effect(() => {
      const all = outbox.pendingMessages.value.filter(({ clientId }) => clientIds.includes(clientId));
      isDone ||= all.every(({ state }) => state !== "sending");
      if (isDone) resolve(all.filter(({ state }) => state === "failed"));
      // The first run may end before there is a function to stop it.
      if (isDone) queueMicrotask(() => stop());
    });
  });
}
