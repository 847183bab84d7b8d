// One conversation: title, history, what someone types, the composer.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { draftOf } from "../model/drafts";
import { loadMembers } from "../model/members";
import { online } from "../model/presence";
import { conversations, listState, type Room, roomOf } from "../model/rooms";
import { sendImage } from "../model/sending";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { refusal } from "../model/uploads";
import { preview, roomName } from "../model/words";
import type { Message } from "../net/types";
import { Composer } from "./composer";
import { later } from "./later";
import { Messages } from "./messages";
import { openRoom } from "./nav";
import { Avatar, Empty, Icon, IconButton } from "./parts";
import "../style/composer.css";
import "../style/message.css";
import "../style/pane.css";

const Members = later(() => import("./extras").then((it) => it.Members));

export function Pane({ id }: { id: number }) {
  const room = roomOf(id);
  const it = conversations.value.get(id);
  const [hasMembers, showMembers] = useState(false);
  const [replyTo, setReplyTo] = useState<number | null>(() => draftOf(id).replyTo);
  const isKnown = me.value !== null;
  const [isOver, setOver] = useState(false);
  const composer = useRef<HTMLTextAreaElement>(null);
  const isGroup = it?.kind === "group";
  // The drafts are known once it is known whose they are; before the composer keeps what it has.
  useLayoutEffect(() => {
    if (isKnown) setReplyTo((chosen) => chosen ?? draftOf(id).replyTo);
  }, [isKnown]);
  useEffect(() => {
    if (isGroup) void loadMembers(room);
  }, [isGroup]);

  if (!it && listState.value === "ready") {
    return (
      <main class="pane is-empty">
        <Empty icon="alert" title={t("room.gone")}>
          <button type="button" class="button" onClick={() => openRoom(null)}>
            {t("room.back")}
          </button>
        </Empty>
      </main>
    );
  }

  const take = (files: Iterable<File>) => {
    for (const file of files) {
      const problem = refusal(file);
      if (problem) showToast(t(problem));
      else sendImage(id, file);
    }
  };
  const reply = (message: Message) => {
    setReplyTo(message.id);
    composer.current?.focus();
  };
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
  const name = it ? roomName(it) : "";
  return (
    <>
      <main
        class="pane"
        onDragOver={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={(event) => {
          if (!(event.currentTarget as Node).contains(event.relatedTarget as Node)) setOver(false);
        }}
        onDrop={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          setOver(false);
          take(event.dataTransfer?.files ?? []);
        }}
      >
        <header class="pane-head">
          <IconButton icon="back" class="is-back" label={t("room.back")} onClick={() => openRoom(null)} />
          {it && (
            <Avatar
              name={name}
              isGroup={!it.is_private}
              isOnline={it.user_id === null ? undefined : online.value.has(it.user_id)}
            />
          )}
          <div class="pane-title">
            <h1>
              <bdi>{name}</bdi>
            </h1>
            <p>{it && <Subtitle room={room} />}</p>
          </div>
          {it && !it.is_private && (
            <IconButton
              icon="people"
              label={t("room.members")}
              aria-expanded={hasMembers}
              onClick={() => showMembers(!hasMembers)}
            />
          )}
        </header>
        <Messages room={room} onReply={reply} />
        <Typing room={room} />
        <Composer
          room={room}
          input={composer}
          replyTo={replyTo}
          onReplied={() => setReplyTo(null)}
          onFiles={take}
        />
        {/* Only what arrives while the conversation is open is read out. */}
        <div class="sr" role="log" aria-live="polite">
          {room.heard.value.map((message) => (
            <p key={message.id}>
              {message.username}: {preview(message)}
            </p>
          ))}
        </div>
        {isOver && (
          <div class="drop">
            <Icon name="image" size={32} />
            <p>{t("compose.drop")}</p>
          </div>
        )}
      </main>
      {hasMembers && it && <Members room={room} onClose={() => showMembers(false)} />}
    </>
  );
}

function Subtitle({ room }: { room: Room }) {
  const it = conversations.value.get(room.id);
  if (!it) return null;
  if (it.user_id !== null) return <>{t(online.value.has(it.user_id) ? "room.online" : "room.offline")}</>;
  const members = room.members.value;
  if (!members) return <>{t(it.kind === "group" ? "room.group" : "room.public")}</>;
  const here = members.filter((member) => online.value.has(member.user_id)).length;
  return (
    <>
      {t("room.memberCount", { n: members.length })} · {t("room.onlineCount", { n: here })}
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
