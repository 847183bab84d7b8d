// Fixtures of several tests: users, messages, conversations.

import type { Conversation, Me, Notice, RoomMessage } from "../net/types";

export function account(id: number, username: string): Me {
  const created_at = "2026-01-01T00:00:00.000Z";
  return { id, username, email: "", phone: "", avatar: "", status_text: "", is_admin: false, created_at };
}

export function message(id: number, part: Partial<RoomMessage> = {}): RoomMessage {
  return {
    id,
    room_id: 7,
    user_id: 2,
    username: "Bob",
    content: `text ${id}`,
    text: part.content ?? `text ${id}`,
    is_image: false,
    created_at: new Date(Date.UTC(2026, 0, 5, 12, 0, id)).toISOString(),
    client_id: null,
    reply_to: null,
    message_type: "text",
    file_url: null,
    file_name: null,
    file_size: null,
    file_pixels: null,
    resume: `${id}-1`,
    ...part,
  };
}

export function conversation(id: number, part: Partial<Conversation> = {}): Conversation {
  return {
    id,
    room_id: `room_0000000${id}`,
    name: `Room ${id}`,
    kind: "group",
    is_private: false,
    user_id: null,
    avatar: "",
    last_message: message(1, { room_id: id }),
    unread: 0,
    mentions: 0,
    notify: "all",
    pinned: false,
    hidden: false,
    read_id: null,
    read_by_other_id: null,
    active_at: "2026-01-05T12:00:00.000Z",
    ...part,
  };
}

/** A system message. */
export function systemMessage(
  id: number,
  kind: Notice["kind"],
  actor: string,
  user: string,
  ids: [number, number] = [1, 2],
): RoomMessage {
  const notice = { kind, actor: { id: ids[0], username: actor }, user: { id: ids[1], username: user } };
  return message(id, { user_id: 0, username: "系统", message_type: "system", notice });
}
