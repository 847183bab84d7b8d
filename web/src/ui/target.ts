// The message to which a search result, a link or a pin leads.

import { effect, signal } from "@preact/signals";
import { navigate, path, query, showRoom } from "./router";

interface Target {
  room: number;
  message: number;
  /** Whether the message gets the focus: what led to it is gone. */
  takesFocus?: boolean;
}

/** The message to scroll to once its room is loaded. */
export const targetMessage = signal<Target | null>(null);

/** Shows a message in its conversation. */
export function showMessage(room: number, message: number, takesFocus = false): void {
  showRoom(room);
  targetMessage.value = { room, message, takesFocus };
}

/** The address of a message. */
export function messageAddress(room: number, message: number): string {
  return `${location.origin}/chat?room=${room}&message=${message}`;
}

/** Whether an address is one of this chat, which is shown without loading a page. */
export function isOfChat(address: string): boolean {
  const { origin, pathname } = new URL(address);
  return origin === location.origin && pathname === "/chat";
}

// Who goes to another conversation is not taken to the message on coming back.
effect(() => {
  const { room } = query.value;
  const target = targetMessage.peek();
  if (target && String(target.room) !== room) targetMessage.value = null;
});

// The address keeps the room only: going back to it, or loading it again, does not jump once more.
effect(() => {
  const { room, message } = query.value;
  const isMessage =
    path.value === "/chat" && /^\d{1,10}$/.test(room ?? "") && /^\d{1,15}$/.test(message ?? "");
  if (!isMessage) return;
  targetMessage.value = { room: Number(room), message: Number(message), takesFocus: true };
  navigate(`/chat?room=${room}`, true);
});
