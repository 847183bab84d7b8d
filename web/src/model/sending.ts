// Sends messages: each is shown at once, then sent in order until it is known to be stored.

import { delay } from "../net/delay";
import { Refused } from "../net/socket";
import { connection } from "./connection";
import * as outbox from "./outbox";
import { me } from "./session";
import { type PendingUpload, runUpload, startUpload } from "./uploads";

const TYPING_INTERVAL_MS = 3000;
/** How long the echo of a stored message may take. */
const ECHO_MS = 8000;
/** After these the same message is tried again by itself. */
const DEFERRED = /too many requests|temporarily unavailable/i;
const DEFERRED_MS = 1500;

export function sendText(room: number, text: string, replyTo: number | null): void {
  enqueue({ room, text, isImage: false, replyTo, clientId: outbox.newClientId() });
}

function enqueue(message: Omit<outbox.PendingMessage, "at" | "state" | "error">): void {
  outbox.add({ ...message, at: Date.now(), state: "sending", error: null });
  void flush();
}

export function retrySending(clientId: string): void {
  outbox.retry(clientId);
  void flush();
}

let isFlushing = false;

/** Sends what waits, one after the other, so that their order holds and a refusal is known to be whose. */
export async function flush(): Promise<void> {
  if (isFlushing || connection.status.peek() !== "open" || !me.peek()) return;
  isFlushing = true;
  try {
    for (;;) {
      const entry = outbox.pendingMessages.peek().find(({ state }) => state === "sending");
      if (!entry) return;
      await deliver(entry);
    }
  } catch {
    // The connection was lost. The next one flushes again.
  } finally {
    isFlushing = false;
  }
}

async function deliver(entry: outbox.PendingMessage): Promise<void> {
  const { room, text, isImage, replyTo, clientId } = entry;
  const message = { room_id: room, content: text, is_image: isImage, client_id: clientId };
  const payload = replyTo === null ? message : { ...message, reply_to: replyTo };
  try {
    await connection.command({ type: "send_message", payload });
    outbox.update(clientId, { state: "sent" });
    setTimeout(() => resend(clientId), ECHO_MS);
  } catch (error) {
    if (!(error instanceof Refused) || error.isLost) throw error;
    if (DEFERRED.test(error.message)) return delay(DEFERRED_MS);
    outbox.update(clientId, { state: "failed", error: error.message });
  }
}

/** Sends a message again whose echo never came. Its client id keeps the server from storing it twice. */
function resend(clientId: string): void {
  if (outbox.find(clientId)?.state !== "sent") return;
  outbox.update(clientId, { state: "sending" });
  void flush();
}

export function sendImage(room: number, file: File): void {
  startUpload(room, file, sendUploaded);
}

export function retryUpload(clientId: string): void {
  void runUpload(clientId, sendUploaded);
}

function sendUploaded({ clientId, room, pixels }: PendingUpload, url: string): void {
  enqueue({ room, text: url, isImage: true, replyTo: null, clientId, pixels });
}

export function deleteMessage(room: number, id: number): Promise<unknown> {
  return connection.command({ type: "delete_message", payload: { room_id: room, id } });
}

let typingSentAt = 0;

/** Tells the room that the user types, at most once per interval. */
export function sendTyping(room: number): void {
  if (Date.now() - typingSentAt < TYPING_INTERVAL_MS || connection.status.peek() !== "open") return;
  typingSentAt = Date.now();
  connection.command({ type: "typing", payload: { room_id: room } }).catch(() => {});
}

/** Starts a new interval: the text was sent, and the next key announces typing at once. */
export function resetTyping(): void {
  typingSentAt = 0;
}
