// What a search finds: conversations at once, then users, public rooms and messages from the server.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { errorWords, t } from "../i18n";
import { briefTime } from "../i18n/format";
import { join, openDirect } from "../model/members";
import { online } from "../model/presence";
import { active, conversations, sorted } from "../model/rooms";
import * as finding from "../model/search";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { preview, roomName } from "../model/words";
import { api } from "../net/http";
import type { FoundRoom, FoundUser } from "../net/types";
import { Item } from "./conversation_item";
import { openMessage, openRoom } from "./nav";
import { Avatar, Empty } from "./parts";

const PAUSE_MS = 250;

interface FoundAll {
  users: FoundUser[];
  rooms: FoundRoom[];
  messages: finding.FoundMessage[];
  isBusy: boolean;
}

const NOTHING: FoundAll = { users: [], rooms: [], messages: [], isBusy: true };

/** Looks for a text. Messages are looked for in the first `most` rooms. */
function useSearch(query: string, most: number): FoundAll {
  const [found, setFound] = useState<FoundAll>(NOTHING);
  useEffect(() => {
    let isCurrent = true;
    const put = (part: Partial<FoundAll>) => isCurrent && setFound((known) => ({ ...known, ...part }));
    const search = async () => {
      const [users, rooms] = await Promise.all([
        api.findUsers(query).catch(() => []),
        api.findRooms(query).catch(() => []),
      ]);
      put({ users, rooms });
      const order = finding.searchOrder(sorted.peek(), active.peek()).slice(0, most);
      const messages: finding.FoundMessage[] = [];
      const take = (some: finding.FoundMessage[]) => {
        messages.push(...some);
        put({ messages: [...messages] });
      };
      await finding.findMessages(order, query, () => isCurrent, take);
      put({ messages, isBusy: false });
    };
    put({ isBusy: true });
    const timer = setTimeout(search, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query, most]);
  return found;
}

export function Found({ query, onDone }: { query: string; onDone: () => void }) {
  const [most, setMost] = useState(finding.ROOMS_AT_ONCE);
  const found = useSearch(query, most);
  const list = sorted.value;
  const own = finding.matching(list, query);
  const users = finding.strangers(found.users, list, me.value?.id ?? 0);
  const rooms = finding.unjoined(found.rooms, list);
  const hasMore = finding.searchOrder(list, null).length > most;
  const isEmpty = own.length + users.length + rooms.length + found.messages.length === 0;

  /** Opens what an action leads to. */
  const enter = async (action: Promise<number>) => {
    try {
      const room = await action;
      onDone();
      openRoom(room);
    } catch (error) {
      showToast(errorWords(error));
    }
  };
  return (
    <div aria-busy={found.isBusy}>
      {isEmpty && !found.isBusy && (
        <Empty icon="search" title={t("search.none", { q: query })} hint={t("search.noneHint")} />
      )}
      <Section title={t("search.chats")}>
        {own.map((it) => (
          <li key={it.id}>
            <Item it={it} onDone={onDone} />
          </li>
        ))}
      </Section>
      <Section title={t("search.users")}>
        {users.map((user) => (
          <li key={user.id}>
            <button type="button" class="item is-line" onClick={() => enter(openDirect(user.username))}>
              <Avatar name={user.username} isOnline={online.value.has(user.id)} />
              <bdi class="item-name">{user.username}</bdi>
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
              onClick={() => enter(join(room.id).then(() => room.id))}
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
            <FoundLine message={message} query={query} />
          </li>
        ))}
      </Section>
      {found.isBusy ? (
        <p class="side-note" role="status">
          {t("search.busy")}
        </p>
      ) : (
        hasMore && (
          <p class="side-note">
            <button type="button" class="link" onClick={() => setMost(most + 4 * finding.ROOMS_AT_ONCE)}>
              {t("search.more")}
            </button>
          </p>
        )
      )}
    </div>
  );
}

function FoundLine({ message, query }: { message: finding.FoundMessage; query: string }) {
  const room = conversations.value.get(message.room_id);
  const [before, match, after] = finding.marked(preview(message), query);
  const where = room && !room.is_private ? ` · ${roomName(room)}` : "";
  return (
    <button type="button" class="item" onClick={() => openMessage(message.room_id, message.id)}>
      <Avatar name={message.username} />
      <span class="item-body">
        <span class="item-top">
          <bdi class="item-name">
            {message.username}
            <span class="item-where">{where}</span>
          </bdi>
          <time class="item-time">{briefTime(Date.parse(message.created_at))}</time>
        </span>
        <bdi class="item-last">
          {before}
          <mark>{match}</mark>
          {after}
        </bdi>
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
