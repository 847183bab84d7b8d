// The card of a user, with actions: write to the user, or block them.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { blocked, loadBlocks } from "../model/blocks";
import { isDeletedName, personName } from "../model/labels";
import { openDirect } from "../model/members";
import { wantCard } from "../model/people";
import { online } from "../model/presence";
import { activeRoomId, conversations } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { plainText } from "../worker/plain";
import { changeBlock } from "./change_block";
import { Avatar, Icon, useCard } from "./common";
import { Confirm, Dialog } from "./dialog";
import { showRoom } from "./router";

export interface UserCardProps {
  id: number;
  /** The name, until the present one is known. */
  name: string;
  onClose: () => void;
}

export function UserCard({ id, name: given, onClose }: UserCardProps) {
  const card = useCard(id);
  const [isAsking, setAsking] = useState(false);
  // Changes of other users are not announced.
  useEffect(() => wantCard(id, true), [id]);
  useEffect(() => void loadBlocks().catch(() => {}), []); // unknown: the button waits
  const isDeleted = isDeletedName(card?.username ?? given);
  const name = personName(card?.username ?? given);
  const isOwn = id === me.value?.id;
  const isBlocked = blocked.value?.has(id) === true;
  const isOnline = isOwn || online.value.has(id);
  const hasPresence = !isDeleted && !card?.is_bot;
  const isHere = conversations.value.get(activeRoomId.value ?? 0)?.user_id === id;
  const write = async () => {
    try {
      const room = await openDirect(name);
      onClose();
      showRoom(room);
    } catch (error) {
      showToast(errorText(error));
    }
  };
  if (isAsking) {
    return (
      <Confirm
        title={t("block.title", { name })}
        hint={t("block.hint")}
        action={t("block.confirm")}
        onClose={onClose}
        onYes={() => void changeBlock(id, name, true)}
      />
    );
  }
  return (
    <Dialog title={name} onClose={onClose} class="is-small user-card" first=".user-card-actions button">
      <div class="user-card-body">
        <Avatar name={name} src={card?.avatar} size="l" isOnline={hasPresence ? isOnline : undefined} />
        <p class="muted">
          {isDeleted
            ? t("card.deleted")
            : isBlocked
              ? t("block.state")
              : card?.is_bot
                ? t("user.bot")
                : t(isOnline ? "room.online" : "room.offline")}
          {isOwn && ` · ${t("members.you")}`}
        </p>
        {card?.status_text && (
          <p class="user-card-status">
            <bdi>{plainText(card.status_text)}</bdi>
          </p>
        )}
      </div>
      {!isOwn && !isDeleted && (
        <div class="user-card-actions">
          {!isHere && (
            <button type="button" class="button is-main" onClick={() => void write()}>
              <Icon name="chat" size={18} /> {t("card.write")}
            </button>
          )}
          {blocked.value && (
            <button
              type="button"
              class={`button ${isBlocked ? "" : "is-danger-text"}`}
              onClick={() => (isBlocked ? void changeBlock(id, name, false) : setAsking(true))}
            >
              <Icon name="ban" size={18} /> {t(isBlocked ? "card.unblock" : "block.confirm")}
            </button>
          )}
        </div>
      )}
    </Dialog>
  );
}
