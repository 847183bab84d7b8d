// Notifications while Chinwag is closed (Web Push). The browser subscribes at its push service, and the server sends direct
// messages and mentions there as long as the session lasts.

import { effect, signal } from "@preact/signals";
import { api } from "../net/http";
import { storage } from "../settings/storage";
import { hasExpired, me, token } from "./session";

/** The user for whom this browser is subscribed. */
const USER_KEY = "chinwag.push";

/** Whether this browser is subscribed. */
export const isPushed = signal(storage.get(USER_KEY) !== null);

/** Whether the browser offers it: on secure pages with a service worker. */
export const canPush = () => "PushManager" in window && "serviceWorker" in navigator;

const worker = async () => (await navigator.serviceWorker.getRegistration())?.pushManager;

/** The bytes of a text in base64url. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** Whether a subscription was created with this key. Push services accept only what is signed with it. */
function isOf(subscription: PushSubscription, key: Uint8Array): boolean {
  const own = subscription.options.applicationServerKey;
  return own !== null && new Uint8Array(own).join() === key.join();
}

function note(user: number | null): void {
  storage.set(USER_KEY, user === null ? null : String(user));
  isPushed.value = user !== null;
}

/**
 * Subscribes this browser, which has permitted notifications, and tells the server. Idempotent.
 *
 * # Errors
 * The error of the browser or of the server.
 */
export async function subscribe(): Promise<void> {
  const user = me.peek()?.id;
  const manager = await worker();
  if (user === undefined || !manager) throw new Error("there is no service worker");
  const key = bytesOf((await api.pushKey()).public_key);
  const former = await manager.getSubscription();
  // Another user's, or one for a former key of the server.
  const isUsable = former && isOf(former, key) && storage.get(USER_KEY) === String(user);
  if (former && !isUsable) await former.unsubscribe();
  const subscription =
    isUsable && former
      ? former
      : await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = subscription.toJSON();
  await api.subscribePush({ endpoint: endpoint ?? "", p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" });
  note(user);
}

/** Ends the subscription of this browser. If the server is not told, it learns of it from the push service. */
export async function unsubscribe(): Promise<void> {
  note(null);
  const subscription = await (await worker())?.getSubscription();
  if (!subscription) return;
  if (token.peek()) await api.unsubscribePush(subscription.endpoint).catch(() => {});
  await subscription.unsubscribe();
}

/** The token with which the subscription was last sent. */
let toldToken: string | null = null;

/** Follows logouts, and sends the subscription again with each new token, on which it depends. */
effect(() => {
  const user = me.value?.id;
  const current = token.value;
  if (!canPush() || storage.get(USER_KEY) === null) return;
  if (current === null) {
    if (!hasExpired.peek()) void unsubscribe().catch(() => {});
    return;
  }
  if (user === undefined || current === toldToken) return;
  toldToken = current;
  const isAllowed = Notification.permission === "granted" && storage.get(USER_KEY) === String(user);
  void (isAllowed ? subscribe() : unsubscribe()).catch(() => {});
});
