// How the user wants to have a conversation: of what to hear, whether it is above the others, whether it is listed.

import { api } from "../net/http";
import type { ConversationSettings } from "../net/types";
import { noteArrival } from "./conversation_list";
import { markAllRead } from "./mark_unread";
import { conversations, patchConversation } from "./rooms";

/**
 * Changes settings of a conversation, here at once and then at the server, which tells the other pages of the user.
 *
 * # Errors
 * Those of the request. The settings are then as before.
 */
export async function changeSettings(id: number, change: Partial<ConversationSettings>): Promise<void> {
  const known = conversations.peek().get(id);
  if (!known) return;
  const { notify, pinned, hidden } = known;
  noteArrival();
  patchConversation(id, () => change);
  try {
    await api.changeConversation(id, change);
  } catch (error) {
    patchConversation(id, () => ({ notify, pinned, hidden }));
    throw error;
  }
}

/** Takes a conversation from the list until somebody writes. It is read by that: what is unread is listed. */
export async function hide(id: number): Promise<void> {
  await markAllRead(id);
  await changeSettings(id, { hidden: true });
}
