// The life of the chat: starts with a session, catches up after every disconnection, ends with the session.

import { batch, effect } from "@preact/signals";
import { delay } from "../net/delay";
import { api } from "../net/http";
import { Refused } from "../net/refused";
import { resetBlocks } from "./blocks";
import { connection, isCaughtUp } from "./connection";
import { refreshList } from "./conversation_list";
import { closeDrafts, openDrafts } from "./drafts";
import { applyEvent } from "./events";
import { loadOffline, refreshActiveRoom } from "./history";
import { closeOutbox, openOutbox } from "./outbox";
import { resetCards } from "./people";
import { loadOnline, resetPresence } from "./presence";
import { awaitReplay, endReplay } from "./replay";
import { knownRooms, newestMessage, resetRooms, sortedConversations } from "./rooms";
import { flush } from "./sending";
import { me, noteMe, token } from "./session";
import { resetTrays } from "./tray";
import { cancelAllUploads } from "./uploads";

/** Rooms that a reconnection resumes, those with the newest activity. */
const MAX_RESUMED = 500;
/** Rooms that the handshake resumes. With more, its address would be too long for some proxies. */
const MAX_IN_HANDSHAKE = 100;
const IDENTIFY_MAX_MS = 15_000;
/** How long the server may take before what is stored on this device is shown. */
const RESTORE_MS = 3000;

/** The rooms that the present connection resumes, with the token of the last message of each. */
let resumed: [number, string][] = [];

connection.listen({
  since: () => {
    resumed = resumeTokens();
    return resumed.slice(0, MAX_IN_HANDSHAKE);
  },
  onEvent: (frame) => batch(() => applyEvent(frame)),
  onOpen: (isAgain) => void (isAgain ? catchUp() : loadFirst()),
  // The request ends the session if the token is no longer valid.
  onTokenDoubt: () => void api.me().catch(() => {}),
});

let startedFor: string | null = null;

effect(() => {
  const current = token.value;
  if (current === startedFor) return;
  startedFor = current;
  reset();
  if (!current) return;
  connection.start();
  void identify(current);
});

/** Requests the user of the token until the server answers: drafts and the outbox belong to a user. */
async function identify(ownToken: string): Promise<void> {
  const showKept = () => {
    if (token.peek() !== ownToken || me.peek()) return;
    loadOffline()
      .then(({ restore }) => restore(ownToken))
      .catch(() => {});
  };
  setTimeout(showKept, RESTORE_MS);
  for (let attempt = 0; token.peek() === ownToken; attempt += 1) {
    try {
      const account = await api.me();
      if (token.peek() !== ownToken) return;
      // Unless they were opened with what is stored on the device.
      if (!me.peek()) {
        openDrafts(account.id);
        openOutbox(account.id);
      }
      noteMe(account);
      return void flush();
    } catch {
      showKept();
      await delay(Math.min(1000 * 2 ** attempt, IDENTIFY_MAX_MS));
    }
  }
}

/** Reads the account again, which may have been changed elsewhere while this page was away. */
async function readMe(): Promise<void> {
  const ownToken = token.peek();
  const account = await api.me().catch(() => null);
  if (account && token.peek() === ownToken && me.peek()) noteMe(account);
}

function reset(): void {
  connection.stop();
  closeOutbox();
  closeDrafts();
  cancelAllUploads();
  resetTrays();
  batch(() => {
    resetRooms();
    resetPresence();
    resetBlocks();
    resetCards();
  });
}

async function loadFirst(): Promise<void> {
  void loadOnline();
  await Promise.all([refreshList(), refreshActiveRoom()]);
  isCaughtUp.value = connection.status.peek() === "open";
  void flush();
}

function resumeTokens(): [number, string][] {
  return sortedConversations
    .peek()
    .slice(0, MAX_RESUMED)
    .flatMap(({ id, last_message }): [number, string][] => {
      const known = newestMessage(id) ?? last_message;
      return known ? [[id, known.resume]] : [];
    });
}

/** Waits for the missed events, then reconciles the open room with the server. */
async function catchUp(): Promise<void> {
  void loadOnline();
  void readMe();
  for (const room of knownRooms()) room.markStale();
  const replayed = awaitReplay(resumed.map(([room]) => room));
  const rest = resumed.slice(MAX_IN_HANDSHAKE);
  const resuming = rest.length > 0 ? resume(Object.fromEntries(rest)) : undefined;
  void flush();
  await Promise.all([resuming, refreshList()]);
  await refreshActiveRoom();
  if (await replayed) isCaughtUp.value = connection.status.peek() === "open";
}

/** Requests the events after the tokens of rooms. Without them the rooms stay stale and are read when opened. */
async function resume(rooms: Record<string, string>): Promise<void> {
  try {
    await connection.command({ type: "resume", payload: { rooms } });
  } catch (error) {
    const isLost = error instanceof Refused && error.code === "lost";
    if (!isLost) endReplay();
  }
}
