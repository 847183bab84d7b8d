// The dialogs that actions on a message open.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import type { Room } from "../model/rooms";
import { deleteMessage } from "../model/sending";
import { showToast } from "../model/toast";
import type { Message } from "../net/types";
import type { Shown } from "./actions";
import { Confirm } from "./dialog";
import { EmojiPicker } from "./emoji_picker";
import { ForwardDialog } from "./forward_dialog";
import { MessageDetails } from "./message_details";
import { toggle } from "./reactions";
import { UserCard } from "./user_card";

interface ActionDialogProps {
  room: Room;
  message: Message;
  shown: Exclude<Shown, null>;
  onClose: () => void;
}

export function ActionDialog({ room, message, shown, onClose }: ActionDialogProps) {
  if (shown === "details") return <MessageDetails room={room} message={message} onClose={onClose} />;
  if (shown === "forward") {
    return <ForwardDialog message={{ ...message, room_id: room.id }} onClose={onClose} />;
  }
  if (shown === "sender") return <UserCard id={message.user_id} name={message.username} onClose={onClose} />;
  if (shown === "react") {
    const react = (emoji: string) => toggle(room, message, emoji);
    return <EmojiPicker title={t("react.add")} onPick={react} onClose={onClose} />;
  }
  return (
    <Confirm
      title={t("delete.title")}
      hint={t("delete.hint")}
      action={t("delete.confirm")}
      onClose={onClose}
      onYes={() => deleteMessage(room.id, message.id).catch((error) => showToast(errorText(error)))}
    />
  );
}
