// Searching: conversations at once, then users, public rooms, messages, as the server finds them.

import { useEffect, useState } from "preact/hooks";
import { briefTime, errorWords, t } from "../i18n";
import { active, conversations, join, online, say, sorted } from "../model/chat";
import { me } from "../model/session";
import { preview, roomName } from "../model/words";
import { api } from "../net/http";
import type { FoundRoom, FoundUser, Message } from "../net/types";
import { openDirect } from "./dialogs";
import { Item } from "./list";
import { jumpTo } from "./messages";
import { openRoom } from "./nav";
import { Avatar, Empty } from "./parts";

/** Messages are looked for in this many conversations. */
const SEARCHED_ROOMS = 12;
const PAUSE_MS = 250;

interface FoundAll {
  query: string;
  users: FoundUser[];
  rooms: FoundRoom[];
  messages: (Message & { room_id: number })[];
  isBusy: boolean;
}

const NOTHING: FoundAll = { query: "", users: [], rooms: [], messages: [], isBusy: false };

function useSearch(query: string): FoundAll {
  const [found, setFound] = useState<FoundAll>(NOTHING);
  useEffect(() => {
    let isCurrent = true;
    const put = (part: Partial<FoundAll>) => isCurrent && setFound((known) => ({ ...known, ...part }));
    setFound((known) => ({ ...known, query, isBusy: true }));
    const timer = setTimeout(async () => {
      const [users, rooms] = await Promise.all([
        api.findUsers(query).catch(() => []),
        api.findRooms(query).catch(() => []),
      ]);
      put({ users: users.filter((it) => it.id !== me.peek()?.id), rooms });
      const known = sorted.peek().map((it) => it.id);
      const first = active.peek();
      const order = first === null ? known : [first, ...known.filter((id) => id !== first)];
      const messages: FoundAll["messages"] = [];
      for (const id of order.slice(0, SEARCHED_ROOMS)) {
        if (!isCurrent) return;
        messages.push(...(await api.findMessages(id, query).catch(() => [])));
        put({ messages: [...messages] });
      }
      put({ messages, isBusy: false });
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}

export function Found({ query, onDone }: { query: string; onDone: () => void }) {
  const found = useSearch(query);
  const needle = query.toLocaleLowerCase();
  const own = sorted.value.filter((it) => roomName(it).toLocaleLowerCase().includes(needle));
  const rooms = found.rooms.filter((room) => !conversations.value.has(room.id));
  const isEmpty = own.length + found.users.length + rooms.length + found.messages.length === 0;
  if (isEmpty && !found.isBusy && found.query === query) {
    return <Empty icon="search" title={t("search.none", { q: query })} />;
  }
  return (
    <div aria-busy={found.isBusy}>
      {own.length > 0 && (
        <Section title={t("search.chats")}>
          {own.map((it) => (
            <li key={it.id}>
              <Item it={it} onDone={onDone} />
            </li>
          ))}
        </Section>
      )}
      {found.users.length > 0 && (
        <Section title={t("search.users")}>
          {found.users.map((user) => (
            <li key={user.id}>
              <button
                type="button"
                class="item is-line"
                onClick={async () => {
                  const room = await openDirect(user.username);
                  if (room === null) return;
                  onDone();
                  openRoom(room);
                }}
              >
                <Avatar name={user.username} isOnline={online.value.has(user.id)} />
                <bdi class="item-name">{user.username}</bdi>
              </button>
            </li>
          ))}
        </Section>
      )}
      {rooms.length > 0 && (
        <Section title={t("search.rooms")}>
          {rooms.map((room) => (
            <li key={room.id}>
              <button
                type="button"
                class="item is-line"
                onClick={async () => {
                  try {
                    await join(room.id);
                    onDone();
                    openRoom(room.id);
                  } catch (error) {
                    say(errorWords(error));
                  }
                }}
              >
                <Avatar name={room.name} isGroup />
                <bdi class="item-name">{roomName(room)}</bdi>
                <span class="tag">{t("new.join")}</span>
              </button>
            </li>
          ))}
        </Section>
      )}
      {found.messages.length > 0 && (
        <Section title={t("search.messages")}>
          {found.messages.map((message) => {
            const room = conversations.value.get(message.room_id);
            return (
              <li key={message.id}>
                <button
                  type="button"
                  class="item is-message"
                  onClick={() => {
                    openRoom(message.room_id);
                    jumpTo(message.room_id, message.id);
                  }}
                >
                  <Avatar name={message.username} />
                  <span class="item-body">
                    <span class="item-top">
                      <bdi class="item-name">{message.username}</bdi>
                      <time class="item-time">{briefTime(Date.parse(message.created_at))}</time>
                    </span>
                    <bdi class="item-last">
                      <Marked text={preview(message)} needle={query} />
                    </bdi>
                    <bdi class="item-where">{room ? roomName(room) : ""}</bdi>
                  </span>
                </button>
              </li>
            );
          })}
        </Section>
      )}
      {found.isBusy && <p class="side-note">{t("search.busy")}</p>}
    </div>
  );
}

function Section({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <section>
      <h2 class="side-title">{title}</h2>
      <ul class="items">{children}</ul>
    </section>
  );
}

/** The text around what was looked for, with it marked. */
function Marked({ text, needle }: { text: string; needle: string }) {
  const at = text.toLocaleLowerCase().indexOf(needle.toLocaleLowerCase());
  if (at < 0) return <>{text}</>;
  const from = Math.max(0, at - 24);
  return (
    <>
      {from > 0 && "…"}
      {text.slice(from, at)}
      <mark>{text.slice(at, at + needle.length)}</mark>
      {text.slice(at + needle.length)}
    </>
  );
}
