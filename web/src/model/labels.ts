// One-line texts for rooms and messages.

import { type Key, t } from "../i18n";
import type { Conversation, Message, Notice } from "../net/types";
import { plainText } from "../worker/plain";
import { fileUrl } from "./urls";

/** What the server calls all deleted accounts. Nobody else can have this name. */
const DELETED_NAME = "已注销";
export const isDeletedName = (name: string) => name === DELETED_NAME;

/** The name of a user; in the user's language that of a deleted account. */
export const personName = (name: string) => (isDeletedName(name) ? t("user.deleted") : name);

interface Named {
  room_id?: string;
  name: string;
  user_id?: number | null;
}

export function roomName({ room_id, name, user_id }: Named): string {
  if (room_id === "global") return t("room.global");
  return user_id ? personName(name) : name;
}

const NOTICES: Record<Notice["kind"], Key> = {
  created: "notice.created",
  joined: "notice.joined",
  added: "notice.added",
  left: "notice.left",
  removed: "notice.removed",
};

/** A system message in the user's language; its own text if it has no notice, or one that this version does not know. */
export function systemText({ notice, text }: Message): string {
  const key = notice && NOTICES[notice.kind];
  return key
    ? t(key, { actor: personName(notice.actor.username), name: personName(notice.user.username) })
    : text;
}

/** A name of a file without the characters that could hide its extension. */
export const plainFileName = (name: string) => name.replace(/\p{Bidi_Control}/gu, "");

/** The text beneath an image or file; empty if it is the address, the name, or what document 003 gives every file. */
export function captionOf({ text, file_url, file_name }: Message): string {
  if (file_url === null) return "";
  const isGiven = file_name !== null && (text === file_name || text === `发送了文件: ${file_name}`);
  return isGiven || fileUrl(text) !== null ? "" : text;
}

/** A message in a line, without its formatting. */
export function preview(message: Message): string {
  if (message.user_id === 0) return systemText(message);
  switch (message.message_type) {
    case "image":
      return `${t("kind.image")} ${plainText(captionOf(message))}`.trim();
    case "file":
    case "audio":
    case "video":
      return t("kind.file", { name: plainFileName(message.file_name ?? "") }).trim();
    case "text":
    case "emoji":
    case "system":
      return plainText(message.text || message.content);
  }
}

/** A new message for screen readers. */
export function announcement(message: Message): string {
  return message.user_id === 0 ? preview(message) : `${personName(message.username)}: ${preview(message)}`;
}

const RTL = /^\P{L}*[\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}]/u;

/** A line that ends with a text, in the direction of the text, whatever stands before it. */
export function inDirectionOf(text: string, line: string): string {
  const isRtl = RTL.test(text);
  if (isRtl === RTL.test(line)) return line;
  return `${isRtl ? "\u200f" : "\u200e"}${line}`;
}

/** The last message of a conversation, with its sender where there are several. */
export function lastLine(conversation: Conversation, ownId: number): string {
  const message = conversation.last_message;
  if (!message) return t("list.nothing");
  const text = preview(message);
  if (message.user_id === ownId) return inDirectionOf(text, t("list.own", { text }));
  if (conversation.is_private || message.user_id === 0) return text;
  return inDirectionOf(text, `${personName(message.username)}: ${text}`);
}
