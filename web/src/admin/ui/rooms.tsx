// The groups and public rooms: found by name, their members, and deleted.

import { useState } from "preact/hooks";
import { briefTime } from "../../i18n/format";
import { roomName } from "../../model/labels";
import { showToast } from "../../model/toast";
import { useCard } from "../../ui/common";
import { Dialog } from "../../ui/dialog";
import { t } from "../i18n";
import { type AdminRoom, adminApi } from "../model/api";
import { ActDialog } from "./act_dialog";
import { focusSection, List, Name, Search, useFound, usePagedList } from "./list";

/** The room of everyone, which cannot be deleted. */
const GLOBAL = 1;

export function Rooms() {
  const list = useFound(adminApi.rooms);
  const [opened, setOpened] = useState<AdminRoom | null>(null);
  const [doomed, setDoomed] = useState<AdminRoom | null>(null);
  return (
    <>
      <Search label={t("rooms.search")} />
      <List
        list={list}
        label={t("section.rooms")}
        empty={t("rooms.none")}
        row={(room) => (
          <Row room={room} key={room.id} onMembers={() => setOpened(room)} onDelete={() => setDoomed(room)} />
        )}
      />
      {opened && <Members room={opened} onClose={() => setOpened(null)} />}
      {doomed && (
        <ActDialog
          title={t("rooms.deleteTitle", { name: doomed.name })}
          hint={t("rooms.deleteHint")}
          yes={t("rooms.deleteYes")}
          isDanger
          onYes={async () => {
            await adminApi.deleteRoom(doomed.id);
            list.replace(doomed.id, null);
            setDoomed(null);
            showToast(t("rooms.deleted", { name: doomed.name }));
            focusSection();
          }}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}

interface RowProps {
  room: AdminRoom;
  onMembers: () => void;
  onDelete: () => void;
}

/** The room of everyone is called as in the chat. */
const nameOf = ({ id, name }: AdminRoom) => roomName({ room_id: id === GLOBAL ? "global" : undefined, name });

function Row({ room, onMembers, onDelete }: RowProps) {
  const owner = useCard(room.owner_id);
  const ownerName = owner?.username ?? `#${room.owner_id}`;
  return (
    <li class="row" data-room={room.id}>
      <div class="row-main">
        <p class="row-title">
          <Name>{nameOf(room)}</Name>
          <span class="mark">{t(`rooms.${room.kind}`)}</span>
        </p>
        <p class="row-facts">
          <span>#{room.id}</span>
          <span>{t("rooms.members", { n: room.members })}</span>
          <bdi>{room.owner_id === null ? t("rooms.noOwner") : t("rooms.owner", { name: ownerName })}</bdi>
          <span>{briefTime(Date.parse(room.created_at))}</span>
        </p>
      </div>
      <button
        type="button"
        class="button is-small"
        aria-haspopup="dialog"
        aria-label={t("rooms.showName", { name: nameOf(room) })}
        onClick={onMembers}
      >
        {t("rooms.show")}
      </button>
      {room.id !== GLOBAL && (
        <button
          type="button"
          class="button is-small is-danger-text"
          aria-label={t("rooms.deleteName", { name: nameOf(room) })}
          onClick={onDelete}
        >
          {t("rooms.delete")}
        </button>
      )}
    </li>
  );
}

function Members({ room, onClose }: { room: AdminRoom; onClose: () => void }) {
  const list = usePagedList(
    (cursor) => adminApi.members(room.id, cursor),
    (member) => member.user_id,
  );
  return (
    <Dialog title={t("rooms.showName", { name: nameOf(room) })} onClose={onClose} first=".dialog-head button">
      <List
        list={list}
        label={t("rooms.show")}
        empty={t("rooms.members", { n: 0 })}
        row={(member) => (
          <li class="row is-low" key={member.user_id}>
            <div class="row-main">
              <p class="row-title">
                <Name>{member.username}</Name>
                {member.role !== "member" && <span class="mark">{t(`member.${member.role}`)}</span>}
              </p>
            </div>
            <span class="row-facts">#{member.user_id}</span>
          </li>
        )}
      />
    </Dialog>
  );
}
