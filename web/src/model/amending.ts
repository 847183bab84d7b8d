// What a user does to a message after it was sent: edits it, reacts to it.

import type { Message } from "../net/types";
import { connection } from "./connection";
import { me } from "./session";

/** How long the server lets a user edit a message. */
const EDITABLE_MS = 24 * 60 * 60_000;

/** Whether the server lets the user edit a message: an own text that is not too old, and not the copy of another. */
export function canEdit({ user_id, message_type, file_url, created_at, forwarded_from }: Message): boolean {
  const isOwnText = user_id === me.value?.id && message_type === "text" && file_url === null;
  return isOwnText && !forwarded_from && Date.now() - Date.parse(created_at) < EDITABLE_MS;
}

export function editMessage(room: number, id: number, content: string): Promise<void> {
  return connection.command({ type: "edit_message", payload: { room_id: room, id, content } });
}

/** Reacts with an emoji, or removes the user's reaction with it. */
export function toggleReaction(room: number, message: Message, emoji: string): Promise<void> {
  const on = !hasReacted(message, emoji);
  return connection.command({ type: "react", payload: { room_id: room, id: message.id, emoji, on } });
}

/** Whether the user has reacted to a message with an emoji. */
export function hasReacted({ reactions = [] }: Message, emoji: string): boolean {
  const own = me.value?.id;
  return reactions.some((reaction) => reaction.emoji === emoji && reaction.users.some((id) => id === own));
}
