// What a user can do with a message: reply, edit, copy, details, its sender, delete; forward, pin, copy its address.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { canEdit } from "../model/amending";
import { markUnread } from "../model/mark_unread";
import { canPin, isPinned, pin } from "../model/pins";
import type { Room } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { fileUrl } from "../model/urls";
import type { Message } from "../net/types";
import { copyText } from "./clipboard";
import { messageAddress } from "./target";
import "./more_icons";

export interface MessageActionProps {
  room: Room;
  message: Message;
  isOwn: boolean;
  onReply: (message: Message) => void;
}

/** The dialog that an action opens. */
export type Shown = "delete" | "details" | "react" | "forward" | "sender" | null;

/** The actions on a message. Some open a dialog; one offers reactions, where these are not in view anyway. */
export function actionsOf(
  { room, message, isOwn, onReply }: MessageActionProps,
  onShow: (dialog: Shown) => void,
  onReact?: () => void,
) {
  const reply = { icon: "reply", label: t("msg.reply"), run: () => answer(room, message, onReply) } as const;
  const react = { icon: "smile", label: t("react.add"), run: () => onReact?.() } as const;
  const edit = { icon: "pen", label: t("msg.edit"), run: () => startEditing(room, message) } as const;
  const copyIt = { icon: "copy", label: t("msg.copy"), run: () => void copy(message) } as const;
  const unread = { icon: "unread", label: t("msg.unread"), run: () => leaveUnread(room, message) } as const;
  const details = { icon: "info", label: t("msg.info"), run: () => onShow("details") } as const;
  const sender = {
    icon: "person",
    label: t("card.open", { name: message.username }),
    run: () => onShow("sender"),
  } as const;
  const remove = { icon: "trash", label: t("msg.delete"), run: () => onShow("delete") } as const;
  return [
    reply,
    ...(onReact ? [react] : []),
    ...(canEdit(message) ? [edit] : []),
    copyIt,
    ...(isOwn ? [] : [unread, sender]),
    ...(isOwn ? [details] : []),
    ...(canDelete(room, isOwn) ? [remove] : []),
  ];
}

/** The actions that a menu has, where there is little room. */
export function moreActionsOf(
  { room, message }: Pick<MessageActionProps, "room" | "message">,
  onShow: (dialog: Shown) => void,
) {
  const isOn = isPinned(room, message.id);
  const address = messageAddress(room.id, message.id);
  const forward = { icon: "forward", label: t("msg.forward"), run: () => onShow("forward") } as const;
  const link = { icon: "link", label: t("msg.link"), run: () => void copyText(address) } as const;
  const label = t(isOn ? "msg.unpin" : "msg.pin");
  const pinIt = { icon: "pin", label, run: () => setPinned(room, message, !isOn) } as const;
  return [forward, link, ...(canPin(room) ? [pinIt] : [])];
}

function setPinned(room: Room, message: Message, on: boolean): void {
  pin(room.id, message, on).catch((error) => showToast(errorText(error)));
}

function answer(room: Room, message: Message, onReply: (message: Message) => void): void {
  room.editing.value = null;
  onReply(message);
}

function leaveUnread(room: Room, message: Message): void {
  markUnread(room, message).catch((error) => showToast(errorText(error)));
}

function startEditing(room: Room, message: Message): void {
  room.editing.value = message.id;
}

/** Whether the server lets the user delete: the sender, owners and admins of the room, administrators. */
function canDelete(room: Room, isOwn: boolean): boolean {
  const own = me.value;
  const role = room.members.value?.find((member) => member.user_id === own?.id)?.role;
  return isOwn || own?.is_admin === true || role === "owner" || role === "admin";
}

function copy(message: Message): Promise<void> {
  const text = message.text || message.content;
  // Elsewhere the path of an upload would lead nowhere.
  const address = message.file_url === text ? fileUrl(text) : null;
  return copyText(address ?? text);
}
