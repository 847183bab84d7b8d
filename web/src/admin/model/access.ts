// Whether the user may see the administration.

import { computed, signal } from "@preact/signals";
import { me, token } from "../../model/session";
import { api } from "../../net/http";

/** Why it is not known who the user is. */
const failure = signal<unknown>(null);

/** `out` without a session; `unknown` until the server has answered, `failed` if it does not. */
export type Access = "out" | "unknown" | "failed" | "forbidden" | "granted";

export const access = computed<Access>(() => {
  if (token.value === null) return "out";
  if (me.value) return me.value.is_admin ? "granted" : "forbidden";
  return failure.value ? "failed" : "unknown";
});

/** Asks the server who the user is. */
export async function checkAccess(): Promise<void> {
  const ownToken = token.peek();
  if (ownToken === null) return;
  try {
    const account = await api.me();
    if (token.peek() !== ownToken) return;
    me.value = account;
    failure.value = null;
  } catch (error) {
    if (token.peek() === ownToken) failure.value = error;
  }
}

/** Records that the server has refused an action: the user is no longer an administrator. */
export function loseAccess(): void {
  const account = me.peek();
  if (account) me.value = { ...account, is_admin: false };
}
