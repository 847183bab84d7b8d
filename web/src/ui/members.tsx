// The members of a room, and the actions that the user may take on them.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { roomName } from "../model/labels";
import { leaveRoom, loadMembers } from "../model/members";
import { isBot } from "../model/people";
import { online } from "../model/presence";
import { conversations, type Room } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import type { Member, UserRef } from "../net/types";
import { plainText } from "../worker/plain";
import { Avatar, BotTag, Icon, IconButton, Skeleton, UserAvatar } from "./common";
import { Confirm } from "./dialog";
import { moveInList, useTabStop } from "./lists";
import { PersonButton } from "./person_button";
import { RoomDetails } from "./room_details";
import { RoomMedia } from "./room_media";
import { RoomSettings } from "./room_settings";
import { showRoom } from "./router";
import { SearchList } from "./search_field";
import { Tabs } from "./tabs";
import { UserCard } from "./user_card";

/** At most this many members are drawn. */
const MAX_SHOWN = 500;

export function Members({ room, onClose }: { room: Room; onClose: () => void }) {
  const [tab, setTab] = useState<"members" | "picture" | "file">("members");
  const tabId = useId();
  /** What a dialog asks to confirm: to remove a member, or to leave. */
  const [toConfirm, setToConfirm] = useState<Member | "leave" | null>(null);
  useEffect(() => void loadMembers(room), [room]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) onClose();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  const conversation = conversations.value.get(room.id);
  const members = room.members.value;
  const own = members?.find((member) => member.user_id === me.value?.id);
  const isGlobal = conversation?.room_id === "global";
  const isGroup = conversation?.kind === "group";
  const canAdd = canManage(own, isGroup) || (conversation?.kind === "public" && !isGlobal);

  const panel = useRef<HTMLElement>(null);
  const run = async (action: Promise<unknown>) => {
    try {
      await action;
      await loadMembers(room);
    } catch (error) {
      showToast(errorText(error));
    }
    // The button that had the focus may have been removed with its member.
    if (document.activeElement === document.body) panel.current?.focus();
  };
  return (
    <aside class="members" ref={panel} tabIndex={-1} aria-label={t("room.members")}>
      <header class="members-head">
        <h2>{t("room.members")}</h2>
        <IconButton icon="close" label={t("close")} onClick={onClose} />
      </header>
      {conversation && <RoomDetails room={room} conversation={conversation} />}
      <Tabs
        label={t("details.label")}
        controls={tabId}
        tabs={[
          { name: "members", text: t("room.members") },
          { name: "picture", text: t("details.pictures") },
          { name: "file", text: t("details.files") },
        ]}
        chosen={tab}
        onChoose={setTab}
      />
      <div class="members-tab" id={tabId} role="tabpanel" aria-labelledby={`${tabId}-${tab}`}>
        {tab !== "members" && <RoomMedia room={room} kind={tab} key={tab} onClose={onClose} />}
        {tab === "members" && (
          <MemberList
            room={room}
            own={own}
            isGroup={isGroup}
            canAdd={canAdd}
            onRun={run}
            onRemove={setToConfirm}
          />
        )}
      </div>
      {conversation && own && own.role !== "member" && (
        <RoomSettings room={room} conversation={conversation} isOwner={own.role === "owner"} />
      )}
      {conversation && !conversation.is_private && !isGlobal && (
        <button
          type="button"
          class="button is-quiet is-danger-text members-action"
          onClick={() => setToConfirm("leave")}
        >
          <Icon name="exit" size={18} /> {t(isGroup ? "members.leave" : "members.leaveRoom")}
        </button>
      )}
      {toConfirm === "leave" && conversation && (
        <Confirm
          title={t("members.leaveTitle", { name: roomName(conversation) })}
          hint={t("members.leaveHint")}
          action={t("members.leaveConfirm")}
          onClose={() => setToConfirm(null)}
          onYes={async () => {
            try {
              await leaveRoom(room.id);
              showRoom(null);
            } catch (error) {
              showToast(errorText(error));
            }
          }}
        />
      )}
      {toConfirm && toConfirm !== "leave" && (
        <Confirm
          title={t("members.removeTitle", { name: toConfirm.username })}
          action={t("members.removeConfirm")}
          onClose={() => setToConfirm(null)}
          onYes={() => run(api.removeMember(room.id, toConfirm.user_id))}
        />
      )}
    </aside>
  );
}

/** Whether a member may add and remove others. */
const canManage = (own: Member | undefined, isGroup: boolean) =>
  isGroup && (own?.role === "owner" || own?.role === "admin");

/** The order of members: who is online first, and among them by their roles. */
const rank = (member: Member) =>
  (member.role === "owner" ? 0 : member.role === "admin" ? 1 : 2) +
  (online.value.has(member.user_id) && !member.is_bot ? 0 : 3);

interface MemberListProps {
  room: Room;
  own: Member | undefined;
  isGroup: boolean;
  canAdd: boolean;
  onRun: (action: Promise<unknown>) => void;
  onRemove: (member: Member) => void;
}

function MemberList({ room, own, isGroup, canAdd, onRun, onRemove }: MemberListProps) {
  const list = useRef<HTMLUListElement>(null);
  useTabStop(list, "button");
  const members = room.members.value;
  const manages = canManage(own, isGroup);
  return (
    <>
      {canAdd && <AddMember onAdd={(name) => onRun(api.addMember(room.id, name))} members={members ?? []} />}
      {members === null && <Skeleton rows={5} kind="list" />}
      <ul class="items" ref={list} onKeyDown={(event) => moveInList(event, list.current, "button")}>
        {[...(members ?? [])]
          .sort((a, b) => rank(a) - rank(b))
          .slice(0, MAX_SHOWN)
          .map((member) => {
            const isOwn = member.user_id === own?.user_id;
            const name = member.username;
            const isRemovable = manages && !isOwn && member.role !== "owner";
            return (
              <li class="member" key={member.user_id}>
                <Avatar
                  name={name}
                  src={member.avatar}
                  isOnline={member.is_bot ? undefined : isOwn || online.value.has(member.user_id)}
                />
                <span class="member-name">
                  <PersonButton
                    Card={UserCard}
                    id={member.user_id}
                    name={name}
                    class="link is-plain"
                    isTabStop
                  >
                    <bdi>{name}</bdi>
                  </PersonButton>
                  <small>
                    {[
                      isOwn ? t("members.you") : "",
                      member.role === "member" ? "" : t(`members.${member.role}`),
                      member.is_bot ? t("user.bot") : "",
                    ]
                      .filter(Boolean)
                      .join(" · ")}
                  </small>
                  {member.status_text && (
                    <small>
                      <bdi>{plainText(member.status_text)}</bdi>
                    </small>
                  )}
                </span>
                {own?.role === "owner" && !isOwn && isGroup && (
                  <IconButton
                    icon="shield"
                    size={17}
                    class={member.role === "admin" ? "is-on" : ""}
                    aria-pressed={member.role === "admin"}
                    label={t(member.role === "admin" ? "members.demote" : "members.promote", { name })}
                    onClick={() =>
                      onRun(
                        api.setRole(room.id, member.user_id, member.role === "admin" ? "member" : "admin"),
                      )
                    }
                  />
                )}
                {isRemovable && (
                  <IconButton
                    icon="close"
                    size={17}
                    label={t("members.remove", { name })}
                    onClick={() => onRemove(member)}
                  />
                )}
              </li>
            );
          })}
      </ul>
    </>
  );
}

const MAX_FOUND = 6;
const findSome = async (query: string) => (await api.findUsers(query)).slice(0, MAX_FOUND);

function AddMember({ onAdd, members }: { onAdd: (name: string) => void; members: Member[] }) {
  const present = new Set(members.map((member) => member.user_id));
  return (
    <div class="members-add">
      <SearchList<UserRef>
        label={t("members.add")}
        find={findSome}
        picksMany
        isListed={(user) => !present.has(user.id)}
        onPick={(user) => onAdd(user.username)}
        draw={(user) => (
          <>
            <UserAvatar id={user.id} name={user.username} size="s" />
            <bdi class="item-name">{user.username}</bdi>
            {isBot(user.id) && <BotTag />}
            <span class="tag">{t("members.addSubmit")}</span>
          </>
        )}
      />
    </div>
  );
}
