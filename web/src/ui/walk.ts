// Leads by keyboard from one conversation to another.

import { nextRoom } from "../model/next_room";
import { activeRoomId, listedConversations } from "../model/rooms";
import { showRoom } from "./router";

/** Opens the conversation below the open one, or above it, or the nearest unread one there. */
export function walk(step: 1 | -1, isUnread: boolean): void {
  const next = nextRoom(listedConversations.peek(), activeRoomId.peek(), step, isUnread);
  if (next === null) return;
  showRoom(next);
  requestAnimationFrame(() =>
    document.querySelector(".side .item.is-active")?.scrollIntoView({ block: "nearest" }),
  );
}
