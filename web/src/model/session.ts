// The session of the user. Its token is stored under `token`, as document 000 requires.

import { signal } from "@preact/signals";
import { setAuth } from "../net/http";
import type { Me } from "../net/types";
import { storage } from "../settings/storage";

const TOKEN_KEY = "token";

export const token = signal<string | null>(storage.get(TOKEN_KEY));
/** The user; `null` until the server has told whose token it is. */
export const me = signal<Me | null>(null);
/** Whether the server ended the last session. */
export const hasExpired = signal(false);

export function startSession(newToken: string): void {
  storage.set(TOKEN_KEY, newToken);
  me.value = null;
  hasExpired.value = false;
  token.value = newToken;
}

function endSession(isExpired: boolean): void {
  if (token.peek() === null) return;
  storage.set(TOKEN_KEY, null);
  hasExpired.value = isExpired;
  token.value = null;
  me.value = null;
}

export const logOut = () => endSession(false);

setAuth({ token: () => token.peek(), onUnauthorized: () => endSession(true) });

// Follows logins and logouts in other tabs.
addEventListener("storage", (event) => {
  if (event.key !== TOKEN_KEY || event.newValue === token.peek()) return;
  me.value = null;
  token.value = event.newValue;
});

/** The address to go to after the login: the wanted one if it is in the chat or the dashboard, else the chat. */
export function safeNext(next: string | undefined): string {
  return next && /^\/(chat|dashboard)(\?[^#]*)?$/.test(next) ? next : "/chat";
}
