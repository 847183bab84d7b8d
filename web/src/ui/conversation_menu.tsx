// What a user can do with a conversation of the list.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { changeSettings, hide } from "../model/conversation_settings";
import { roomName } from "../model/labels";
import { markAllRead, markLatestUnread } from "../model/mark_unread";
import { activeRoomId, conversations } from "../model/rooms";
import { showToast } from "../model/toast";
import type { Conversation } from "../net/types";
import { Icon } from "./common";
import { Dialog } from "./dialog";
import { isTouch } from "./input";
import { showRoom } from "./router";
import { openSearch } from "./search_page";

export interface ConversationMenuProps {
  id: number;
  /** Where the pointer was, or the conversation. */
  at: { x: number; y: number };
  onClose: () => void;
}

/** Next to the pointer; on touch devices at the lower edge. */
export function ConversationMenu({ id, at, onClose }: ConversationMenuProps) {
  const conversation = conversations.value.get(id);
  if (!conversation) return null;
  const isUnread = conversation.unread > 0;
  const toggle = () => {
    onClose();
    if (isUnread) void markAllRead(id);
    else void leaveUnread(id);
  };
  const pin = () => {
    onClose();
    void attempt(changeSettings(id, { pinned: !conversation.pinned }));
  };
  const takeAway = async () => {
    const next = neighbourOf(id);
    onClose();
    if (activeRoomId.peek() === id) showRoom(null);
    await attempt(hide(id));
    // The focus was on the item that is gone.
    requestAnimationFrame(() => document.activeElement === document.body && next?.focus());
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
      <button type="button" class="menu-item" onClick={pin}>
        <Icon name="pin" /> {t(conversation.pinned ? "list.unpin" : "list.pin")}
      </button>
      <button type="button" class="menu-item" onClick={() => void takeAway()}>
        <Icon name="close" /> {t("list.hide")}
      </button>
      <button
        type="button"
        class="menu-item"
        onClick={() => {
          onClose();
          openSearch({ room: id });
        }}
      >
        <Icon name="search" /> {t("find.here")}
      </button>
      <Levels conversation={conversation} />
    </Dialog>
  );
}

/** The item below a conversation in the list, or above the last one. */
function neighbourOf(id: number): HTMLElement | null | undefined {
  const row = document.querySelector(`.side [data-room="${id}"]`)?.closest("li");
  return (row?.nextElementSibling ?? row?.previousElementSibling)?.querySelector<HTMLElement>(".item");
}

const LEVELS = ["all", "mentions", "none"] as const;

/** Of which messages the user wants to hear. */
function Levels({ conversation: { id, notify } }: { conversation: Conversation }) {
  return (
    <fieldset class="levels">
      <legend>{t("notify.label")}</legend>
      <div class="segments">
        {LEVELS.map((level) => (
          <button
            type="button"
            key={level}
            aria-pressed={notify === level}
            onClick={() => void attempt(changeSettings(id, { notify: level }))}
          >
            {t(`notify.${level}`)}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

async function attempt(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    showToast(errorText(error));
  }
}

async function leaveUnread(id: number): Promise<void> {
  try {
    if (!(await markLatestUnread(id))) showToast(t("list.nothingToMark"));
  } catch (error) {
    showToast(errorText(error));
  }
}
