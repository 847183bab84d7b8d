// How far one of the user's own messages has come, and who has read it.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { fullTime } from "../i18n/format";
import { loadMembers } from "../model/members";
import { deliveryState, hasReceipts } from "../model/receipts";
import { conversations, type Room } from "../model/rooms";
import { me } from "../model/session";
import { api } from "../net/http";
import type { Message } from "../net/types";
import { UserAvatar } from "./common";
import { Dialog } from "./dialog";

interface MessageDetailsProps {
  room: Room;
  message: Message;
  onClose: () => void;
}

export function MessageDetails({ room, message, onClose }: MessageDetailsProps) {
  const conversation = conversations.value.get(room.id);
  const [fetchedReaders, setFetchedReaders] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => {
    if (!conversation || conversation.is_private) return;
    if (conversation.kind === "group" && !room.members.peek()) void loadMembers(room);
    api.readers(conversation.room_id, message.id).then(setFetchedReaders, () => {});
  }, []);
  const names = new Map<number, string>();
  for (const { user_id, username } of room.members.value ?? []) {
    const isReader = fetchedReaders.has(user_id) || (room.readers.value.get(user_id) ?? 0) >= message.id;
    if (isReader) names.set(user_id, username);
  }
  names.delete(me.value?.id ?? 0);
  return (
    <Dialog title={t("msg.info")} onClose={onClose} class="is-small">
      <p>{t("msg.sentAt", { time: fullTime(Date.parse(message.created_at)) })}</p>
      <p>{t("msg.status", { status: t(`msg.${deliveryState(room, message)}`) })}</p>
      {!conversation?.is_private && hasReceipts(room.id) && (
        <>
          <h3>{t("msg.readBy")}</h3>
          {names.size === 0 && <p class="muted">{t("msg.nobody")}</p>}
          <ul class="chips">
            {[...names].map(([id, name]) => (
              <li class="chip" key={id}>
                <UserAvatar id={id} name={name} size="s" />
                <bdi>{name}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  );
}
