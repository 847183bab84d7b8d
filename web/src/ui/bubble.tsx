// One message. Whatever users wrote is text to the page, never markup.

import { useState } from "preact/hooks";
import { errorWords, fullTime, sizeText, t, timeText } from "../i18n";
import {
  connection,
  conversations,
  online,
  type Room,
  remove,
  retry,
  retryUpload,
  say,
  tickOf,
} from "../model/chat";
import { discard, discardUpload } from "../model/discard";
import type { Pending } from "../model/outbox";
import { me } from "../model/session";
import { httpUrl, hue, pieces } from "../model/timeline";
import type { Uploading } from "../model/uploads";
import { preview } from "../model/words";
import type { Message } from "../net/types";
import { later } from "./later";
import { Avatar, Icon, IconButton } from "./parts";

const Confirm = later(() => import("./extras").then((it) => it.Confirm));
const Lightbox = later(() => import("./extras").then((it) => it.Lightbox));
const Details = later(() => import("./extras").then((it) => it.Details));

export type Waiting = { kind: "pending"; pending: Pending } | { kind: "upload"; upload: Uploading };

interface BubbleProps {
  room: Room;
  isHead: boolean;
  onReply: (message: Message) => void;
  message?: Message;
  waiting?: Waiting;
  isFlashed?: boolean;
  onJump?: (id: number) => void;
}

export function Bubble({ room, message, waiting, isHead, isFlashed, onReply, onJump }: BubbleProps) {
  const own = me.value;
  const isOwn = message ? message.user_id === own?.id : true;
  const name = message?.username ?? own?.username ?? "";
  const isPrivate = conversations.value.get(room.id)?.is_private;
  const at = message ? Date.parse(message.created_at) : waitingAt(waiting);
  const replyTo = message?.reply_to ?? (waiting?.kind === "pending" ? waiting.pending.replyTo : null);
  const classes = [
    "row",
    isOwn ? "is-own" : "is-other",
    isHead ? "is-head" : "",
    isFlashed ? "is-flashed" : "",
    isFailed(waiting) ? "is-failed" : "",
  ];
  return (
    <article
      class={classes.join(" ")}
      data-row
      data-id={message?.id}
      tabIndex={-1}
      aria-label={`${isOwn ? t("msg.you") : name}, ${fullTime(at)}`}
    >
      {!isOwn && (
        <span class="row-avatar">
          {isHead && <Avatar name={name} size="s" isOnline={isPrivate ? undefined : dot(message)} />}
        </span>
      )}
      <div class="row-main">
        {isHead && !isOwn && !isPrivate && (
          <bdi class="row-name" style={{ "--hue": String(hue(name)) }}>
            {name}
          </bdi>
        )}
        <div class={`bubble ${isPicture(message, waiting) ? "has-picture" : ""}`}>
          {replyTo !== null && <Quote room={room} id={replyTo} onJump={onJump} />}
          {message && <Body message={message} />}
          {waiting?.kind === "pending" && <PendingBody pending={waiting.pending} />}
          {waiting?.kind === "upload" && <UploadBody upload={waiting.upload} />}
          <span class="meta">
            <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
              {timeText(at)}
            </time>
            {isOwn && message && !isPublicLobby(room) && <Tick room={room} message={message} />}
            {waiting && !isFailed(waiting) && <Clock waiting={waiting} />}
          </span>
        </div>
        {isFailed(waiting) && waiting && <Failed room={room} waiting={waiting} />}
        {message && <Actions room={room} message={message} isOwn={isOwn} onReply={onReply} />}
      </div>
    </article>
  );
}

function waitingAt(waiting: Waiting | undefined): number {
  if (!waiting) return 0;
  return waiting.kind === "pending" ? waiting.pending.at : waiting.upload.at;
}

function isFailed(waiting: Waiting | undefined): boolean {
  if (waiting?.kind === "pending") return waiting.pending.state === "failed";
  return waiting?.kind === "upload" && waiting.upload.error !== null;
}

const isPicture = (message?: Message, waiting?: Waiting) =>
  message?.message_type === "image" ||
  waiting?.kind === "upload" ||
  (waiting?.kind === "pending" && waiting.pending.isImage);

const isPublicLobby = (room: Room) => conversations.value.get(room.id)?.room_id === "global";

const dot = (message?: Message) => (message && online.value.has(message.user_id) ? true : undefined);

/** A reader hears and sees three states; the shapes differ, not only the colour. */
function Tick({ room, message }: { room: Room; message: Message }) {
  const state = tickOf(room, message);
  const label = t(`msg.${state}`);
  return (
    <span class={`tick is-${state}`} title={label} data-state={state}>
      <Icon name={state === "sent" ? "check" : "checks"} size={16} />
      <span class="sr">{label}</span>
    </span>
  );
}

function Clock({ waiting }: { waiting: Waiting }) {
  const isOffline = connection.status.value !== "open";
  const isSent = waiting.kind === "pending" && waiting.pending.state === "sent";
  const label = t(isSent ? "msg.sent" : isOffline ? "msg.waiting" : "msg.sending");
  return (
    <span class="tick" title={label} data-state={isSent ? "sent" : "sending"}>
      <Icon name={isSent ? "check" : "clock"} size={14} />
      <span class="sr">{label}</span>
    </span>
  );
}

function Failed({ room, waiting }: { room: Room; waiting: Waiting }) {
  const id = waiting.kind === "pending" ? waiting.pending.clientId : waiting.upload.clientId;
  const error = waiting.kind === "pending" ? waiting.pending.error : waiting.upload.error;
  return (
    <p class="failed" role="alert">
      <Icon name="alert" size={16} /> {t("msg.failed")}
      {error && `: ${errorWords(error)}`}
      <button
        type="button"
        class="link"
        onClick={() => (waiting.kind === "pending" ? retry(id) : retryUpload(room.id, id))}
      >
        {t("msg.retry")}
      </button>
      <button
        type="button"
        class="link"
        onClick={() => (waiting.kind === "pending" ? discard(id) : discardUpload(id))}
      >
        {t("msg.discard")}
      </button>
    </p>
  );
}

function Quote({ room, id, onJump }: { room: Room; id: number; onJump?: (id: number) => void }) {
  const source = room.messages.value.find((it) => it.id === id);
  const isGone = !source && !room.hasOlder.value;
  return (
    <button type="button" class="quote" disabled={isGone} onClick={() => onJump?.(id)}>
      {source && <bdi class="quote-name">{source.username}</bdi>}
      <bdi class="quote-text">{source ? preview(source) : t(isGone ? "msg.goneQuote" : "msg.reply")}</bdi>
    </button>
  );
}

export function Body({ message }: { message: Message }) {
  const url = httpUrl(message.file_url ?? message.content);
  switch (message.message_type) {
    case "image":
      if (url) return <Picture url={url} name={message.username} pixels={message.file_pixels} />;
      return <Text text={message.content} />;
    case "file":
    case "audio":
    case "video":
      if (url) return <FileCard message={message} url={url} />;
      return <Text text={message.content} />;
    default:
      return <Text text={message.text || message.content} />;
  }
}

/** A few emoji and nothing else are drawn large. */
const ONLY_EMOJI = /^(\p{Extended_Pictographic}(️|‍\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u;

function Text({ text }: { text: string }) {
  const isBig = text.length < 40 && ONLY_EMOJI.test(text);
  return (
    <p class={`text ${isBig ? "is-emoji" : ""}`} dir="auto">
      {pieces(text).map((piece, index) =>
        piece.href ? (
          <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </p>
  );
}

const BOX_PX = 320;

function Picture({ url, name, pixels }: { url: string; name: string; pixels: [number, number] | null }) {
  const [isOpen, setOpen] = useState(false);
  const [isBroken, setBroken] = useState(false);
  if (isBroken) {
    return (
      <a class="card" href={url} target="_blank" rel="noopener noreferrer nofollow">
        <Icon name="image" /> {t("image.broken")}
      </a>
    );
  }
  const scale = pixels ? Math.min(1, BOX_PX / pixels[0], BOX_PX / pixels[1]) : 1;
  const [width, height] = pixels ? [pixels[0] * scale, pixels[1] * scale] : [260, 190];
  const alt = t("image.alt", { name });
  return (
    <>
      <button type="button" class="picture" aria-label={t("image.open")} onClick={() => setOpen(true)}>
        <img
          src={url}
          alt={alt}
          width={Math.max(48, Math.round(width))}
          height={Math.max(48, Math.round(height))}
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          onError={() => setBroken(true)}
        />
      </button>
      {isOpen && <Lightbox url={url} alt={alt} onClose={() => setOpen(false)} />}
    </>
  );
}

function FileCard({ message, url }: { message: Message; url: string }) {
  const name = message.file_name || decodeURIComponentSafely(url.split("/").pop() ?? "") || url;
  return (
    <a
      class="card"
      href={url}
      target="_blank"
      rel="noopener noreferrer nofollow"
      aria-label={t("file.download", { name })}
    >
      <span class="card-icon">
        <Icon name="file" />
      </span>
      <span class="card-body">
        <bdi class="card-name">{name}</bdi>
        {message.file_size !== null && <small>{sizeText(message.file_size)}</small>}
      </span>
    </a>
  );
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function PendingBody({ pending }: { pending: Pending }) {
  const url = pending.isImage ? httpUrl(pending.text) : null;
  if (url) return <Picture url={url} name={me.value?.username ?? ""} pixels={null} />;
  return <Text text={pending.text} />;
}

function UploadBody({ upload }: { upload: Uploading }) {
  const percent = Math.round(upload.part * 100);
  return (
    <div class="picture is-uploading">
      <img src={upload.preview} alt={upload.name} width={260} height={190} />
      {upload.error === null && (
        <div class="upload">
          <progress max={100} value={percent} aria-label={t("upload.progress", { n: percent })} />
          <IconButton
            icon="close"
            label={t("upload.cancel")}
            onClick={() => discardUpload(upload.clientId)}
          />
        </div>
      )}
    </div>
  );
}

interface ActionsProps {
  room: Room;
  message: Message;
  isOwn: boolean;
  onReply: (message: Message) => void;
}

function Actions({ room, message, isOwn, onReply }: ActionsProps) {
  const [shown, show] = useState<"delete" | "details" | null>(null);
  const own = me.value;
  const role = room.members.value?.find((member) => member.user_id === own?.id)?.role;
  const mayDelete = isOwn || own?.is_admin || role === "owner" || role === "admin";
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(message.text || message.content);
      say(t("msg.copied"));
    } catch (error) {
      say(errorWords(error));
    }
  };
  return (
    <div class="actions" role="toolbar" aria-label={t("msg.actions")}>
      <IconButton icon="reply" size={17} label={t("msg.reply")} onClick={() => onReply(message)} />
      <IconButton icon="copy" size={17} label={t("msg.copy")} onClick={() => void copy()} />
      {isOwn && <IconButton icon="info" size={17} label={t("msg.info")} onClick={() => show("details")} />}
      {mayDelete && (
        <IconButton icon="trash" size={17} label={t("msg.delete")} onClick={() => show("delete")} />
      )}
      {shown === "delete" && (
        <Confirm
          title={t("delete.title")}
          hint={t("delete.hint")}
          action={t("delete.confirm")}
          onClose={() => show(null)}
          onYes={() => remove(room.id, message.id).catch((error) => say(errorWords(error)))}
        />
      )}
      {shown === "details" && <Details room={room} message={message} onClose={() => show(null)} />}
    </div>
  );
}
