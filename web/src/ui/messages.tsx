// The history of one conversation: only what is near the view is drawn.

import { signal, useSignalEffect } from "@preact/signals";
import type { FunctionComponent, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { VList as AnyList, type VListHandle, type VListProps } from "virtua";
import { dayText, t } from "../i18n";
import { isAtEnd, load, loadOlder, noteRead, type Room, reach, say } from "../model/chat";
import { outbox } from "../model/outbox";
import { me } from "../model/session";
import { timeline } from "../model/timeline";
import { uploads } from "../model/uploads";
import { systemText } from "../model/words";
import type { Message } from "../net/types";
import { Bubble } from "./bubble";
import { Empty, Icon, Skeleton } from "./parts";

/** Older messages are fetched when this many pixels are left above. */
const AHEAD_PX = 1200;
const END_PX = 48;

/** Its types are React's, where `ref` is another. */
const VList = AnyList as unknown as FunctionComponent<
  Omit<VListProps, "ref"> & { ref: RefObject<VListHandle | null>; class: string }
>;

const wanted = signal<{ room: number; id: number } | null>(null);

/** Brings a message into view, loading back to it. */
export function jumpTo(room: number, id: number): void {
  wanted.value = { room, id };
}

export function Messages({ room, onReply }: { room: Room; onReply: (message: Message) => void }) {
  const list = useRef<VListHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const firstKey = useRef<string | null>(null);
  const lastSeen = useRef(0);
  const [flashed, setFlashed] = useState<number | null>(null);
  const own = me.value?.id ?? 0;

  const messages = room.messages.value;
  const pending = outbox.value.filter((it) => it.room === room.id);
  const sending = uploads.value.filter((it) => it.room === room.id);
  const divider = room.divider.value;
  const hasOlder = room.hasOlder.value;
  const rows = useMemo(() => {
    const all = timeline(messages, pending, sending, own, divider);
    // What stands above the oldest loaded message tells how tall it is, whether it begins a day or a group. It is
    // drawn once that is known, so that no row in view ever changes.
    return hasOlder ? all.slice(1) : all;
  }, [messages, outbox.value, uploads.value, own, divider, hasOlder]);

  // Rows that came above keep what is in view where it is.
  const before = firstKey.current;
  const isPrepended = before !== null && rows[0]?.key !== before && rows.some((row) => row.key === before);
  const waiting = pending.length + sending.length;
  const waited = useRef(waiting);
  const end = () => rows.length > 0 && list.current?.scrollToIndex(rows.length - 1, { align: "end" });

  useLayoutEffect(() => {
    firstKey.current = rows[0]?.key ?? null;
    if (waiting > waited.current) sticks.current = true;
    waited.current = waiting;
    if (sticks.current) end();
  }, [rows]);

  const onScroll = (offset: number) => {
    const handle = list.current;
    if (!handle) return;
    const isEnd = offset + handle.viewportSize >= handle.scrollSize - END_PX;
    sticks.current = isEnd;
    isAtEnd.value = isEnd;
    if (offset < AHEAD_PX) void loadOlder(room);
  };

  // A short first page may not fill the view.
  useEffect(() => {
    const handle = list.current;
    if (handle && rows.length > 0 && handle.scrollSize < handle.viewportSize + AHEAD_PX) void loadOlder(room);
  }, [rows.length]);

  const last = messages.at(-1)?.id ?? 0;
  if (isAtEnd.value) lastSeen.current = last;
  const fresh = isAtEnd.value
    ? 0
    : messages.filter((it) => it.id > lastSeen.current && it.user_id !== own && it.user_id !== 0).length;

  useSignalEffect(() => {
    const target = wanted.value;
    if (target?.room !== room.id || room.state.value !== "ready") return;
    wanted.value = null;
    void show(target.id);
  });
  const show = async (id: number) => {
    if (!(await reach(room, id))) return say(t("msg.goneQuote"));
    sticks.current = false;
    // Until the rows are there.
    await new Promise(requestAnimationFrame);
    const hidden = room.hasOlder.peek() ? 1 : 0;
    const at = room.messages.peek().findIndex((message) => message.id === id) - hidden;
    list.current?.scrollToIndex(at, { align: "center" });
    setFlashed(id);
    setTimeout(() => setFlashed(null), 1800);
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const here = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const next = here ? all.indexOf(here) + (event.key === "ArrowUp" ? -1 : 1) : all.length - 1;
    const row = all[next];
    if (!row) return;
    event.preventDefault();
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  if (room.state.value === "error") {
    return (
      <Empty icon="alert" title={t("room.error")}>
        <button type="button" class="button" onClick={() => void load(room)}>
          {t("again")}
        </button>
      </Empty>
    );
  }
  if (room.state.value !== "ready" && rows.length === 0) return <Skeleton rows={8} kind="chat" />;
  if (rows.length === 0) return <Empty icon="hash" title={t("room.empty")} hint={t("room.emptyHint")} />;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows walk over the messages within
    <div class="history" ref={box} onKeyDown={onKey}>
      {room.isLoadingOlder.value && (
        <p class="older">
          <span class="spinner" /> <span class="sr">{t("room.loading")}</span>
        </p>
      )}
      <VList
        ref={list}
        class="rows"
        shift={isPrepended}
        onScroll={onScroll}
        // A keyboard opens, the text grows, a row turns out taller: the end stays in view.
        onResize={() => sticks.current && end()}
        bufferSize={600}
        itemSize={60}
        tabIndex={0}
        role="region"
        aria-label={t("room.history")}
      >
        {rows.map((row, index) => (
          <div key={row.key} class="row-box">
            {index === 0 && !hasOlder && <p class="beginning">{t("room.beginning")}</p>}
            {row.day && (
              <p class="day">
                <span>{dayText(row.at)}</span>
              </p>
            )}
            {row.divider && (
              <p class="divider">
                <span>{t("room.new")}</span>
              </p>
            )}
            {row.kind === "system" ? (
              <p class="system">
                <bdi>{systemText(row.message.text)}</bdi>
              </p>
            ) : row.kind === "message" ? (
              <Bubble
                room={room}
                message={row.message}
                isHead={row.isHead}
                isFlashed={flashed === row.message.id}
                onReply={onReply}
                onJump={(id) => void show(id)}
              />
            ) : (
              <Bubble room={room} waiting={row} isHead={row.isHead} onReply={onReply} />
            )}
          </div>
        ))}
      </VList>
      {!isAtEnd.value && (
        <button
          type="button"
          class="latest"
          aria-label={fresh > 0 ? t("room.latestCount", { n: fresh }) : t("room.latest")}
          onClick={() => {
            sticks.current = true;
            end();
            noteRead(room);
          }}
        >
          {fresh > 0 && <span class="badge">{fresh > 99 ? "99+" : fresh}</span>}
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
