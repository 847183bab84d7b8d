// The filters of a search for messages: sender, conversation, content, day.

import { useId, useState } from "preact/hooks";
import { t } from "../i18n";
import { roomName } from "../model/labels";
import { filters, setFilters } from "../model/message_search";
import { isBot } from "../model/people";
import { sortedConversations } from "../model/rooms";
import { me } from "../model/session";
import { api } from "../net/http";
import type { Has } from "../net/search";
import type { UserRef } from "../net/types";
import { BotTag, IconButton, UserAvatar } from "./common";
import { Dialog } from "./dialog";
import { SearchList } from "./search_field";

const KINDS: Has[] = ["picture", "file", "link"];

export function SearchFilters() {
  const id = useId();
  const { from, room, has, before } = filters.value;
  const [isPicking, setPicking] = useState(false);
  return (
    <div class="finder-filters">
      <div class="finder-filter">
        <span id={`${id}-from`}>{t("find.from")}</span>
        <span class="finder-box">
          <button
            type="button"
            class="finder-pick"
            id={`${id}-from-button`}
            aria-labelledby={`${id}-from ${id}-from-button`}
            onClick={() => setPicking(true)}
          >
            <bdi>{from?.username ?? t("find.anyone")}</bdi>
          </button>
          {from && (
            <IconButton
              icon="close"
              size={16}
              label={t("find.clearFrom")}
              onClick={() => setFilters({ from: null })}
            />
          )}
        </span>
      </div>
      <div class="finder-filter">
        <label for={`${id}-in`}>{t("find.in")}</label>
        <select
          id={`${id}-in`}
          value={room === null ? "" : String(room)}
          onChange={({ currentTarget: { value } }) => setFilters({ room: value ? Number(value) : null })}
        >
          <option value="">{t("find.everywhere")}</option>
          {sortedConversations.value.map((conversation) => (
            <option value={String(conversation.id)} key={conversation.id}>
              {roomName(conversation)}
            </option>
          ))}
        </select>
      </div>
      <div class="finder-filter">
        <label for={`${id}-has`}>{t("find.has")}</label>
        <select
          id={`${id}-has`}
          value={has ?? ""}
          onChange={({ currentTarget: { value } }) =>
            setFilters({ has: KINDS.find((kind) => kind === value) ?? null })
          }
        >
          <option value="">{t("find.anything")}</option>
          {KINDS.map((kind) => (
            <option value={kind} key={kind}>
              {t(`find.${kind}`)}
            </option>
          ))}
        </select>
      </div>
      <div class="finder-filter">
        <label for={`${id}-before`}>{t("find.before")}</label>
        <input
          id={`${id}-before`}
          type="date"
          value={before}
          onInput={({ currentTarget: { value } }) => setFilters({ before: value })}
        />
      </div>
      {isPicking && (
        <PickPerson
          onPick={(user) => {
            setPicking(false);
            setFilters({ from: user });
          }}
          onClose={() => setPicking(false)}
        />
      )}
    </div>
  );
}

interface PickPersonProps {
  onPick: (user: UserRef) => void;
  onClose: () => void;
}

function PickPerson({ onPick, onClose }: PickPersonProps) {
  const own = me.value;
  return (
    <Dialog title={t("find.fromTitle")} onClose={onClose}>
      {own && (
        <button type="button" class="item is-line" onClick={() => onPick(own)}>
          <UserAvatar id={own.id} name={own.username} size="s" />
          <bdi class="item-name">{own.username}</bdi>
          <span class="tag">{t("members.you")}</span>
        </button>
      )}
      <SearchList<UserRef>
        label={t("new.chatHint")}
        find={api.findUsers}
        isListed={(user) => user.id !== own?.id}
        onPick={onPick}
        draw={(user) => (
          <>
            <UserAvatar id={user.id} name={user.username} size="s" />
            <bdi class="item-name">{user.username}</bdi>
            {isBot(user.id) && <BotTag />}
          </>
        )}
        none={(query) => t("new.noUsers", { q: query })}
        class="dialog-list"
      />
    </Dialog>
  );
}
