// The bubble of a message: sender, content, time, delivery state.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { codeText, waitText } from "../i18n/errors";
import { fullTime, timeText } from "../i18n/format";
import { hue } from "../model/avatar";
import { connection } from "../model/connection";
import { personName, preview } from "../model/labels";
import * as outbox from "../model/outbox";
import { isBot } from "../model/people";
import { online } from "../model/presence";
import { deliveryState, hasReceipts } from "../model/receipts";
import { conversations, type Room } from "../model/rooms";
import { retrySending, retryUpload, sendWithoutQuote } from "../model/sending";
import { me } from "../model/session";
import type { Row } from "../model/timeline";
import { cancelUpload } from "../model/uploads";
import type { Message, Origin } from "../net/types";
import { plainText } from "../worker/plain";
import { BotTag, Icon, UserAvatar } from "./common";
import { UserCard } from "./lazy_user_card";
import { MessageActions } from "./message_actions";
import { MessageBody, PendingBody, UploadBody } from "./message_body";
import { PersonButton } from "./person_button";
import { Reactions } from "./reactions";
import { showMessage } from "./target";
import "./more_icons";

interface BubbleProps {
  room: Room;
  row: Row;
  isFlashed: boolean;
  onReply: (message: Message) => void;
  onJump: (id: number) => void;
  onMore: (id: number) => void;
  onFold: (key: string) => void;
}

export function Bubble({ room, row, isFlashed, onReply, onJump, onMore, onFold }: BubbleProps) {
  const own = me.value;
  const message = "message" in row ? row.message : null;
  const isOwn = !message || message.user_id === own?.id;
  const name = personName(message?.username ?? own?.username ?? "");
  const isPrivate = conversations.value.get(room.id)?.is_private === true;
  const failure = failureOf(row);
  const retryAt = retryTimeOf(row);
  const replyTo = message?.reply_to ?? (row.kind === "pending" ? row.pending.replyTo : null);
  const origin = originOf(row);
  const fold = { isOpen: room.unfolded.value.has(row.key), onToggle: () => onFold(row.key) };
  const classes = ["row", isOwn ? "is-own" : "is-other"];
  if (row.isGroupStart) classes.push("is-head");
  if (row.isGroupEnd) classes.push("is-tail");
  if (isFlashed) classes.push("is-flashed");
  if (failure !== null) classes.push("is-failed");
  return (
    <article
      class={classes.join(" ")}
      data-row
      data-key={row.key}
      data-id={message?.id}
      tabIndex={-1}
      aria-label={`${isOwn ? t("msg.you") : name}: ${origin ? `${t("msg.forwardedFrom", { name: personName(origin.username) })}, ` : ""}${textOf(row)}, ${fullTime(row.at)} ${message?.edited_at ? t("msg.edited") : ""}`.trim()}
    >
      {message && !isOwn && (
        <span class="row-avatar">
          {row.isGroupStart && (
            <PersonButton Card={UserCard} id={message.user_id} name={name}>
              <UserAvatar
                id={message.user_id}
                name={name}
                size="s"
                isOnline={isPrivate ? undefined : dotOf(message)}
              />
            </PersonButton>
          )}
        </span>
      )}
      <div class="row-main">
        {row.isGroupStart && message && !isOwn && !isPrivate && (
          <PersonButton Card={UserCard} id={message.user_id} name={name} class="is-name">
            <bdi class="row-name" style={{ "--hue": String(hue(name)) }}>
              {name}
              {isBot(message.user_id) && (
                <>
                  {" "}
                  <BotTag />
                </>
              )}
            </bdi>
          </PersonButton>
        )}
        <div class={`bubble ${isPicture(row) ? "has-picture" : ""}`}>
          {origin && <Forwarded origin={origin} />}
          {replyTo !== null && <Quote room={room} id={replyTo} onJump={onJump} />}
          {message && <MessageBody message={message} fold={fold} />}
          {row.kind === "pending" && <PendingBody pending={row.pending} fold={fold} />}
          {row.kind === "upload" && <UploadBody upload={row.upload} />}
          <span class="meta">
            {message?.edited_at && (
              <span title={t("msg.editedAt", { time: fullTime(Date.parse(message.edited_at)) })}>
                {t("msg.edited")}
              </span>
            )}
            <time dateTime={new Date(row.at).toISOString()} title={fullTime(row.at)}>
              {timeText(row.at)}
            </time>
            {isOwn && message && hasReceipts(room.id) && <Tick state={deliveryState(room, message)} />}
            {!message && failure === null && <Tick state={waitingState(row)} />}
          </span>
        </div>
        {message && <Reactions room={room} message={message} />}
        {failure !== null && <Failed row={row} retryAt={retryAt} />}
        {failure === null && retryAt !== null && <Limited until={retryAt} />}
        {message && <MessageActions {...{ room, message, isOwn, onReply, onMore }} />}
      </div>
    </article>
  );
}

/** The message of which a row is a copy. */
function originOf(row: Row): Origin | undefined {
  if ("message" in row) return row.message.forwarded_from;
  const forwarded = row.kind === "pending" ? row.pending.forwarded : undefined;
  return forwarded?.forwarded_from ?? forwarded;
}

/** Whose words a message has; leads there if the user is in that conversation. */
function Forwarded({ origin }: { origin: Origin }) {
  const text = t("msg.forwardedFrom", { name: personName(origin.username) });
  const label = (
    <>
      <Icon name="forward" size={14} />
      <bdi>{text}</bdi>
    </>
  );
  if (!conversations.value.has(origin.room_id)) return <p class="forwarded">{label}</p>;
  const show = () => showMessage(origin.room_id, origin.id, true);
  return (
    <button type="button" class="forwarded" title={t("msg.showOriginal")} onClick={show}>
      {label}
    </button>
  );
}

/** What screen readers say of a row when it has the focus. */
function textOf(row: Row): string {
  if ("message" in row) return preview(row.message);
  const file = row.kind === "upload" ? row.upload : row.pending.file;
  if (file && !(row.kind === "upload" && row.upload.isImage)) return t("kind.file", { name: file.name });
  return row.kind === "upload" || row.pending.isImage ? t("kind.image") : plainText(row.pending.text);
}

/** Why a row could not be sent, empty if that is unknown; `null` if nothing went wrong. */
function failureOf(row: Row, waitMs = 0): string | null {
  const isFailed = row.kind === "pending" && row.pending.state === "failed";
  if (isFailed) return row.pending.error ? codeText(row.pending.error, row.pending.field, waitMs) : "";
  // An upload has no other field than its file, so that is the one that is missing or invalid.
  if (row.kind !== "upload" || !row.upload.error) return null;
  return codeText(row.upload.error, row.upload.isImage ? "image" : "file", waitMs);
}

/** When a row can be sent, if the server has asked to wait. */
function retryTimeOf(row: Row): number | null {
  if (row.kind === "pending") return row.pending.retryAt ?? null;
  return row.kind === "upload" && row.upload.error ? (row.upload.retryAt ?? null) : null;
}

function isPicture(row: Row): boolean {
  if (row.kind === "pending") return row.pending.isImage;
  if (row.kind === "upload") return row.upload.isImage;
  return row.kind === "message" && row.message.message_type === "image";
}

/** Shows a dot for senders who are online, and none for the others. */
const dotOf = (message: Message) => (online.value.has(message.user_id) ? true : undefined);

type TickState = "waiting" | "sending" | "sent" | "delivered" | "read";

function waitingState(row: Row): TickState {
  if (row.kind === "pending" && row.pending.state === "sent") return "sent";
  return connection.status.value === "open" ? "sending" : "waiting";
}

const TICK_ICONS = {
  waiting: "clock",
  sending: "clock",
  sent: "check",
  delivered: "checks",
  read: "checks",
} as const;

/** The state of a message. Delivered and read have the same icon in different colours; every state has its own text. */
function Tick({ state }: { state: TickState }) {
  const label = t(`msg.${state}`);
  return (
    <span class={`tick is-${state}`} title={label} data-state={state}>
      <Icon name={TICK_ICONS[state]} size={TICK_ICONS[state] === "clock" ? 13 : 16} />
      <span class="sr">{label}</span>
    </span>
  );
}

/** The milliseconds until a time, which count down to 0. */
function useWait(until: number | null): number {
  const left = Math.max(0, (until ?? 0) - Date.now());
  const [, count] = useState(0);
  useEffect(() => {
    if (left === 0) return;
    // Right after the second has passed, so that none is left out.
    const timer = setTimeout(() => count((drawn) => drawn + 1), (left % 1000) + 20);
    return () => clearTimeout(timer);
  });
  return left;
}

/** Says that a message is sent later by itself. */
function Limited({ until }: { until: number }) {
  const wait = useWait(until);
  if (wait === 0) return null;
  return (
    <p class="failed is-limited" role="status">
      <Icon name="clock" size={16} />
      <span role="timer">{t("msg.limited", { time: waitText(wait) })}</span>
    </p>
  );
}

function Failed({ row, retryAt }: { row: Row; retryAt: number | null }) {
  const wait = useWait(retryAt);
  const isOver = retryAt !== null && wait === 0;
  const reason = isOver ? t("msg.waitOver") : failureOf(row, wait);
  const isUpload = row.kind === "upload";
  const isQuoteGone = row.kind === "pending" && row.pending.field === "reply_to";
  const retry = isUpload ? retryUpload : isQuoteGone ? sendWithoutQuote : retrySending;
  const onRetry = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    // The button that has the focus goes.
    currentTarget.closest<HTMLElement>("[data-row]")?.focus({ preventScroll: true });
    retry(row.key);
  };
  return (
    <p class="failed" role="alert">
      <Icon name="alert" size={16} />
      {/* The whole is read once, not at every second. */}
      <span role={wait ? "timer" : undefined}>
        {reason ? `${t("msg.failed")}: ${reason}` : t("msg.failed")}
      </span>
      <button type="button" class="link" disabled={wait > 0} onClick={onRetry}>
        {t(isQuoteGone ? "msg.withoutQuote" : "msg.retry")}
      </button>
      <button
        type="button"
        class="link"
        onClick={() => (isUpload ? cancelUpload(row.key) : outbox.remove(row.key))}
      >
        {t("msg.discard")}
      </button>
    </p>
  );
}

interface QuoteProps {
  room: Room;
  id: number;
  onJump: (id: number) => void;
}

/** The message that another one replies to. A click scrolls to it and loads it if necessary. */
function Quote({ room, id, onJump }: QuoteProps) {
  const source = room.byId(id);
  const oldest = room.messages.value[0]?.id ?? 0;
  const isGone = !source && (!room.hasOlder.value || id > oldest || room.deletedIds.has(id));
  const text = source ? preview(source) : t(isGone ? "msg.goneQuote" : "msg.olderQuote");
  return (
    <button type="button" class="quote" disabled={isGone} onClick={() => onJump(id)}>
      {source && (
        <bdi class="quote-name" style={{ "--hue": String(hue(source.username)) }}>
          {personName(source.username)}
        </bdi>
      )}
      <bdi class="quote-text">{text}</bdi>
    </button>
  );
}
