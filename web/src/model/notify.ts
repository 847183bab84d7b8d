// Notifications of the system: one per message, whatever the number of tabs.

import { t } from "../i18n";
import icon from "../icon.svg";
import type { Conversation, Message } from "../net/types";
import { notifies, store } from "./settings";
import { preview, roomName } from "./words";

const FOCUS = "chinwag.focus";

addEventListener("focus", () => store.set(FOCUS, String(Date.now())));
addEventListener("blur", () => store.set(FOCUS, null));
addEventListener("pagehide", () => document.hasFocus() && store.set(FOCUS, null));
if (document.hasFocus()) store.set(FOCUS, String(Date.now()));

/** Asks for leave, the first time that someone sends something. */
export function askOnce(): void {
  if (!("Notification" in window) || Notification.permission !== "default" || store.get("chinwag.asked"))
    return;
  store.set("chinwag.asked", "1");
  void Notification.requestPermission().catch(() => {});
}

export function announce(message: Message, conversation: Conversation): void {
  if (!notifies.peek() || !("Notification" in window) || Notification.permission !== "granted") return;
  // Somebody looks at one of the tabs.
  if (document.hasFocus() || store.get(FOCUS)) return;
  const tag = `chinwag-${message.id}`;
  const show = () => {
    const name = roomName(conversation);
    const title = conversation.is_private ? name : `${message.username} · ${name}`;
    const shown = new Notification(title, {
      body: preview(message, t).slice(0, 200),
      tag,
      icon,
    });
    shown.onclick = () => {
      window.focus();
      dispatchEvent(new CustomEvent("chinwag:open", { detail: conversation.id }));
      shown.close();
    };
  };
  if (!navigator.locks) return show();
  // The first tab holds the lock for a while; the others find it taken.
  void navigator.locks.request(tag, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    show();
    await new Promise((resolve) => setTimeout(resolve, 5000));
  });
}
