// Links with which users join a room themselves.

import { linkApi } from "../net/room_links";
import { refreshList } from "./conversation_list";
import { conversations } from "./rooms";

/** After how many days a link may expire, as offered. */
export const LINK_DAYS = [1, 7, 30, 365];
/** How often a link may be used, as offered; 0 for any number. */
export const LINK_USES = [0, 1, 10, 100];

/** The address of a link. */
export const linkAddress = (token: string): string => `${location.origin}/chat?join=${token}`;

/** Joins the room of a link, and waits until it is listed. Returns its id. */
export async function joinByLink(token: string): Promise<number> {
  const { id } = await linkApi.join(token);
  if (!conversations.peek().has(id)) await refreshList();
  return id;
}
