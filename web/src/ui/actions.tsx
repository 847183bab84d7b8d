// What can be done with a message: answer, copy, see how far it has come, delete.

import { useState } from "preact/hooks";
import { errorWords, t } from "../i18n";
import type { Room } from "../model/rooms";
import { remove } from "../model/sending";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import type { Message } from "../net/types";
import { later } from "./later";
import { IconButton } from "./parts";

const Confirm = later(() => import("./extras").then((it) => it.Confirm));
const Details = later(() => import("./extras").then((it) => it.Details));

interface ActionsProps {
  room: Room;
  message: Message;
  isOwn: boolean;
  onReply: (message: Message) => void;
}

export function Actions({ room, message, isOwn, onReply }: ActionsProps) {
  const [shown, show] = useState<"delete" | "details" | null>(null);
  const close = () => show(null);
  return (
    <div class="actions" role="toolbar" aria-label={t("msg.actions")}>
      <IconButton icon="reply" size={17} label={t("msg.reply")} onClick={() => onReply(message)} />
      <IconButton icon="copy" size={17} label={t("msg.copy")} onClick={() => void copy(message)} />
      {isOwn && <IconButton icon="info" size={17} label={t("msg.info")} onClick={() => show("details")} />}
      {mayDelete(room, isOwn) && (
        <IconButton icon="trash" size={17} label={t("msg.delete")} onClick={() => show("delete")} />
      )}
      {shown === "delete" && (
        <Confirm
          title={t("delete.title")}
          hint={t("delete.hint")}
          action={t("delete.confirm")}
          onClose={close}
          onYes={() => remove(room.id, message.id).catch((error) => showToast(errorWords(error)))}
        />
      )}
      {shown === "details" && <Details room={room} message={message} onClose={close} />}
    </div>
  );
}

/** Offered to those whom the server lets: the sender, the room's owner and admins, administrators. */
function mayDelete(room: Room, isOwn: boolean): boolean {
  const own = me.value;
  const role = room.members.value?.find((member) => member.user_id === own?.id)?.role;
  return isOwn || own?.is_admin === true || role === "owner" || role === "admin";
}

async function copy(message: Message): Promise<void> {
  try {
    await navigator.clipboard.writeText(message.text || message.content);
    showToast(t("msg.copied"));
  } catch (error) {
    // Pages that are not secure have no clipboard.
    showToast(navigator.clipboard ? errorWords(error) : t("msg.notCopied"));
  }
}
