// Dialogs that start a conversation: a private chat, a group, a public room.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { refreshList } from "../model/conversation_list";
import { roomName } from "../model/labels";
import { joinRoom, openDirect } from "../model/members";
import { online } from "../model/presence";
import { conversations } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import type { FoundRoom, UserRef } from "../net/types";
import { Avatar, Icon, IconButton, UserAvatar } from "./common";
import { Dialog } from "./dialog";
import { showRoom } from "./router";
import { SearchField, useServerSearch } from "./search_field";

const findOthers = async (query: string) =>
  (await api.findUsers(query)).filter((user) => user.id !== me.peek()?.id);

export function NewChat({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const found = useServerSearch<UserRef>(text, findOthers);
  const start = async (username: string) => {
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
      <SearchField label={t("new.chatHint")} value={text} onInput={setText} />
      <ul class="items dialog-list">
        {found?.map((user) => (
          <li key={user.id}>
            <button type="button" class="item is-line" onClick={() => start(user.username)}>
              <UserAvatar id={user.id} name={user.username} isOnline={online.value.has(user.id)} />
              <bdi class="item-name">{user.username}</bdi>
            </button>
          </li>
        ))}
      </ul>
      {found?.length === 0 && <p class="side-note">{t("new.noUsers", { q: text.trim() })}</p>}
    </Dialog>
  );
}

export function NewGroup({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [picked, setPicked] = useState<UserRef[]>([]);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const found = useServerSearch<UserRef>(text, findOthers);
  const selectable = found?.filter((user) => !picked.some(({ id }) => id === user.id));

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
  const pick = (user: UserRef) => {
    setPicked([...picked, user]);
    setText("");
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
        <div>
          <SearchField label={t("new.addHint")} value={text} onInput={setText} />
          <ul class="items dialog-list">
            {selectable?.map((user) => (
              <li key={user.id}>
                <button type="button" class="item is-line" onClick={() => pick(user)}>
                  <UserAvatar id={user.id} name={user.username} isOnline={online.value.has(user.id)} />
                  <bdi class="item-name">{user.username}</bdi>
                  <Icon name="plus" size={18} />
                </button>
              </li>
            ))}
          </ul>
          {found?.length === 0 && <p class="side-note">{t("new.noUsers", { q: text.trim() })}</p>}
        </div>
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
  const [text, setText] = useState("");
  const found = useServerSearch<FoundRoom>(text, publicRooms, true);
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
      <SearchField label={t("new.browseHint")} value={text} onInput={setText} />
      <ul class="items dialog-list is-tall">
        {found?.map((room) => (
          <li key={room.id}>
            <button type="button" class="item is-line" onClick={() => enter(room)}>
              <Avatar name={roomName(room)} isGroup />
              <bdi class="item-name">{roomName(room)}</bdi>
              <span class="tag">{t(conversations.value.has(room.id) ? "new.open" : "new.join")}</span>
            </button>
          </li>
        ))}
      </ul>
      {found?.length === 0 && (
        <p class="side-note">{text.trim() ? t("new.noRooms", { q: text.trim() }) : t("new.noneYet")}</p>
      )}
    </Dialog>
  );
}
