// The session of the user. Its token is stored under `token`, as document 000 requires.

import { signal } from "@preact/signals";
import { api, setAuth } from "../net/http";
import type { Me, ProfileChange } from "../net/types";
import { storage } from "../settings/storage";
import { noteCards } from "./people";

const TOKEN_KEY = "token";
/** The database of the user's conversations on this device. */
export const KEPT = "chinwag";

export const token = signal<string | null>(storage.get(TOKEN_KEY));
/** The user; `null` until the server has said whose token it is. */
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
  globalThis.indexedDB?.deleteDatabase(KEPT);
  hasExpired.value = isExpired;
  token.value = null;
  me.value = null;
}

/** Ends the session of this page at once, and its token as soon as the server is reachable. */
export function logOut(): void {
  if (token.peek()) void api.logOut(false).catch(() => {});
  endSession(false);
}

/** Ends all sessions of the user, this one last. */
export async function logOutEverywhere(): Promise<void> {
  await api.logOut(true);
  endSession(false);
}

/** Deletes the account of the user. */
export async function deleteAccount(password: string): Promise<void> {
  await api.deleteAccount(password);
  endSession(false);
}

/** Stores the user's account, or what changed in it. */
export function noteMe(change: Me | ProfileChange): void {
  const account = { ...me.peek(), ...change };
  // A change without an account is of no use: the account is being read.
  if (!isWhole(account)) return;
  me.value = account;
  noteCards([account]);
}

function isWhole(account: Partial<Me>): account is Me {
  return account.id !== undefined;
}

/** Changes the profile of the user. */
export async function changeProfile(change: ProfileChange): Promise<void> {
  const ownToken = token.peek();
  const account = await api.changeMe(change);
  if (token.peek() === ownToken) noteMe(account);
}

/** Whether the server is about to issue a new token. It refuses the old one before its response arrives. */
let isTokenChanging = false;

/** Changes the password, which ends all other sessions. */
export async function changePassword(old: string, password: string): Promise<void> {
  isTokenChanging = true;
  try {
    startSession((await api.changePassword(old, password)).token);
  } finally {
    isTokenChanging = false;
  }
}

setAuth({
  token: () => token.peek(),
  onUnauthorized: () => {
    if (!isTokenChanging) endSession(true);
  },
});

// Follows logins and logouts in other tabs.
addEventListener("storage", (event) => {
  if (event.key !== TOKEN_KEY || event.newValue === token.peek()) return;
  me.value = null;
  token.value = event.newValue;
});

/** The address after the login: the requested one if it is of the chat or the administration, else the chat. */
export function safeNext(next: string | undefined): string {
  return next && /^\/(chat|dashboard|admin)(\?[^#]*)?$/.test(next) ? next : "/chat";
}
