// The history of one conversation: only what is near the view is drawn.

import { useSignalEffect } from "@preact/signals";
import type { FunctionComponent, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { VList as AnyList, type VListHandle, type VListProps } from "virtua";
import { t } from "../i18n";
import { load, loadOlder, reach } from "../model/history";
import { outbox } from "../model/outbox";
import { noteRead } from "../model/receipts";
import { isAtEnd, type Room } from "../model/rooms";
import { me } from "../model/session";
import { type Row, rowOf, timeline } from "../model/timeline";
import { showToast } from "../model/toast";
import { uploads } from "../model/uploads";
import type { Message } from "../net/types";
import { Line } from "./line";
import { wanted } from "./nav";
import { Empty, Icon, Skeleton } from "./parts";

/** Older messages are fetched when this many pixels are left above. */
const AHEAD_PX = 1200;
const END_PX = 48;
const FLASH_MS = 1800;

/** Its types are React's, where `ref` is another. */
const VList = AnyList as unknown as FunctionComponent<
  Omit<VListProps<Row>, "ref" | "children"> & {
    ref: RefObject<VListHandle | null>;
    class: string;
    children: (row: Row, index: number) => preact.VNode;
  }
>;

export function Messages({ room, onReply }: { room: Room; onReply: (message: Message) => void }) {
  const own = me.value?.id ?? 0;
  const messages = room.messages.value;
  const divider = room.divider.value;
  const hasOlder = room.hasOlder.value;
  const rows = useMemo(() => {
    const pending = outbox.value.filter((it) => it.room === room.id);
    const sending = uploads.value.filter((it) => it.room === room.id);
    const all = timeline(messages, pending, sending, own, divider);
    // What stands above the oldest loaded message tells how tall it is, whether it begins a day or a group. It is
    // drawn once that is known, so that no row in view ever changes.
    return hasOlder ? all.slice(1) : all;
  }, [messages, outbox.value, uploads.value, own, divider, hasOlder]);

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
  if (rows.length === 0) return <Empty icon="chat" title={t("room.empty")} hint={t("room.emptyHint")} />;
  return <History room={room} rows={rows} onReply={onReply} />;
}

interface HistoryProps {
  room: Room;
  rows: Row[];
  onReply: (message: Message) => void;
}

function History({ room, rows, onReply }: HistoryProps) {
  const list = useRef<VListHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  /** Whether the end is kept in view as rows come and grow. */
  const sticks = useRef(true);
  const [flashed, setFlashed] = useState<number | null>(null);
  const isPrepended = usePrepended(rows);
  const fresh = useFresh(room);
  // Not by the list's own means: they would hold the end for a while against who scrolls up.
  const toEnd = () => {
    const scroller = box.current?.querySelector(".rows");
    if (scroller) scroller.scrollTop = scroller.scrollHeight - scroller.clientHeight;
  };
  /** Once what was measured is drawn, and before it is seen. */
  const keepEnd = () => queueMicrotask(() => sticks.current && toEnd());

  const waiting = rows.filter((row) => row.kind === "pending" || row.kind === "upload").length;
  const waited = useRef(waiting);
  useLayoutEffect(() => {
    // One's own message is looked at.
    if (waiting > waited.current) sticks.current = true;
    waited.current = waiting;
    if (sticks.current) toEnd();
  }, [rows]);

  // A short first page may not fill the view.
  useEffect(() => {
    const handle = list.current;
    if (handle && handle.scrollSize < handle.viewportSize + AHEAD_PX) void loadOlder(room);
  }, [rows.length]);

  const seen = useRef({ scrollTop: 0, scrollHeight: 0, clientHeight: 0 });
  const onScroll = (offset: number) => {
    // Of the page itself: the list hears of sizes only after this.
    const scroller = box.current?.querySelector(".rows");
    if (!scroller) return;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    const before = seen.current;
    seen.current = { scrollTop, scrollHeight, clientHeight };
    // Rows that turn out taller move the end away, and so does a view that grows or shrinks: only who scrolls up while
    // all keeps its size has left it.
    const isSameSize = scrollHeight === before.scrollHeight && clientHeight === before.clientHeight;
    if (scrollTop + clientHeight >= scrollHeight - END_PX) sticks.current = true;
    else if (isSameSize && scrollTop < before.scrollTop) sticks.current = false;
    isAtEnd.value = sticks.current;
    if (offset < AHEAD_PX) void loadOlder(room);
  };

  const show = async (id: number) => {
    if (!(await reach(room, id))) return showToast(t("msg.goneQuote"));
    sticks.current = false;
    // Until the rows are there.
    await new Promise(requestAnimationFrame);
    const loaded = timeline(room.messages.peek(), [], [], me.peek()?.id ?? 0, null);
    const at = rowOf(loaded, id) - (room.hasOlder.peek() ? 1 : 0);
    list.current?.scrollToIndex(at, { align: "center" });
    setFlashed(id);
    setTimeout(() => setFlashed(null), FLASH_MS);
  };
  useSignalEffect(() => {
    const target = wanted.value;
    if (target?.room !== room.id || room.state.value !== "ready") return;
    wanted.value = null;
    void show(target.message);
  });

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows walk over the messages within
    <div class="history" ref={box} onKeyDown={(event) => walk(event, box.current)}>
      {room.isLoadingOlder.value && (
        <p class="older">
          <span class="spinner" /> <span class="sr">{t("room.loading")}</span>
        </p>
      )}
      <VList
        ref={list}
        class="rows"
        data={rows}
        shift={isPrepended}
        onScroll={onScroll}
        // A keyboard opens, the text grows, a row turns out taller: the end stays in view.
        onResize={keepEnd}
        bufferSize={600}
        itemSize={60}
        tabIndex={0}
        role="region"
        aria-label={t("room.history")}
      >
        {(row, index) => (
          <Line
            key={row.key}
            room={room}
            row={row}
            isFirst={index === 0}
            isFlashed={row.kind === "message" && flashed === row.message.id}
            onReply={onReply}
            onJump={(id) => void show(id)}
          />
        )}
      </VList>
      {!isAtEnd.value && (
        <button
          type="button"
          class="latest"
          aria-label={fresh > 0 ? t("room.latestCount", { n: fresh }) : t("room.latest")}
          onClick={() => {
            sticks.current = true;
            toEnd();
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

/** Whether rows came above: then what is in view is kept where it is. */
function usePrepended(rows: Row[]): boolean {
  const first = useRef<string | null>(null);
  const before = first.current;
  useLayoutEffect(() => {
    first.current = rows[0]?.key ?? null;
  }, [rows]);
  return before !== null && rows[0]?.key !== before && rows.some((row) => row.key === before);
}

/** How many messages of others came since the end was left. */
function useFresh(room: Room): number {
  const lastSeen = useRef(0);
  const messages = room.messages.value;
  if (isAtEnd.value) lastSeen.current = messages.at(-1)?.id ?? 0;
  if (isAtEnd.value) return 0;
  const own = me.value?.id;
  return messages.filter((it) => it.id > lastSeen.current && it.user_id !== own && it.user_id !== 0).length;
}

/** Arrows walk over the messages, from the newest on. */
function walk(event: KeyboardEvent, box: HTMLElement | null): void {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  const all = [...(box?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const here = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
  const row = all[here ? all.indexOf(here) + (event.key === "ArrowUp" ? -1 : 1) : all.length - 1];
  if (!row) return;
  event.preventDefault();
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
