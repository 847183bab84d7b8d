// Loads messages that are far above.

import { delay } from "../net/delay";
import type { Message } from "../net/types";
import { loadOlder, PAGE_SIZE } from "./history";
import { lineIndex, linesOf, settledLines } from "./lines";
import { isUnreadLoaded, placeDivider, unreadMessages } from "./reading";
import type { Room } from "./rooms";
import { me } from "./session";
import { timeline } from "./timeline";

/** Takes fewer round trips. */
const FAR_PAGE_SIZE = 250;
const OLDER_POLL_MS = 50;
/** Enough for all messages that the server keeps, in its shortest pages. */
const MAX_TRIES = 101;

/** Loads older pages until a message is loaded. Returns `false` if the room no longer has it. */
export async function loadBackTo(room: Room, id: number): Promise<boolean> {
  const isDrawn = () => {
    const rows = timeline(room.messages.peek(), [], [], me.peek()?.id ?? 0, null);
    return lineIndex(settledLines(linesOf(rows)), id) >= 0;
  };
  await loadUntil(room, PAGE_SIZE, (oldest) => oldest < id && isDrawn());
  return room.byId(id) !== undefined;
}

/** Loads older pages until all unread messages are loaded, and puts the divider above them. Returns the first one. */
export async function loadUnread(room: Room): Promise<Message | undefined> {
  const isThere = (oldest: number) => isUnreadLoaded(room) && oldest !== unreadMessages(room)[0]?.id;
  await loadUntil(room, FAR_PAGE_SIZE, isThere);
  if (!isUnreadLoaded(room)) return undefined;
  placeDivider(room);
  return unreadMessages(room)[0];
}

/**
 * Loads older pages until a condition on the oldest loaded message holds, or there are no more. That message itself is
 * drawn once the one above it is known.
 */
async function loadUntil(room: Room, size: number, isThere: (oldest: number) => boolean): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const first = room.messages.peek()[0];
    if (!first || !room.hasOlder.peek() || isThere(first.id)) return;
    if (room.isLoadingOlder.peek()) await delay(OLDER_POLL_MS);
    else await loadOlder(room, size);
  }
}
