// Sending: at once to the eye, then to the server, in order, until it is known to be stored.

import { delay } from "../net/delay";
import { Refused } from "../net/socket";
import { connection } from "./connection";
import * as out from "./outbox";
import { me } from "./session";
import * as up from "./uploads";

const TYPING_SENT_MS = 3000;
/** How long the echo of a stored message may take. */
const ECHO_MS = 8000;
/** After these the same message is tried again by itself. */
const DEFERRED = /too many requests|temporarily unavailable/i;
const DEFERRED_MS = 1500;

export function send(room: number, text: string, replyTo: number | null): void {
  put({ room, text, isImage: false, replyTo, clientId: out.newClientId() });
}

function put(message: Omit<out.Pending, "at" | "state" | "error">): void {
  out.put({ ...message, at: Date.now(), state: "sending", error: null });
  void flush();
}

export function retry(clientId: string): void {
  out.retry(clientId);
  void flush();
}

let isFlushing = false;

/** Sends what waits, one after the other, so that their order holds and a refusal is known to be whose. */
export async function flush(): Promise<void> {
  if (isFlushing || connection.status.peek() !== "open" || !me.peek()) return;
  isFlushing = true;
  try {
    for (;;) {
      const entry = out.outbox.peek().find((it) => it.state === "sending");
      if (!entry) return;
      await deliver(entry);
    }
  } catch {
    // The connection was lost: it begins again with the next one.
  } finally {
    isFlushing = false;
  }
}

async function deliver(entry: out.Pending): Promise<void> {
  const { room, text, isImage, replyTo, clientId } = entry;
  const payload = { room_id: room, content: text, is_image: isImage, client_id: clientId };
  const answer = replyTo === null ? payload : { ...payload, reply_to: replyTo };
  try {
    await connection.command({ type: "send_message", payload: answer });
    out.change(clientId, { state: "sent" });
    setTimeout(() => sendAgain(clientId), ECHO_MS);
  } catch (error) {
    if (!(error instanceof Refused) || error.isLost) throw error;
    if (DEFERRED.test(error.message)) return void (await delay(DEFERRED_MS));
    out.change(clientId, { state: "failed", error: error.message });
  }
}

/** Stored, but its echo never came: the same client id stores nothing twice. */
function sendAgain(clientId: string): void {
  if (out.find(clientId)?.state !== "sent") return;
  out.change(clientId, { state: "sending" });
  void flush();
}

export function sendImage(room: number, file: File): void {
  up.begin(room, file, sendUploaded);
}

export function retryUpload(clientId: string): void {
  void up.run(clientId, sendUploaded);
}

function sendUploaded({ clientId, room, pixels }: up.Uploading, url: string): void {
  put({ room, text: url, isImage: true, replyTo: null, clientId, pixels });
}

export function remove(room: number, id: number): Promise<unknown> {
  return connection.command({ type: "delete_message", payload: { room_id: room, id } });
}

let typedAt = 0;

export function noteTyping(room: number): void {
  if (Date.now() - typedAt < TYPING_SENT_MS || connection.status.peek() !== "open") return;
  typedAt = Date.now();
  connection.command({ type: "typing", payload: { room_id: room } }).catch(() => {});
}

/** What was typed has gone: the next key tells of typing again. */
export function typedNothing(): void {
  typedAt = 0;
}
