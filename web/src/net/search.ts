// The search for messages, page by page.

import { exchange, isPartial } from "./http";
import type { Answers, RoomMessage } from "./types";

export type Has = "picture" | "file" | "link";

/** What messages to find: all of what is given must be true of them, and one of `q`, `from` and `has` is. */
export interface MessageSearch {
  /** A part of the text, or of the name of the file. */
  q?: string;
  /** The id of the sender. */
  from?: number;
  /** All rooms of the user if it is absent. */
  room_id?: number;
  has?: Has;
  /** The time before which they were sent. */
  before?: string;
}

export interface FoundPage {
  messages: RoomMessage[];
  /** The cursor of the next page; `null` when everything was searched. A page may be empty and not the last. */
  next: string | null;
  /** Whether rooms were left out, as the server cannot reach them at the moment. */
  isPartial: boolean;
}

export async function findMessages(
  search: MessageSearch,
  limit: number,
  cursor?: string | null,
): Promise<FoundPage> {
  const params = new URLSearchParams({ kind: "message", limit: String(limit) });
  for (const [key, value] of Object.entries(search)) if (value !== undefined) params.set(key, String(value));
  if (cursor) params.set("cursor", cursor);
  const { answer, headers } = await exchange("GET", `/api/v1/search?${params}`);
  const messages = answer as Answers["GET /api/v1/search?kind=message"];
  return { messages, next: headers.get("x-next-cursor"), isPartial: isPartial(headers) };
}
