// What a user can do with a conversation of the list.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { roomName } from "../model/labels";
import { markAllRead, markLatestUnread } from "../model/mark_unread";
import { conversations } from "../model/rooms";
import { showToast } from "../model/toast";
import { Icon } from "./common";
import { Dialog } from "./dialog";
import { isTouch } from "./input";

export interface ConversationMenuProps {
  id: number;
  /** Where the pointer was, or the conversation. */
  at: { x: number; y: number };
  onClose: () => void;
}

/** Beside the pointer; where a finger works the device, at the lower edge. */
export function ConversationMenu({ id, at, onClose }: ConversationMenuProps) {
  const conversation = conversations.value.get(id);
  if (!conversation) return null;
  const isUnread = conversation.unread > 0;
  const toggle = () => {
    onClose();
    if (isUnread) markAllRead(id);
    else void leaveUnread(id);
  };
  return (
    <Dialog
      title={roomName(conversation)}
      class={isTouch ? "sheet" : "is-menu"}
      at={isTouch ? undefined : at}
      onClose={onClose}
      isBare
    >
      {isTouch && (
        <p class="sheet-text">
          <bdi>{roomName(conversation)}</bdi>
        </p>
      )}
      <button type="button" class="menu-item" onClick={toggle}>
        <Icon name={isUnread ? "check" : "unread"} /> {t(isUnread ? "catchUp.read" : "msg.unread")}
      </button>
    </Dialog>
  );
}

async function leaveUnread(id: number): Promise<void> {
  try {
    if (!(await markLatestUnread(id))) showToast(t("list.nothingToMark"));
  } catch (error) {
    showToast(errorText(error));
  }
}
