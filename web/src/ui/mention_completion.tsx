// The members of a room whose names begin like what is written behind an `@`.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { loadMembers } from "../model/members";
import { type Candidate, candidatesOf, EVERYONE, rankCandidates } from "../model/mentions";
import { isBot } from "../model/people";
import { conversations, type Room } from "../model/rooms";
import { me } from "../model/session";
import { api } from "../net/http";
import { BotTag, Icon, UserAvatar } from "./common";
import { CompletionList, type CompletionProps } from "./completion_list";

const MAX_OFFERED = 8;
/** Longer lists of members are read once. Names in others may have changed, which is not announced. */
const MAX_READ_AGAIN = 500;
const TYPING_PAUSE_MS = 150;

interface MentionCompletionProps extends CompletionProps {
  room: Room;
  typed: string;
  onPick: (name: string) => void;
}

export function MentionCompletion({ room, typed, onPick, ...field }: MentionCompletionProps) {
  const own = me.value?.id ?? 0;
  const isGlobal = conversations.value.get(room.id)?.room_id === "global";
  const found = useFoundUsers(isGlobal ? typed.trim() : "");
  useEffect(() => {
    const known = room.members.peek();
    if (!isGlobal && (!known || known.length <= MAX_READ_AGAIN)) void loadMembers(room);
  }, [room]);
  const recent = [...new Set(room.messages.value.map(({ user_id }) => user_id).reverse())];
  const members = isGlobal ? [...writers(room), ...found] : (room.members.value ?? []);
  const candidates = rankCandidates(candidatesOf(members, own, recent), typed, MAX_OFFERED);
  return (
    <CompletionList
      {...field}
      label={t("mention.title")}
      typed={typed}
      found={candidates}
      keyOf={({ id }) => id ?? EVERYONE}
      draw={(each) => <Offered {...each} />}
      onPick={({ name }) => onPick(name)}
    />
  );
}

function Offered({ id, name }: Candidate) {
  return (
    <span class="completion-user">
      {id === null ? (
        <span class="avatar avatar-s is-all">
          <Icon name="people" size={18} />
        </span>
      ) : (
        <UserAvatar id={id} name={name} size="s" />
      )}
      <bdi>{name}</bdi>
      {isBot(id) && <BotTag />}
      {id === null && <small>{t("mention.all")}</small>}
    </span>
  );
}

type Named = { user_id: number; username: string; role: "member" };
const named = (user_id: number, username: string): Named => ({ user_id, username, role: "member" });

/** The users who wrote the loaded messages of a room. */
function writers(room: Room): Named[] {
  const byId = new Map(room.messages.value.map(({ user_id, username }) => [user_id, username]));
  byId.delete(0);
  return [...byId].map(([id, username]) => named(id, username));
}

/** The users whom the server finds by a name, a moment after the last key: everybody is in the global room. */
function useFoundUsers(query: string): Named[] {
  const [found, setFound] = useState<Named[]>([]);
  useEffect(() => {
    setFound([]);
    if (!query) return;
    let isCurrent = true;
    const search = async () => {
      const users = await api.findUsers(query).catch(() => []);
      if (isCurrent) setFound(users.map(({ id, username }) => named(id, username)));
    };
    const timer = setTimeout(search, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}
