// Settings of a conversation: which messages notify, whether it is pinned, whether it is listed.

import { api } from "../net/http";
import type { ConversationSettings } from "../net/types";
import { noteArrival } from "./conversation_list";
import { markAllRead } from "./mark_unread";
import { conversations, patchConversation } from "./rooms";

/**
 * Changes settings of a conversation, here at once and then on the server, which tells the user's other pages.
 *
 * # Errors
 * Those of the request. The settings are then restored.
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

/** Hides a conversation from the list until somebody writes. This marks it as read, because unread ones are listed. */
export async function hide(id: number): Promise<void> {
  await markAllRead(id);
  await changeSettings(id, { hidden: true });
}
