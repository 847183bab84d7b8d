// What changes in a message after it was sent: its text, whom it mentions, and the reactions to it. Pure functions.

import type { Message, Reaction, ServerPayloads } from "../net/types";

export type Amendment =
  | { type: "message_edited"; payload: ServerPayloads["message_edited"] }
  | { type: "mentions_changed"; payload: ServerPayloads["mentions_changed"] }
  | { type: "reaction"; payload: ServerPayloads["reaction"] }
  | { type: "reactions"; payload: ServerPayloads["reactions"] };

/** A message with an amendment. The same object if it changes nothing. */
export function amended<Any extends Message>(message: Any, { type, payload }: Amendment): Any {
  if (message.id !== payload.id) return message;
  switch (type) {
    case "message_edited":
      return edited(message, payload);
    case "mentions_changed":
      return { ...message, mentions: payload.mentions.length > 0 ? payload.mentions : undefined };
    case "reaction":
      return reacted(message, payload);
    case "reactions":
      return withReactions(message, payload.reactions);
  }
}

/** Messages with amendments, in the order in which these arrived. The same list if they change nothing. */
export function allAmended<Any extends Message>(messages: Any[], amendments: Amendment[]): Any[] {
  let isChanged = false;
  const next = messages.map((message) => {
    const result = amendments.reduce(amended, message) as Any;
    isChanged ||= result !== message;
    return result;
  });
  return isChanged ? next : messages;
}

/** A message that was read once more, with the text of the known one if that is newer. */
export function latest<Any extends Message>(known: Message | null | undefined, read: Any): Any {
  // After a loss the server may give the id of a lost message again.
  if (!known || known.id !== read.id || known.resume !== read.resume) return read;
  const { content, text, edited_at, mentions } = known;
  return editTime(known) > editTime(read) ? { ...read, content, text, edited_at, mentions } : read;
}

const editTime = ({ edited_at }: { edited_at?: string }) => (edited_at ? Date.parse(edited_at) : 0);

/** Edits may arrive twice or late: only a later one counts. */
function edited<Any extends Message>(message: Any, edit: ServerPayloads["message_edited"]): Any {
  if (editTime(edit) <= editTime(message)) return message;
  return { ...message, content: edit.content, text: edit.content, edited_at: edit.edited_at };
}

function reacted<Any extends Message>(message: Any, change: ServerPayloads["reaction"]): Any {
  const { emoji, user_id, on } = change;
  const known = message.reactions ?? [];
  const users = known.find((reaction) => reaction.emoji === emoji)?.users ?? [];
  if (users.includes(user_id) === on) return message;
  const reaction = { emoji, users: on ? [...users, user_id] : users.filter((id) => id !== user_id) };
  return withReactions(message, replaced(known, reaction));
}

/** Reactions with another state of one emoji: in its place, at the end if it is new, gone if no user is left. */
function replaced(known: Reaction[], reaction: Reaction): Reaction[] {
  if (reaction.users.length === 0) return known.filter(({ emoji }) => emoji !== reaction.emoji);
  if (!known.some(({ emoji }) => emoji === reaction.emoji)) return [...known, reaction];
  return known.map((other) => (other.emoji === reaction.emoji ? reaction : other));
}

function withReactions<Any extends Message>(message: Any, reactions: Reaction[]): Any {
  return { ...message, reactions: reactions.length > 0 ? reactions : undefined };
}
