// Sends messages: each is shown at once, then sent in order until it is known to be stored.

import { delay } from "../net/delay";
import { Refused, retryTime } from "../net/refused";
import { ECHO_MS, newClientId, resendWaitMs } from "../net/resending";
import { connection } from "./connection";
import { cutToFit } from "./limits";
import * as outbox from "./outbox";
import { noteSize } from "./pictures";
import { me } from "./session";
import { type PendingUpload, runUpload, startUpload } from "./uploads";
import { fileUrl } from "./urls";

const TYPING_INTERVAL_MS = 3000;
/** The user is told of waits from this length on. */
const SHOWN_WAIT_MS = 1000;
/** Longer names of files are cut by the server. */
const MAX_NAME = 255;

export function sendText(room: number, text: string, replyTo: number | null): void {
  enqueue({ room, text, isImage: false, replyTo, clientId: newClientId() });
}

/** Adds a message to the outbox and sends it. */
export function enqueue(message: Omit<outbox.PendingMessage, "at" | "state" | "error">): void {
  outbox.add({ ...message, at: Date.now(), state: "sending", error: null });
  void flush();
}

export function retrySending(clientId: string): void {
  outbox.retry(clientId);
  void flush();
}

/** Sends a reply as a plain message, as the message that it replies to is gone. */
export function sendWithoutQuote(clientId: string): void {
  outbox.retryWithoutQuote(clientId);
  void flush();
}

let isFlushing = false;

/**
 * Sends the messages of the outbox, each after the response to the one before: a message that is deferred does not fall
 * behind later ones.
 */
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
  const { room, text, isImage, replyTo, clientId, fileUrl, file, forwarded } = entry;
  const message = {
    room_id: room,
    content: forwarded ? "" : text,
    is_image: isImage,
    client_id: clientId,
    forwarded_from: forwarded?.id,
    ...(fileUrl && { file_url: fileUrl }),
    ...(file && { message_type: "file" as const, file_name: file.name, file_size: file.size }),
  };
  const payload = replyTo === null ? message : { ...message, reply_to: replyTo };
  try {
    await connection.command({ type: "send_message", payload });
    outbox.update(clientId, { state: "sent", retryAt: null });
    setTimeout(() => resend(clientId), ECHO_MS);
  } catch (error) {
    if (!(error instanceof Refused) || error.code === "lost") throw error;
    const { code, field } = error;
    const retryAt = retryTime(error);
    const wait = resendWaitMs(error);
    if (wait === null) return outbox.update(clientId, { state: "failed", error: code, field, retryAt });
    if (wait >= SHOWN_WAIT_MS) outbox.update(clientId, { retryAt });
    return delay(wait);
  }
}

/** Sends a message again whose echo never came. Its client id keeps the server from storing it twice. */
function resend(clientId: string): void {
  if (outbox.find(clientId)?.state !== "sent") return;
  outbox.update(clientId, { state: "sending" });
  void flush();
}

/** Sends images and files, the first as the reply and the last with the text as its caption. */
export function sendFiles(room: number, files: File[], text: string, replyTo: number | null): void {
  const batch = newClientId();
  files.forEach((file, at) => {
    const caption = at === files.length - 1 ? text.trim() : "";
    startUpload({ room, file, batch, caption, replyTo: at === 0 ? replyTo : null }, sendUploaded);
  });
}

export function retryUpload(clientId: string): void {
  void runUpload(clientId, sendUploaded);
}

function sendUploaded(upload: PendingUpload, url: string): void {
  const { clientId, room, caption, replyTo, pixels, isImage, name, size } = upload;
  if (!isImage) {
    // Without a caption clients of the documents show the name.
    const text = caption || cutToFit(name, MAX_NAME);
    return enqueue({ room, text, fileUrl: url, file: { name, size }, isImage, replyTo, clientId });
  }
  const address = fileUrl(url);
  if (address && pixels) noteSize(address, pixels);
  const content = caption ? { text: caption, fileUrl: url } : { text: url };
  enqueue({ room, ...content, isImage, replyTo, clientId, pixels });
}

export function deleteMessage(room: number, id: number): Promise<void> {
  return connection.command({ type: "delete_message", payload: { room_id: room, id } });
}

let typingSentAt = 0;

/** Tells the room that the user types, at most once per interval. */
export function sendTyping(room: number): void {
  if (Date.now() - typingSentAt < TYPING_INTERVAL_MS || connection.status.peek() !== "open") return;
  typingSentAt = Date.now();
  connection.command({ type: "typing", payload: { room_id: room } }).catch(() => {});
}

/** Starts a new interval after the text was sent: the next key announces typing at once. */
export function resetTyping(): void {
  typingSentAt = 0;
}
