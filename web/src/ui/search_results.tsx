// The results of a search: matching conversations at once, then users, public rooms and messages from the server.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { briefTime } from "../i18n/format";
import { personName, preview, roomName } from "../model/labels";
import { joinRoom, openDirect } from "../model/members";
import { isBot } from "../model/people";
import { online } from "../model/presence";
import { conversations, sortedConversations } from "../model/rooms";
import { matchingConversations, patiently, unjoined, withoutConversation } from "../model/search";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import { findMessages } from "../net/search";
import type { FoundRoom, RoomMessage, UserRef } from "../net/types";
import { Avatar, BotTag, Empty, UserAvatar } from "./common";
import { ConversationItem } from "./conversation_item";
import { showRoom } from "./router";
import { openSearch } from "./search_page";
import { Marked } from "./search_panel";
import { showMessage } from "./target";

const TYPING_PAUSE_MS = 250;
/** Maximum number of messages listed here; the panel lists all. */
const MAX_MESSAGES = 8;

interface Results {
  /** The query that users and rooms were found for. */
  query: string;
  users: UserRef[];
  rooms: FoundRoom[];
  messages: RoomMessage[];
  isBusy: boolean;
}

const NOTHING: Results = { query: "", users: [], rooms: [], messages: [], isBusy: true };

function useSearch(query: string): Results {
  const [found, setFound] = useState<Results>(NOTHING);
  useEffect(() => {
    let isCurrent = true;
    const isWanted = () => isCurrent;
    const update = (part: Partial<Results>) => isCurrent && setFound((known) => ({ ...known, ...part }));
    const findSome = async () => (await findMessages({ q: query }, MAX_MESSAGES)).messages;
    const search = async () => {
      const [users, rooms] = await Promise.all([
        patiently(() => api.findUsers(query), isWanted),
        patiently(() => api.findRooms(query), isWanted),
      ]);
      update({ query, users, rooms });
      update({ messages: await patiently(findSome, isWanted), isBusy: false });
    };
    update({ isBusy: true });
    const timer = setTimeout(search, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}

interface SearchResultsProps {
  query: string;
  /** Whether to open the first result as soon as it is known. */
  opensFirst: boolean;
  onOpened: () => void;
  onDone: () => void;
}

export function SearchResults({ query, opensFirst, onOpened, onDone }: SearchResultsProps) {
  const found = useSearch(query);
  const list = sortedConversations.value;
  const own = matchingConversations(list, query);
  const users = withoutConversation(found.users, list, me.value?.id ?? 0);
  const rooms = unjoined(found.rooms, list);
  const isEmpty = own.length + users.length + rooms.length + found.messages.length === 0;

  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Conversations are known at once, and are the first. Results of an earlier query do not count.
    const hasServers = found.query === query && users.length + rooms.length > 0;
    if (!opensFirst || !(own.length > 0 || hasServers || !found.isBusy)) return;
    onOpened();
    box.current?.querySelector<HTMLElement>(".item")?.click();
  });

  /** Shows the room that an action opens. */
  const enter = async (action: Promise<number>) => {
    try {
      const room = await action;
      onDone();
      showRoom(room);
    } catch (error) {
      showToast(errorText(error));
    }
  };
  return (
    <div ref={box} aria-busy={found.isBusy}>
      {isEmpty && !found.isBusy && (
        <Empty icon="search" title={t("search.none", { q: query })} hint={t("search.noneHint")} />
      )}
      <Section title={t("search.chats")}>
        {own.map((conversation) => (
          <li key={conversation.id}>
            <ConversationItem conversation={conversation} onDone={onDone} />
          </li>
        ))}
      </Section>
      <Section title={t("search.users")}>
        {users.map((user) => (
          <li key={user.id}>
            <button type="button" class="item is-line" onClick={() => enter(openDirect(user.username))}>
              <UserAvatar id={user.id} name={user.username} isOnline={online.value.has(user.id)} />
              <bdi class="item-name">{user.username}</bdi>
              {isBot(user.id) && <BotTag />}
            </button>
          </li>
        ))}
      </Section>
      <Section title={t("search.rooms")}>
        {rooms.map((room) => (
          <li key={room.id}>
            <button
              type="button"
              class="item is-line"
              onClick={() => enter(joinRoom(room.id).then(() => room.id))}
            >
              <Avatar name={room.name} isGroup />
              <bdi class="item-name">{roomName(room)}</bdi>
              <span class="tag">{t("new.join")}</span>
            </button>
          </li>
        ))}
      </Section>
      <Section title={t("search.messages")}>
        {found.messages.map((message) => (
          <li key={message.id}>
            <MessageResult message={message} query={query} />
          </li>
        ))}
      </Section>
      {found.isBusy && (
        <p class="side-note" role="status">
          {t("search.busy")}
        </p>
      )}
      <p class="side-note">
        <button type="button" class="link" onClick={() => openSearch({ text: query })}>
          {t("search.all", { q: query })}
        </button>
      </p>
    </div>
  );
}

function MessageResult({ message, query }: { message: RoomMessage; query: string }) {
  const room = conversations.value.get(message.room_id);
  const where = room && !room.is_private ? ` · ${roomName(room)}` : "";
  return (
    <button type="button" class="item" onClick={() => showMessage(message.room_id, message.id)}>
      <UserAvatar id={message.user_id} name={personName(message.username)} />
      <span class="item-body">
        <span class="item-top">
          <bdi class="item-name">
            {personName(message.username)}
            <span class="item-where">{where}</span>
          </bdi>
          <time class="item-time">{briefTime(Date.parse(message.created_at))}</time>
        </span>
        <span class="item-bottom">
          <bdi class="item-last">
            <Marked text={preview(message)} wanted={query} />
          </bdi>
        </span>
      </span>
    </button>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren[] }) {
  if (children.length === 0) return null;
  return (
    <section>
      <h2 class="side-title">{title}</h2>
      <ul class="items">{children}</ul>
    </section>
  );
}
