// Desktop notifications: one per message whatever the number of tabs, and none while one of the tabs has the focus.
//
// Browsers offer notifications and locks on secure pages only.

import type { Conversation, Message } from "../net/types";
import { notificationsEnabled } from "../settings/preferences";
import { storage } from "../settings/storage";
import { FOCUS_LOCK, SHOWN_MS, shownLock } from "../worker/messages";

/** Older messages were missed during a disconnection. */
const LATE_MS = 30_000;

let releaseFocus: (() => void) | null = null;

function holdFocusLock(): void {
  if (releaseFocus || !navigator.locks) return;
  const held = new Promise<void>((resolve) => {
    releaseFocus = resolve;
  });
  void navigator.locks.request(FOCUS_LOCK, { mode: "shared" }, () => held);
}

function releaseFocusLock(): void {
  releaseFocus?.();
  releaseFocus = null;
}

addEventListener("focus", holdFocusLock);
addEventListener("blur", releaseFocusLock);
if (document.hasFocus()) holdFocusLock();

/** Asks for permission, when the user sends something for the first time. */
export function requestPermissionOnce(): void {
  if (!("Notification" in window) || Notification.permission !== "default") return;
  if (!notificationsEnabled.peek() || storage.get("chinwag.asked")) return;
  storage.set("chinwag.asked", "1");
  void Notification.requestPermission().catch(() => {});
}

export async function notify(message: Message, conversation: Conversation): Promise<void> {
  if (!notificationsEnabled.peek()) return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const locks = await navigator.locks.query();
  if (locks.held?.some((lock) => lock.name === FOCUS_LOCK)) return;
  const isLate = Date.now() - Date.parse(message.created_at) > LATE_MS;
  const { show } = await import("./shown_notification");
  // The first tab holds the lock for a while; the others, and the service worker, find it held.
  await navigator.locks.request(shownLock(message.id), { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    await show(message, conversation, isLate);
    await new Promise((resolve) => setTimeout(resolve, SHOWN_MS));
  });
}
