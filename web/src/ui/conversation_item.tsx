// One conversation, as the sidebar and the search results list it.

import { useComputed } from "@preact/signals";
import { t } from "../i18n";
import { briefTime } from "../i18n/format";
import { draftOf } from "../model/drafts";
import { online } from "../model/presence";
import { active } from "../model/rooms";
import { me } from "../model/session";
import { lastLine, roomName } from "../model/words";
import type { Conversation } from "../net/types";
import { openRoom } from "./nav";
import { Avatar } from "./parts";

/** Only the rows are drawn anew for which something changed, not all of them at each key that is typed. */
export function Item({ it, onDone }: { it: Conversation; onDone?: () => void }) {
  const isActive = useComputed(() => active.value === it.id).value;
  const draft = useComputed(() => (active.value === it.id ? "" : draftOf(it.id).text)).value;
  const name = roomName(it);
  const isOnline = useComputed(() => (it.user_id === null ? undefined : online.value.has(it.user_id))).value;
  const at = it.last_message ? Date.parse(it.last_message.created_at) : null;
  return (
    <a
      class={`item ${isActive ? "is-active" : ""} ${it.unread > 0 ? "is-unread" : ""}`}
      href={`/chat?room=${it.id}`}
      aria-current={isActive ? "page" : undefined}
      onClick={(event) => {
        event.preventDefault();
        onDone?.();
        openRoom(it.id);
      }}
    >
      <Avatar name={name} isOnline={isOnline} isGroup={!it.is_private} />
      <span class="item-body">
        <span class="item-top">
          <bdi class="item-name">{name}</bdi>
          {at !== null && <time class="item-time">{briefTime(at)}</time>}
        </span>
        <span class="item-bottom">
          <bdi class={`item-last ${draft ? "is-draft" : ""}`}>
            {draft ? t("list.draft", { text: draft }) : lastLine(it, me.value?.id ?? 0)}
          </bdi>
          {it.unread > 0 && (
            <span class="badge">
              <span aria-hidden="true">{it.unread > 99 ? "99+" : it.unread}</span>
              <span class="sr">{t("list.unread", { n: it.unread })}</span>
            </span>
          )}
        </span>
      </span>
    </a>
  );
}
