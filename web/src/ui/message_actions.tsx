// The actions on a message: reply, copy, details, delete.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import type { Room } from "../model/rooms";
import { deleteMessage } from "../model/sending";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { fileUrl } from "../model/urls";
import type { Message } from "../net/types";
import { IconButton } from "./common";
import { lazy } from "./lazy";

const Confirm = lazy(() => import("./lazy_components").then((module) => module.Confirm));
const MessageDetails = lazy(() => import("./lazy_components").then((module) => module.MessageDetails));

interface MessageActionsProps {
  room: Room;
  message: Message;
  isOwn: boolean;
  onReply: (message: Message) => void;
}

export function MessageActions({ room, message, isOwn, onReply }: MessageActionsProps) {
  const [dialog, showDialog] = useState<"delete" | "details" | null>(null);
  const close = () => showDialog(null);
  return (
    <div class="actions" role="toolbar" aria-label={t("msg.actions")}>
      <IconButton icon="reply" size={17} label={t("msg.reply")} onClick={() => onReply(message)} />
      <IconButton icon="copy" size={17} label={t("msg.copy")} onClick={() => void copy(message)} />
      {isOwn && (
        <IconButton icon="info" size={17} label={t("msg.info")} onClick={() => showDialog("details")} />
      )}
      {canDelete(room, isOwn) && (
        <IconButton icon="trash" size={17} label={t("msg.delete")} onClick={() => showDialog("delete")} />
      )}
      {dialog === "delete" && (
        <Confirm
          title={t("delete.title")}
          hint={t("delete.hint")}
          action={t("delete.confirm")}
          onClose={close}
          onYes={() => deleteMessage(room.id, message.id).catch((error) => showToast(errorText(error)))}
        />
      )}
      {dialog === "details" && <MessageDetails room={room} message={message} onClose={close} />}
    </div>
  );
}

/** Whether the server lets the user delete: the sender, owners and admins of the room, administrators. */
function canDelete(room: Room, isOwn: boolean): boolean {
  const own = me.value;
  const role = room.members.value?.find((member) => member.user_id === own?.id)?.role;
  return isOwn || own?.is_admin === true || role === "owner" || role === "admin";
}

async function copy(message: Message): Promise<void> {
  const text = message.text || message.content;
  // Elsewhere the path of an upload would lead nowhere.
  const address = message.file_url === text ? fileUrl(text) : null;
  try {
    await navigator.clipboard.writeText(address ?? text);
    showToast(t("msg.copied"));
  } catch (error) {
    // Browsers offer no clipboard on insecure pages.
    showToast(navigator.clipboard ? errorText(error) : t("msg.notCopied"));
  }
}
