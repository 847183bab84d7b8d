// Opens the panel of the search for messages, and shows its results. The address tells that the panel is open, so that
// the way back leads to it.

import { begin, type Filters, place } from "../model/message_search";
import { activeRoomId } from "../model/rooms";
import type { RoomMessage } from "../net/types";
import { navigate } from "./router";
import { targetMessage } from "./target";

/** Where the panel covers the conversation; `finder.css` has the same width. */
const isNarrow = matchMedia("(max-width: 1000px)");

const addressOf = (room: number | null, mark = "") =>
  `/chat?${[room === null ? "" : `room=${room}`, mark].filter(Boolean).join("&")}`;

export function openSearch(change: Partial<Filters>): void {
  begin(change);
  navigate(addressOf(activeRoomId.peek(), "search=1"));
}

export function closeSearch(): void {
  navigate(addressOf(activeRoomId.peek()), true);
}

/** Shows a found message beside the panel, or in place of it where there is no room for both. */
export function showFound({ room_id, id }: RoomMessage): void {
  place.shown = id;
  navigate(addressOf(room_id, isNarrow.matches ? "found=1" : "search=1"));
  targetMessage.value = { room: room_id, message: id };
}
