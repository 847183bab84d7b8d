// Who is logged in. The token is kept under `token`, as document 000 asks.

import { signal } from "@preact/signals";
import { useAccess } from "../net/http";
import type { Me } from "../net/types";
import { storage } from "../settings/storage";

const TOKEN = "token";

export const token = signal<string | null>(storage.get(TOKEN));
export const me = signal<Me | null>(null);
/** Whether the last session was ended by the server. */
export const hasExpired = signal(false);

export function begin(given: string): void {
  storage.set(TOKEN, given);
  me.value = null;
  hasExpired.value = false;
  token.value = given;
}

function end(expired: boolean): void {
  if (token.peek() === null) return;
  storage.set(TOKEN, null);
  hasExpired.value = expired;
  token.value = null;
  me.value = null;
}

export const logOut = () => end(false);

useAccess({ token: () => token.peek(), onUnauthorized: () => end(true) });

// Other tabs log in and out too.
addEventListener("storage", (event) => {
  if (event.key !== TOKEN || event.newValue === token.peek()) return;
  me.value = null;
  token.value = event.newValue;
});

/** A place to go to after the login: only within the chat or the dashboard. */
export function safeNext(next: string | undefined): string {
  return next && /^\/(chat|dashboard)(\?[^#]*)?$/.test(next) ? next : "/chat";
}
