// One conversation, as the sidebar and the search results list it.

import { useComputed } from "@preact/signals";
import { t } from "../i18n";
import { briefTime } from "../i18n/format";
import { draftOf } from "../model/drafts";
import { inDirectionOf, isDeletedName, lastLine, roomName } from "../model/labels";
import { online } from "../model/presence";
import { activeRoomId } from "../model/rooms";
import { me } from "../model/session";
import type { Conversation } from "../net/types";
import { Avatar, BotTag, Icon } from "./common";
import { showRoom } from "./router";

interface ConversationItemProps {
  conversation: Conversation;
  onDone?: () => void;
}

/** Computed signals redraw only the items that change, not the whole list at each key that is typed. */
export function ConversationItem({ conversation, onDone }: ConversationItemProps) {
  const { id, user_id, avatar, last_message, unread, mentions, notify, is_private } = conversation;
  const isActive = useComputed(() => activeRoomId.value === id).value;
  const draft = useComputed(() => (activeRoomId.value === id ? "" : draftOf(id).text)).value;
  const name = roomName(conversation);
  const isOnline = useComputed(() =>
    user_id === null || conversation.is_bot || isDeletedName(conversation.name)
      ? undefined
      : online.value.has(user_id),
  ).value;
  const at = last_message ? Date.parse(last_message.created_at) : null;
  const isMuted = notify !== "all";
  const classes = [
    "item",
    isActive && "is-active",
    unread > 0 && "is-unread",
    isMuted && `is-muted is-${notify}`,
  ];
  return (
    <a
      class={classes.filter(Boolean).join(" ")}
      href={`/chat?room=${id}`}
      data-room={id}
      aria-current={isActive ? "page" : undefined}
      onClick={(event) => {
        event.preventDefault();
        onDone?.();
        showRoom(id);
      }}
    >
      <Avatar name={name} src={avatar} isOnline={isOnline} isGroup={!is_private} />
      <span class="item-body">
        <span class="item-top">
          <bdi class="item-name">{name}</bdi>
          {conversation.is_bot && <BotTag />}
          {isMuted && <Mark icon="mute" label={t("list.muted")} />}
          {conversation.pinned && <Mark icon="pin" label={t("list.pinned")} />}
          {at !== null && <time class="item-time">{briefTime(at)}</time>}
        </span>
        <span class="item-bottom">
          <bdi class={`item-last ${draft ? "is-draft" : ""}`}>
            {draft
              ? inDirectionOf(draft, t("list.draft", { text: draft }))
              : lastLine(conversation, me.value?.id ?? 0)}
          </bdi>
          {mentions > 0 && (
            <span class="mention-badge">
              <span aria-hidden="true">{mentions > 1 ? `@${mentions}` : "@"}</span>
              <span class="sr">{t("list.mentioned")}</span>
            </span>
          )}
          {unread > 0 && (
            <span class="badge">
              <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
              <span class="sr">{t("list.unread", { n: unread })}</span>
            </span>
          )}
        </span>
      </span>
    </a>
  );
}

/** Its text is one of those that are loaded after the list. */
function Mark({ icon, label }: { icon: "mute" | "pin"; label: string }) {
  return (
    <>
      <Icon name={icon} size={15} />
      <span class="sr">{label}</span>
    </>
  );
}
