// One conversation: its title, its history, who is typing, the composer.

import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { returns } from "../model/attention";
import { blocked } from "../model/blocks";
import { draftOf, watchDraft } from "../model/drafts";
import { announcement, isDeletedName, roomName } from "../model/labels";
import { loadMembers } from "../model/members";
import { isBot, wantCard } from "../model/people";
import { online } from "../model/presence";
import { restoredRooms } from "../model/restored";
import { conversations, countedUnread, listState, type Room, roomOf, unreadTotal } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { addWaiting, MAX_WAITING } from "../model/tray";
import { rejectionOf } from "../model/uploads";
import type { Conversation, Message } from "../net/types";
import { plainText } from "../worker/plain";
import { BlockButton } from "./block_button";
import { Avatar, Icon, IconButton, useCard } from "./common";
import { Composer } from "./composer";
import { useGone } from "./gone";
import { lazy } from "./lazy";
import { UserCard } from "./lazy_user_card";
import { MessageList } from "./message_list";
import { PersonButton } from "./person_button";
import { PinnedBar } from "./pinned_bar";
import { navigate, query, showRoom } from "./router";
import { Unavailable } from "./unavailable";
import "./steady_clicks";
import "../style/composer.css";
import "../style/message.css";
import "../style/conversation_pane.css";

const Members = lazy(() => import("./lazy_components").then((module) => module.Members));

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");

// A file that is dropped elsewhere must not replace the page, which has files that wait to be sent.
for (const type of ["dragover", "drop"] as const) {
  addEventListener(type, (event) => {
    if (!hasFiles(event) || event.defaultPrevented || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  });
}

export function ConversationPane({ id }: { id: number }) {
  const room = roomOf(id);
  const conversation = conversations.value.get(id);
  const [hasMembers, showMembers] = useState(false);
  const [replyTo, setReplyTo] = useState<number | null>(() => draftOf(id).replyTo);
  const isKnown = me.value !== null;
  const [isDragging, setDragging] = useState(false);
  const composer = useRef<HTMLTextAreaElement>(null);
  const head = useRef<HTMLElement>(null);
  const isGroup = conversation?.kind === "group";
  // Drafts are known once the user is known. A reply that was chosen before stays.
  useLayoutEffect(() => {
    if (isKnown) setReplyTo((chosen) => chosen ?? draftOf(id).replyTo);
  }, [isKnown]);
  useEffect(() => watchDraft(id, (draft) => setReplyTo(draft.replyTo)), [id]);
  useEffect(() => {
    if (isGroup) void loadMembers(room);
  }, [isGroup]);

  useGone(conversation);

  if (!conversation && listState.value === "ready") return <Unavailable id={id} />;

  const addFiles = (files: Iterable<File>) => {
    const pictures: File[] = [];
    for (const file of files) {
      const rejection = rejectionOf(file);
      if (rejection) showToast(t(rejection));
      else pictures.push(file);
    }
    if (!addWaiting(id, pictures)) showToast(t("tray.full", { n: MAX_WAITING }));
    composer.current?.focus();
  };
  const reply = (message: Message) => {
    setReplyTo(message.id);
    composer.current?.focus();
  };
  /** Gives the focus back to the button of the panel if it was inside. */
  const closeMembers = () => {
    const isInside = document.activeElement?.closest(".members");
    showMembers(false);
    if (isInside) head.current?.querySelector<HTMLElement>(".is-members")?.focus();
  };
  const isSearching = query.value.search !== undefined;
  const hasPanel = hasMembers && !isSearching;
  /** Its code is needed when the panel is opened. */
  const search = async () => {
    const { closeSearch, openSearch } = await import("./lazy_components");
    if (isSearching) closeSearch();
    else openSearch({ room: id });
  };
  const name = conversation ? roomName(conversation) : "";
  const isDeleted = conversation?.user_id != null && isDeletedName(conversation.name);
  return (
    <>
      <main
        class="pane"
        onDragOver={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          setDragging(true);
        }}
        onDragLeave={(event) => {
          if (!(event.currentTarget as Node).contains(event.relatedTarget as Node)) setDragging(false);
        }}
        onDrop={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          setDragging(false);
          addFiles(event.dataTransfer?.files ?? []);
        }}
      >
        <header class="pane-head" ref={head}>
          <BackButton id={id} />
          {conversation && <HeadAvatar conversation={conversation} />}
          <div class="pane-title">
            <h1>
              <bdi>{name}</bdi>
            </h1>
            <p>{conversation && <Subtitle room={room} />}</p>
          </div>
          {conversation && (
            <IconButton
              icon="search"
              class="is-search"
              label={t("find.here")}
              aria-expanded={isSearching}
              onClick={() => void search().catch(() => {})}
            />
          )}
          {conversation?.user_id != null && !isDeleted && (
            <BlockButton userId={conversation.user_id} name={name} />
          )}
          {conversation && !conversation.is_private && (
            <IconButton
              icon="people"
              label={t("room.members")}
              aria-expanded={hasPanel}
              class="is-members"
              onClick={() => {
                showMembers(!hasPanel);
                // There is room for one panel.
                if (isSearching) showRoom(id);
              }}
            />
          )}
        </header>
        <PinnedBar room={room} />
        <MessageList room={room} onReply={reply} />
        {restoredRooms.value.has(id) && (
          <p class="pane-note" role="status">
            {t("room.kept")}
          </p>
        )}
        <Typing room={room} />
        {isDeleted ? (
          <p class="pane-note">{t("room.deletedUser")}</p>
        ) : (
          <Composer
            room={room}
            input={composer}
            replyTo={replyTo}
            onReplyDone={() => setReplyTo(null)}
            onFiles={addFiles}
          />
        )}
        {/* Screen readers announce the messages that arrive while the conversation is open. */}
        <div class="sr" role="log" aria-live="polite">
          {room.announced.value.map((message) => (
            <p key={message.id}>{announcement(message)}</p>
          ))}
        </div>
        {isDragging && (
          <div class="drop">
            <Icon name="image" size={32} />
            <p>{t("compose.drop")}</p>
          </div>
        )}
      </main>
      {hasPanel && conversation && <Members room={room} onClose={closeMembers} />}
    </>
  );
}

/** On a phone the list is hidden, so that the button tells what is unread there. What was searched for leads back to the search. */
function BackButton({ id }: { id: number }) {
  const unread = useComputed(() => {
    const own = conversations.value.get(id);
    return unreadTotal.value - (own ? countedUnread(own) : 0);
  }).value;
  const isFound = query.value.found !== undefined;
  const back = t(isFound ? "find.back" : "room.back");
  const label = unread > 0 ? `${back}, ${t("list.unread", { n: unread })}` : back;
  return (
    <button
      type="button"
      class={`icon-button is-back ${isFound ? "is-found" : ""}`}
      aria-label={label}
      title={label}
      onClick={() => (isFound ? navigate(`/chat?room=${id}&search=1`) : showRoom(null))}
    >
      <Icon name="back" />
      {unread > 0 && (
        <span class="badge">
          <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
        </span>
      )}
    </button>
  );
}

function HeadAvatar({ conversation }: { conversation: Conversation }) {
  const { user_id, avatar, is_private } = conversation;
  const card = useCard(user_id);
  // What others change is not announced: it is read again when the user comes back to the window.
  useEffect(() => void (user_id && wantCard(user_id)), [user_id, returns.value]);
  const name = roomName(conversation);
  const src = card?.avatar ?? avatar;
  if (user_id === null) return <Avatar name={name} src={src} isGroup={!is_private} />;
  const hasPresence = !isDeletedName(conversation.name) && !conversation.is_bot && !isBot(user_id);
  return (
    <PersonButton Card={UserCard} id={user_id} name={name} isTabStop>
      <Avatar name={name} src={src} isOnline={hasPresence ? online.value.has(user_id) : undefined} />
    </PersonButton>
  );
}

function Subtitle({ room }: { room: Room }) {
  const conversation = conversations.value.get(room.id);
  const card = useCard(conversation?.user_id ?? null);
  if (!conversation) return null;
  const { user_id, kind } = conversation;
  if (user_id !== null) {
    if (blocked.value?.has(user_id)) return <>{t("block.state")}</>;
    if (isDeletedName(conversation.name)) return null;
    const hasPresence = !conversation.is_bot && !isBot(user_id);
    const presence = hasPresence
      ? t(online.value.has(user_id) ? "room.online" : "room.offline")
      : t("user.bot");
    if (!card?.status_text) return <>{presence}</>;
    return (
      <>
        {presence} · <bdi>{plainText(card.status_text)}</bdi>
      </>
    );
  }
  const members = room.members.value;
  if (!members) return <>{t(kind === "group" ? "room.group" : "room.public")}</>;
  const onlineCount = members.filter(({ user_id }) => online.value.has(user_id) && !isBot(user_id)).length;
  return (
    <>
      {t("room.memberCount", { n: members.length })} · {t("room.onlineCount", { n: onlineCount })}
    </>
  );
}

function Typing({ room }: { room: Room }) {
  const [first, second, third] = room.typing.value;
  let text = "";
  if (third) text = t("typing.many");
  else if (first && second) text = t("typing.two", { a: first.name, b: second.name });
  else if (first) text = t("typing.one", { a: first.name });
  return (
    <p class="typing" aria-live="off">
      {text && (
        <>
          <span class="typing-dots">
            <i />
            <i />
            <i />
          </span>
          <bdi>{text}</bdi>
        </>
      )}
    </p>
  );
}
