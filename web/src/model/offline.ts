// Shows what is stored on this device while the server is unreachable. `keeper.ts` stores it.

import { batch, effect } from "@preact/signals";
import type { Conversation, Me, Message } from "../net/types";
import { connection, isCaughtUp } from "./connection";
import { read } from "./device_store";
import { openDrafts } from "./drafts";
import { current, currentConversation, MAX_MESSAGES } from "./kept";
import { openOutbox } from "./outbox";
import { restoredRooms } from "./restored";
import { activeRoomId, conversations, listState, roomOf } from "./rooms";
import { me, noteMe, token } from "./session";

export const ACCOUNT = "account";
export const LIST = "list";
export const roomKey = (id: number) => `room.${id}`;

/** Whose values are kept. */
export interface KeptAccount {
  me: Me;
  /** The digest of the token of the session. */
  token: string;
}

export async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Shows the stored account and list of the session, unless the server has sent them. */
export async function restore(ownToken: string): Promise<void> {
  const [account, list] = (await read(ACCOUNT, LIST)) as [KeptAccount?, Conversation[]?];
  if (!account || account.token !== (await digest(ownToken))) return;
  if (token.peek() !== ownToken || me.peek() || connection.status.peek() === "open") return;
  const now = Date.now();
  batch(() => {
    openDrafts(account.me.id);
    openOutbox(account.me.id);
    noteMe(account.me);
    if (!list || listState.peek() === "ready") return;
    conversations.value = new Map(list.map((each) => [each.id, currentConversation(each, now)]));
    listState.value = "ready";
  });
}

// Without a connection, an opened room shows its stored messages.
effect(() => {
  const id = activeRoomId.value;
  const isAway = connection.status.value !== "open";
  if (id !== null && isAway && me.value) void restoreRoom(id, me.value.id).catch(() => {});
});

async function restoreRoom(id: number, user: number): Promise<void> {
  const isWanted = () => {
    const isOpen = activeRoomId.peek() === id && me.peek()?.id === user;
    return isOpen && connection.status.peek() !== "open" && roomOf(id).state.peek() !== "ready";
  };
  if (!isWanted()) return;
  const [account, kept] = (await read(ACCOUNT, roomKey(id))) as [KeptAccount?, Message[]?];
  if (!isWanted()) return;
  const room = roomOf(id);
  const messages = current(kept ?? [], Date.now()).filter((message) => !room.deletedIds.has(message.id));
  batch(() => {
    if (account?.me.id !== user || messages.length === 0) {
      room.state.value = "error";
      return;
    }
    room.messages.value = messages;
    room.hasOlder.value = messages.length >= MAX_MESSAGES;
    room.state.value = "ready";
    // Whatever the server sends of the room replaces them.
    room.markStale();
    room.isLost = true;
    restoredRooms.value = new Set([...restoredRooms.peek(), id]);
  });
}

// With a connection nothing is shown any more that the server may have changed, but for the room in view, until its
// messages are there.
effect(() => {
  if (connection.status.value !== "open") return;
  for (const id of restoredRooms.peek()) {
    if (id === activeRoomId.peek()) continue;
    const room = roomOf(id);
    room.messages.value = [];
    room.state.value = "idle";
  }
});
effect(() => {
  if (isCaughtUp.value || !token.value) restoredRooms.value = new Set();
});
