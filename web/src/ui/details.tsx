// How far one's message has come, and who has read it.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { fullTime } from "../i18n/format";
import { loadMembers } from "../model/members";
import { hasReceipts, tickOf } from "../model/receipts";
import { conversations, type Room } from "../model/rooms";
import { me } from "../model/session";
import { api } from "../net/http";
import type { Message } from "../net/types";
import { Dialog } from "./dialog";
import { Avatar } from "./parts";

export function Details({ room, message, onClose }: { room: Room; message: Message; onClose: () => void }) {
  const it = conversations.value.get(room.id);
  const [known, setKnown] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => {
    if (!it || it.is_private) return;
    if (it.kind === "group" && !room.members.peek()) void loadMembers(room);
    api.readers(it.room_id, message.id).then(setKnown, () => {});
  }, []);
  const names = new Map<number, string>();
  for (const { user_id, username } of room.members.value ?? []) {
    const isReader = known.has(user_id) || (room.readers.value.get(user_id) ?? 0) >= message.id;
    if (isReader) names.set(user_id, username);
  }
  names.delete(me.value?.id ?? 0);
  return (
    <Dialog title={t("msg.info")} onClose={onClose} class="is-small">
      <p>{t("msg.sentAt", { time: fullTime(Date.parse(message.created_at)) })}</p>
      <p>{t("msg.status", { status: t(`msg.${tickOf(room, message)}`) })}</p>
      {!it?.is_private && hasReceipts(room.id) && (
        <>
          <h3>{t("msg.readBy")}</h3>
          {names.size === 0 && <p class="muted">{t("msg.nobody")}</p>}
          <ul class="chips">
            {[...names].map(([id, name]) => (
              <li class="chip" key={id}>
                <Avatar name={name} size="s" />
                <bdi>{name}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  );
}
