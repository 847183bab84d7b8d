// Dialogs that start a conversation: a private chat, a group, a public room.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { refreshList } from "../model/conversation_list";
import { roomName } from "../model/labels";
import { joinRoom, openDirect } from "../model/members";
import { isBot } from "../model/people";
import { online } from "../model/presence";
import { conversations } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import type { FoundRoom, UserRef } from "../net/types";
import { Avatar, BotTag, Icon, IconButton, UserAvatar } from "./common";
import { Dialog } from "./dialog";
import { showRoom } from "./router";
import { SearchList } from "./search_field";

const findOthers = async (query: string) =>
  (await api.findUsers(query)).filter((user) => user.id !== me.peek()?.id);

function Person({ user }: { user: UserRef }) {
  return (
    <>
      <UserAvatar id={user.id} name={user.username} isOnline={online.value.has(user.id)} />
      <bdi class="item-name">{user.username}</bdi>
      {isBot(user.id) && <BotTag />}
    </>
  );
}

const noUsers = (query: string) => t("new.noUsers", { q: query });

export function NewChat({ onClose }: { onClose: () => void }) {
  const start = async ({ username }: UserRef) => {
    try {
      const room = await openDirect(username);
      onClose();
      showRoom(room);
    } catch (error) {
      showToast(errorText(error));
    }
  };
  return (
    <Dialog title={t("new.chat")} onClose={onClose}>
      <SearchList
        label={t("new.chatHint")}
        find={findOthers}
        onPick={start}
        draw={(user) => <Person user={user} />}
        none={noUsers}
        class="dialog-list"
      />
    </Dialog>
  );
}

export function NewGroup({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [picked, setPicked] = useState<UserRef[]>([]);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState("");

  const create = async (event: Event) => {
    event.preventDefault();
    if (!name.trim() || isBusy) return;
    setBusy(true);
    setError("");
    try {
      const room = await api.createGroup(name.trim());
      for (const user of picked) {
        await api.addMember(room.id, user.username).catch((failure) => showToast(errorText(failure)));
      }
      await refreshList();
      onClose();
      showRoom(room.id);
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog title={t("new.group")} onClose={onClose}>
      <form class="stack" onSubmit={create}>
        <label class="stack-label">
          {t("new.groupName")}
          <input
            class="input"
            name="name"
            value={name}
            maxLength={100}
            autocomplete="off"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <SearchList
          label={t("new.addHint")}
          find={findOthers}
          picksMany
          isListed={(user) => !picked.some(({ id }) => id === user.id)}
          onPick={(user) => setPicked([...picked, user])}
          draw={(user) => (
            <>
              <Person user={user} />
              <Icon name="plus" size={18} />
            </>
          )}
          none={noUsers}
          class="dialog-list"
        />
        {picked.length > 0 && (
          <ul class="chips" aria-label={t("new.members")}>
            {picked.map((user) => (
              <li class="chip" key={user.id}>
                <UserAvatar id={user.id} name={user.username} size="s" />
                <bdi>{user.username}</bdi>
                <IconButton
                  icon="close"
                  size={14}
                  label={t("new.remove", { name: user.username })}
                  onClick={() => setPicked(picked.filter(({ id }) => id !== user.id))}
                />
              </li>
            ))}
          </ul>
        )}
        {error && (
          <p class="note is-bad" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class="button is-main" disabled={!name.trim() || isBusy}>
            {t("new.create")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const publicRooms = async (query: string) =>
  (await api.findRooms(query)).filter((room) => room.kind === "public");

export function BrowseRooms({ onClose }: { onClose: () => void }) {
  const enter = async (room: FoundRoom) => {
    try {
      if (!conversations.peek().has(room.id)) await joinRoom(room.id);
      onClose();
      showRoom(room.id);
    } catch (error) {
      showToast(errorText(error));
    }
  };
  return (
    <Dialog title={t("new.browse")} onClose={onClose}>
      <SearchList
        label={t("new.browseHint")}
        find={publicRooms}
        isEager
        onPick={enter}
        draw={(room) => (
          <>
            <Avatar name={roomName(room)} isGroup />
            <bdi class="item-name">{roomName(room)}</bdi>
            <span class="tag">{t(conversations.value.has(room.id) ? "new.open" : "new.join")}</span>
          </>
        )}
        none={(query) => (query ? t("new.noRooms", { q: query }) : t("new.noneYet"))}
        class="dialog-list is-tall"
      />
    </Dialog>
  );
}
