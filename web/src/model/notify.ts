// Notifications of the system: one per message, whatever the number of tabs, and none while one of them is looked at.
//
// Browsers allow them, and locks, on secure pages only.

import icon from "../icon.svg";
import type { Conversation, Message } from "../net/types";
import { notifies } from "../settings/preferences";
import { storage } from "../settings/storage";
import { preview, roomName } from "./words";

/** Held by each tab while it has the focus; the browser lets it go when a tab dies. */
const FOCUS = "chinwag.focus";
/** How long the tab that shows a message keeps the others from showing it. */
const SHOWN_MS = 5000;
const MOST_CHARS = 200;
const LATE_MS = 30_000;

let release: (() => void) | null = null;

function holdFocus(): void {
  if (release || !navigator.locks) return;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  void navigator.locks.request(FOCUS, { mode: "shared" }, () => held);
}

function dropFocus(): void {
  release?.();
  release = null;
}

addEventListener("focus", holdFocus);
addEventListener("blur", dropFocus);
if (document.hasFocus()) holdFocus();

/** Asks for leave, the first time that someone sends something. */
export function askOnce(): void {
  if (!("Notification" in window) || Notification.permission !== "default") return;
  if (!notifies.peek() || storage.get("chinwag.asked")) return;
  storage.set("chinwag.asked", "1");
  void Notification.requestPermission().catch(() => {});
}

export async function announce(message: Message, conversation: Conversation): Promise<void> {
  if (!notifies.peek() || !("Notification" in window) || Notification.permission !== "granted") return;
  const locks = await navigator.locks.query();
  if (locks.held?.some((lock) => lock.name === FOCUS)) return;
  // Of what was missed for a while each conversation shows its newest message: one tag replaces another's.
  const isLate = Date.now() - Date.parse(message.created_at) > LATE_MS;
  const tag = isLate ? `chinwag-room-${conversation.id}` : `chinwag-${message.id}`;
  // The first tab holds the lock for a while; the others find it taken.
  await navigator.locks.request(`chinwag-${message.id}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    show(message, conversation, tag);
    await new Promise((resolve) => setTimeout(resolve, SHOWN_MS));
  });
}

function show(message: Message, conversation: Conversation, tag: string): void {
  const name = roomName(conversation);
  const title = conversation.is_private ? name : `${message.username} · ${name}`;
  const shown = new Notification(title, { body: preview(message).slice(0, MOST_CHARS), tag, icon });
  shown.onclick = () => {
    window.focus();
    dispatchEvent(new CustomEvent("chinwag:open", { detail: conversation.id }));
    shown.close();
  };
}
