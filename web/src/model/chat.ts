// The chat's life: it begins when someone is logged in, takes up what was missed after a loss, ends with the session.

import { batch, effect } from "@preact/signals";
import { delay } from "../net/delay";
import { api } from "../net/http";
import { connection, isCaughtUp } from "./connection";
import { closeDrafts, openDrafts } from "./drafts";
import { load } from "./history";
import { refresh } from "./list";
import * as out from "./outbox";
import { findOnline, forgetOnline } from "./presence";
import { receive } from "./receive";
import { activeRoom, forgetAll, knownRooms, newestOf, sorted } from "./rooms";
import { flush } from "./sending";
import { me, token } from "./session";
import { abandon } from "./uploads";

/** The server takes up at most this many rooms at once. */
const MOST_RESUMED = 500;
const IDENTIFY_MAX_MS = 15_000;

connection.listen({
  onEvent: (frame) => batch(() => receive(frame)),
  onOpen: (isAgain) => void (isAgain ? comeBack() : begin()),
  // Without a valid token this ends the session.
  onDoubt: () => void api.me().catch(() => {}),
});

let startedFor: string | null = null;

effect(() => {
  const given = token.value;
  if (given === startedFor) return;
  startedFor = given;
  forget();
  if (!given) return;
  connection.start();
  void identify(given);
});

/** Asks whose token it is until it is known: drafts and what waits to be sent belong to a user. */
async function identify(given: string): Promise<void> {
  for (let attempt = 0; token.peek() === given && !me.peek(); attempt += 1) {
    try {
      const account = await api.me();
      if (token.peek() !== given) return;
      openDrafts(account.id);
      out.openOutbox(account.id);
      me.value = account;
      void flush();
    } catch {
      await delay(Math.min(1000 * 2 ** attempt, IDENTIFY_MAX_MS));
    }
  }
}

function forget(): void {
  connection.stop();
  out.closeOutbox();
  closeDrafts();
  abandon();
  batch(() => {
    forgetAll();
    forgetOnline();
  });
}

async function begin(): Promise<void> {
  void findOnline();
  await Promise.all([refresh(), loadShown()]);
  isCaughtUp.value = connection.status.peek() === "open";
  void flush();
}

/** After a loss: what was missed is asked for by tokens, then what is shown is compared with the server's. */
async function comeBack(): Promise<void> {
  void findOnline();
  const rooms: Record<string, string> = {};
  for (const it of sorted.peek().slice(0, MOST_RESUMED)) {
    const known = newestOf(it.id) ?? it.last_message;
    if (known) rooms[it.id] = known.resume;
  }
  for (const room of knownRooms()) room.doubt();
  const resuming = connection.command({ type: "resume", payload: { rooms } }).catch(() => []);
  void flush();
  await Promise.all([resuming, refresh()]);
  await loadShown();
  isCaughtUp.value = connection.status.peek() === "open";
}

/** Reading marks as read, so it waits until somebody can see it. */
async function loadShown(): Promise<void> {
  const room = activeRoom();
  if (room && !document.hidden) await load(room);
}
