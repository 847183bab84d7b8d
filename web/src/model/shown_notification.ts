// How a notification looks, and what a click on it does. Loaded with the first one.

import icon from "../icons/icon-192.png";
import type { Conversation, Message } from "../net/types";
import { type NotificationData, roomTag } from "../worker/messages";
import { personName, preview, roomName } from "./labels";

const MAX_CHARS = 200;

/** The service worker of the page; there is none on its first visit, nor on insecure pages. */
const worker = () => navigator.serviceWorker?.getRegistration();

/** Shows a message. One that was missed during a disconnection replaces others without a sound. */
export async function show(message: Message, conversation: Conversation, isLate: boolean): Promise<void> {
  const room = conversation.id;
  const name = roomName(conversation);
  const title =
    conversation.is_private || message.user_id === 0 ? name : `${personName(message.username)} · ${name}`;
  const options = { body: preview(message).slice(0, MAX_CHARS), icon };
  const registration = await worker();
  if (registration?.active) {
    const data: NotificationData = { room };
    const isNew = { renotify: !isLate };
    return registration.showNotification(title, { ...options, ...isNew, tag: roomTag(room), data });
  }
  const tag = isLate ? roomTag(room) : `chinwag-${message.id}`;
  const shown = new Notification(title, { ...options, tag });
  shown.onclick = () => {
    window.focus();
    dispatchEvent(new CustomEvent("chinwag:open", { detail: room }));
    shown.close();
  };
}

/** Closes the notifications of a room, or all. */
export async function closeNotifications(room?: number): Promise<void> {
  const registration = await worker();
  const tag = room === undefined ? undefined : roomTag(room);
  for (const shown of (await registration?.getNotifications({ tag })) ?? []) shown.close();
}
