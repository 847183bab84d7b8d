// New private chat, new group, public rooms.

import { useEffect, useState } from "preact/hooks";
import { errorWords, t } from "../i18n";
import { conversations, join, online, refresh, say } from "../model/chat";
import { me } from "../model/session";
import { roomName } from "../model/words";
import { api } from "../net/http";
import type { FoundRoom, FoundUser } from "../net/types";
import { Dialog } from "./dialog";
import { openRoom } from "./nav";
import { Avatar, Icon, IconButton } from "./parts";

/** The number of the private room with a user, or `null` after an error that was shown. */
export async function openDirect(username: string): Promise<number | null> {
  try {
    const room = await api.openDirect(username);
    if (!conversations.peek().has(room.id)) await refresh();
    return room.id;
  } catch (error) {
    say(errorWords(error));
    return null;
  }
}

/** What the server finds for a text, a moment after the last key. */
export function useFinder<T>(text: string, find: (query: string) => Promise<T[]>): T[] | null {
  const [found, setFound] = useState<T[] | null>(null);
  const query = text.trim();
  useEffect(() => {
    setFound(null);
    if (!query) return;
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const list = await find(query).catch(() => []);
      if (isCurrent) setFound(list);
    }, 200);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}

export function FindBox({
  label,
  value,
  onInput,
}: {
  label: string;
  value: string;
  onInput: (text: string) => void;
}) {
  return (
    <div class="search is-dialog">
      <Icon name="search" size={18} />
      <input
        type="search"
        value={value}
        maxLength={100}
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

const others = async (query: string) =>
  (await api.findUsers(query)).filter((user) => user.id !== me.peek()?.id);

export function NewChat({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const found = useFinder<FoundUser>(text, others);
  return (
    <Dialog title={t("new.chat")} onClose={onClose}>
      <FindBox label={t("new.chatHint")} value={text} onInput={setText} />
      <ul class="items dialog-list">
        {found?.map((user) => (
          <li key={user.id}>
            <button
              type="button"
              class="item is-line"
              onClick={async () => {
                const room = await openDirect(user.username);
                if (room === null) return;
                onClose();
                openRoom(room);
              }}
            >
              <Avatar name={user.username} isOnline={online.value.has(user.id)} />
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
  const [picked, setPicked] = useState<FoundUser[]>([]);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const found = useFinder<FoundUser>(text, others);

  const create = async (event: Event) => {
    event.preventDefault();
    if (!name.trim() || isBusy) return;
    setBusy(true);
    setError("");
    try {
      const room = await api.createGroup(name.trim());
      for (const user of picked) {
        await api.addMember(room.id, user.username).catch((failure) => say(errorWords(failure)));
      }
      await refresh();
      onClose();
      openRoom(room.id);
    } catch (failure) {
      setError(errorWords(failure));
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
        {picked.length > 0 && (
          <ul class="chips" aria-label={t("new.members")}>
            {picked.map((user) => (
              <li class="chip" key={user.id}>
                <Avatar name={user.username} size="s" />
                <bdi>{user.username}</bdi>
                <IconButton
                  icon="close"
                  size={14}
                  label={t("new.remove", { name: user.username })}
                  onClick={() => setPicked(picked.filter((it) => it.id !== user.id))}
                />
              </li>
            ))}
          </ul>
        )}
        <FindBox label={t("new.chatHint")} value={text} onInput={setText} />
        <ul class="items dialog-list">
          {found
            ?.filter((user) => !picked.some((it) => it.id === user.id))
            .map((user) => (
              <li key={user.id}>
                <button
                  type="button"
                  class="item is-line"
                  onClick={() => {
                    setPicked([...picked, user]);
                    setText("");
                  }}
                >
                  <Avatar name={user.username} />
                  <bdi class="item-name">{user.username}</bdi>
                  <Icon name="plus" size={18} />
                </button>
              </li>
            ))}
        </ul>
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

export function Browse({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const found = useFinder<FoundRoom>(text, api.findRooms)?.filter((room) => room.kind === "public");
  const enter = async (room: FoundRoom) => {
    try {
      if (!conversations.peek().has(room.id)) await join(room.id);
      onClose();
      openRoom(room.id);
    } catch (error) {
      say(errorWords(error));
    }
  };
  return (
    <Dialog title={t("new.browse")} onClose={onClose}>
      <FindBox label={t("new.browseHint")} value={text} onInput={setText} />
      <ul class="items dialog-list">
        {found?.map((room) => (
          <li key={room.id}>
            <button type="button" class="item is-line" onClick={() => enter(room)}>
              <Avatar name={room.name} isGroup />
              <bdi class="item-name">{roomName(room)}</bdi>
              <span class="tag">{t(conversations.value.has(room.id) ? "new.open" : "new.join")}</span>
            </button>
          </li>
        ))}
      </ul>
      {found?.length === 0 && <p class="side-note">{t("new.noRooms", { q: text.trim() })}</p>}
    </Dialog>
  );
}
