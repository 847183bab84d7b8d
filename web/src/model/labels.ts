// One-line texts for rooms and messages.

import { type Key, t } from "../i18n";
import type { Conversation, Message } from "../net/types";

export function roomName(room: { room_id?: string; name: string }): string {
  return room.room_id === "global" ? t("room.global") : room.name;
}

const SYSTEM: [RegExp, Key][] = [
  [/^(?<actor>.+) 邀请 (?<name>.+) 加入了聊天室$/s, "sys.added"],
  [/^(?<actor>.+) 将 (?<name>.+) 移出了聊天室$/s, "sys.removed"],
  [/^(?<name>.+) 创建了聊天室$/s, "sys.made"],
  [/^(?<name>.+) 加入了聊天室$/s, "sys.joined"],
  [/^(?<name>.+) 离开了聊天室$/s, "sys.left"],
];

/** The server's own lines are Chinese; the known ones are said in the reader's language. */
export function systemText(text: string): string {
  for (const [pattern, key] of SYSTEM) {
    const match = pattern.exec(text);
    if (match?.groups) return t(key, match.groups);
  }
  return text;
}

export function preview(message: Message): string {
  if (message.user_id === 0) return systemText(message.text);
  switch (message.message_type) {
    case "image":
      return t("kind.image");
    case "file":
    case "audio":
    case "video":
      return t("kind.file", { name: message.file_name ?? "" }).trim();
    case "text":
    case "emoji":
    case "system":
      return message.text || message.content;
  }
}

/** The last message of a conversation, with its sender where there are several. */
export function lastLine(conversation: Conversation, ownId: number): string {
  const message = conversation.last_message;
  if (!message) return t("list.nothing");
  const text = preview(message);
  if (message.user_id === ownId) return t("list.own", { text });
  return conversation.is_private || message.user_id === 0 ? text : `${message.username}: ${text}`;
}
