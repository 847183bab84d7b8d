// The messages of one conversation, of which only those near the view are drawn.

import { useComputed, useSignalEffect } from "@preact/signals";
import type { FunctionComponent, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { VList as AnyList, type ScrollToIndexOpts, type VListHandle, type VListProps } from "virtua";
import { t } from "../i18n";
import { returns } from "../model/attention";
import { connection } from "../model/connection";
import { loadBackTo, loadUnread } from "../model/far";
import { loadNewest, loadOlder } from "../model/history";
import { type Line, lineIndex, linesOf, settledLines } from "../model/lines";
import { markAllRead } from "../model/mark_unread";
import { pendingMessages } from "../model/outbox";
import { playing } from "../model/playing";
import { isUnreadLoaded, lookAt, unreadMessages } from "../model/reading";
import { conversations, isAtEnd, type Room } from "../model/rooms";
import { me } from "../model/session";
import { timeline } from "../model/timeline";
import { showToast } from "../model/toast";
import { pendingUploads } from "../model/uploads";
import type { Message } from "../net/types";
import { CatchUpBar } from "./catch_up_bar";
import { Empty, Icon, Skeleton } from "./common";
import { lazy } from "./lazy";
import { useLongPress } from "./long_press";
import { moveFocus, useKeptFocus } from "./message_focus";
import { reveal } from "./reveal";
import { targetMessage } from "./target";
import { TimelineLine } from "./timeline_row";

/** A message counts as seen when so many pixels of it are in view. */
const SEEN_PX = 24;
/** How much of what was read stays in view above the first new message; the bar above leaves room for it. */
const CONTEXT_PX = 56;
/** Older messages are fetched when fewer pixels are left above. */
const PREFETCH_PX = 1200;
const END_PX = 48;
const FLASH_MS = 1800;

const MessageSheet = lazy(() => import("./lazy_components").then((module) => module.MessageSheet));

/** The list with the types of Preact, whose `ref` differs from React's. */
const VList = AnyList as unknown as FunctionComponent<
  Omit<VListProps<Line>, "ref" | "children"> & {
    ref: RefObject<VListHandle | null>;
    class: string;
    children: (line: Line, index: number) => preact.VNode;
  }
>;

export function MessageList({ room, onReply }: { room: Room; onReply: (message: Message) => void }) {
  const own = me.value?.id ?? 0;
  const messages = room.messages.value;
  const hasOlder = room.hasOlder.value;
  // Without what is above it nobody knows whether the oldest loaded message is the first new one.
  const isReached = !hasOlder || (messages[0]?.id ?? 0) <= (room.divider.value ?? 0);
  const divider = isReached ? room.divider.value : null;
  const before = useRef<Line[]>([]);
  const lines = useMemo(() => {
    const pending = pendingMessages.value.filter((entry) => entry.room === room.id);
    const sending = pendingUploads.value.filter((upload) => upload.room === room.id);
    before.current = linesOf(timeline(messages, pending, sending, own, divider), before.current);
    // What depends on older messages is drawn once these are known, so that no visible line ever changes.
    return hasOlder ? settledLines(before.current) : before.current;
  }, [messages, pendingMessages.value, pendingUploads.value, own, divider, hasOlder]);

  const history = lines.length > 0 && <History room={room} lines={lines} onReply={onReply} />;
  if (room.state.value === "error") {
    const isAway = connection.status.value !== "open";
    // What the user has written meanwhile is shown all the same.
    return (
      <>
        <Empty icon="alert" title={t("room.error")} hint={isAway ? t("room.notKept") : undefined}>
          {!isAway && (
            <button type="button" class="button" onClick={() => void loadNewest(room)}>
              {t("again")}
            </button>
          )}
        </Empty>
        {history}
      </>
    );
  }
  if (history) return history;
  return room.state.value === "ready" ? <NoMessages room={room} /> : <Skeleton rows={8} kind="chat" />;
}

function NoMessages({ room }: { room: Room }) {
  useSignalEffect(() => {
    if (targetMessage.value?.room !== room.id) return;
    targetMessage.value = null;
    showToast(t("error.message"));
  });
  return <Empty icon="chat" title={t("room.empty")} hint={t("room.emptyHint")} />;
}

interface HistoryProps {
  room: Room;
  lines: Line[];
  onReply: (message: Message) => void;
}

function History({ room, lines, onReply }: HistoryProps) {
  const list = useRef<VListHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  /** Whether the end stays in view as rows arrive and grow. */
  const sticks = useRef(true);
  /** Whether it is settled where the history opens: at its end, or at the first new message. */
  const isOpened = useRef(false);
  const latestLines = useRef(lines);
  latestLines.current = lines;
  const rows = useMemo(() => lines.flatMap((line) => line.rows), [lines]);
  const [flashed, setFlashed] = useState<number | null>(null);
  /** The message whose actions are shown in a sheet. */
  const [pressed, setPressed] = useState<number | null>(null);
  useLongPress(box, messageAt, setPressed);
  const pressedMessage = pressed === null ? undefined : room.byId(pressed);
  const isPrepended = usePrepended(lines);
  /** Whether all that is shown is what the user has written meanwhile. */
  const isAwaited = room.state.value === "idle" || room.state.value === "loading";
  const newCount = useComputed(() => {
    const isBelow = !isAtEnd.value && room.reading.value === "on";
    return isBelow ? (conversations.value.get(room.id)?.unread ?? 0) : 0;
  }).value;
  // The list's own scrolling would for a while undo that of a user who scrolls up.
  const scrollToEnd = () => {
    const scroller = box.current?.querySelector(".rows");
    if (scroller) scroller.scrollTop = scroller.scrollHeight - scroller.clientHeight;
  };
  /** Scrolls after the measured rows are drawn and before they are painted. */
  const keepEnd = () => queueMicrotask(() => sticks.current && scrollToEnd());

  const unsent = rows.filter((row) => row.kind === "pending" || row.kind === "upload").length;
  const lastUnsent = useRef(unsent);
  useLayoutEffect(() => {
    // The user's own message is shown at once.
    if (unsent > lastUnsent.current) sticks.current = true;
    lastUnsent.current = unsent;
    if (isOpening()) return openAtDivider();
    if (sticks.current) scrollToEnd();
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, [rows]);

  /** Called with the messages that are in view. */
  const look = () => {
    const handle = list.current;
    if (!handle?.viewportSize || isOpening()) return;
    const { scrollOffset, viewportSize } = handle;
    const from = handle.findItemIndex(scrollOffset);
    const to = handle.findItemIndex(scrollOffset + viewportSize - SEEN_PX);
    const isCut = handle.getItemOffset(to) + handle.getItemSize(to) > scrollOffset + viewportSize + SEEN_PX;
    const inView = latestLines.current.slice(from, to + 1);
    // Of images that are cut off only the first one counts.
    const seen = inView.flatMap((line, at) =>
      isCut && from + at === to ? line.rows.slice(0, 1) : line.rows,
    );
    const ids = seen.flatMap((row) => ("message" in row ? [row.message.id] : []));
    const [first] = ids;
    if (first !== undefined) lookAt(room, first, ids.at(-1) ?? first);
    if (room.reading.peek() !== "undecided") isOpened.current = true;
  };
  // While the page was out of view rows may have arrived that no frame has drawn.
  useSignalEffect(() => (returns.value > 0 ? afterFrames(2, look) : undefined));

  /** Whether the history is yet to be shown at the first new message. */
  const isOpening = () =>
    !isOpened.current && room.reading.peek() === "undecided" && !room.isStale && hasNewBelow(room);
  const openAtDivider = () => {
    scrollToDivider();
    if (sticks.current) scrollToEnd();
    // Once the rows are measured, it is known whether the end is in view as well.
    return afterFrames(2, () => {
      isOpened.current = true;
      // Until the list of conversations was loaded the end was in view, which was not the user's choice.
      room.seen = null;
      onScroll(list.current?.scrollOffset ?? 0);
    });
  };
  const scrollToDivider = () =>
    scrollToLine(
      latestLines.current.findIndex(({ rows }) => rows[0]?.hasDivider),
      { align: "start", offset: -CONTEXT_PX },
    );
  /** Scrolls to a line; does nothing and returns `false` if there is none. */
  const scrollToLine = (at: number, place: ScrollToIndexOpts) => {
    if (at < 0) return false;
    // The end, where the history may have been, does not hold it.
    sticks.current = false;
    list.current?.scrollToIndex(at, place);
    return true;
  };
  const readAll = () => {
    void markAllRead(room.id);
    // The button that had the focus is gone.
    box.current?.querySelector<HTMLElement>(".rows")?.focus({ preventScroll: true });
  };
  /** Leads to the first new message, which gets the focus: the button that had it is gone by then. */
  const showUnread = async () => {
    const first = await loadUnread(room);
    if (!first) return showToast(t("catchUp.gone"));
    revealMessage(first.id, scrollToDivider, takeFocus);
  };

  // A short first page may not fill the view.
  useEffect(() => {
    const handle = list.current;
    if (handle && handle.scrollSize < handle.viewportSize + PREFETCH_PX) void loadOlder(room);
  }, [rows.length]);

  const lastScroll = useRef({ scrollTop: 0, scrollHeight: 0, clientHeight: 0 });
  const onScroll = (offset: number) => {
    // Read from the page itself: the list learns of new sizes only later.
    const scroller = box.current?.querySelector(".rows");
    if (!scroller) return;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    const before = lastScroll.current;
    lastScroll.current = { scrollTop, scrollHeight, clientHeight };
    if (isOpening()) return;
    // The end also moves away when rows turn out taller and when the view is resized. The user has left it only by
    // scrolling up while all sizes stay the same.
    const isSameSize = scrollHeight === before.scrollHeight && clientHeight === before.clientHeight;
    if (scrollTop + clientHeight >= scrollHeight - END_PX) sticks.current = true;
    else if (isSameSize && scrollTop < before.scrollTop) sticks.current = false;
    isAtEnd.value = sticks.current;
    look();
    if (offset < PREFETCH_PX) void loadOlder(room);
  };

  /** Shows the whole of a long text, or its beginning. The text stays in place, even at the end of the history. */
  const fold = (key: string) => {
    const unfolded = new Set(room.unfolded.peek());
    if (!unfolded.delete(key)) unfolded.add(key);
    sticks.current = false;
    isAtEnd.value = false;
    room.unfolded.value = unfolded;
    const row = box.current?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    requestAnimationFrame(() => {
      if (!unfolded.has(key)) row?.scrollIntoView({ block: "nearest" });
      // Without the next frame a history that has become short would not count as at its end.
      requestAnimationFrame(() => onScroll(lastScroll.current.scrollTop));
    });
  };

  const show = async (id: number, takesFocus = false) => {
    if (!(await loadBackTo(room, id))) return showToast(t("error.message"));
    const scroll = () => scrollToLine(lineIndex(latestLines.current, id), { align: "center" });
    await revealMessage(id, scroll, (row) => {
      setFlashed(id);
      setTimeout(() => setFlashed((flashed) => (flashed === id ? null : flashed)), FLASH_MS);
      if (takesFocus) takeFocus(row);
    });
  };
  const takeFocus = (row: HTMLElement) => row.focus({ preventScroll: true });
  const revealMessage = async (id: number, scroll: () => boolean, onSeen: (row: HTMLElement) => void) => {
    const { current } = box;
    const row = () => current?.querySelector<HTMLElement>(`[data-id="${id}"]`);
    if (!current) return;
    await reveal(current, { scroll, row, onSeen });
    // At the end, where it was before, there was no scroll event.
    onScroll(lastScroll.current.scrollTop);
  };
  const shown = useRef<typeof targetMessage.value>(null);
  useSignalEffect(() => {
    const target = targetMessage.value;
    if (target?.room !== room.id || room.state.value !== "ready" || target === shown.current) return;
    shown.current = target;
    isOpened.current = true;
    // Taken only now: if the history is made anew meanwhile, as when the user has just joined, that one shows it.
    void show(target.message, target.takesFocus).then(() => {
      if (box.current && targetMessage.peek() === target) targetMessage.value = null;
    });
  });

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move among the messages inside
    <div
      class="history"
      ref={box}
      onKeyDown={(event) => {
        // The tools of the focused message are shown, and not those of one at which the mouse happens to be.
        box.current?.classList.add("is-keyed");
        moveFocus(event, box.current);
      }}
      onPointerMove={({ movementX, movementY }) => {
        // Rows that move below a mouse that rests tell of a move, too.
        if (movementX || movementY) box.current?.classList.remove("is-keyed");
      }}
      onFocusIn={useKeptFocus(box, rows)}
    >
      {(room.isLoadingOlder.value || isAwaited) && (
        <p class="older">
          <span class="spinner" /> <span class="sr">{t("room.loading")}</span>
        </p>
      )}
      <CatchUpBar room={room} onJump={showUnread} onRead={readAll} />
      <VList
        ref={list}
        class="rows"
        data={lines}
        shift={isPrepended}
        onScroll={onScroll}
        // The end stays in view when a keyboard opens, the composer grows or a row turns out taller.
        onResize={() => {
          keepEnd();
          look();
        }}
        bufferSize={600}
        keepMounted={
          playing.value === null ? undefined : [lineIndex(lines, playing.value)].filter((at) => at >= 0)
        }
        itemSize={60}
        tabIndex={0}
        role="region"
        aria-label={t("room.history")}
      >
        {(line, index) => (
          <TimelineLine
            key={line.key}
            room={room}
            line={line}
            isFirst={index === 0}
            flashed={flashed}
            onReply={onReply}
            onJump={(id) => void show(id)}
            onMore={setPressed}
            onFold={fold}
          />
        )}
      </VList>
      {!isAtEnd.value && (
        <button
          type="button"
          class="latest"
          aria-label={newCount > 0 ? t("room.latestCount", { n: newCount }) : t("room.latest")}
          onClick={() => {
            sticks.current = true;
            scrollToEnd();
          }}
        >
          {newCount > 0 && <span class="badge">{newCount > 99 ? "99+" : newCount}</span>}
          <Icon name="down" />
        </button>
      )}
      {pressedMessage && (
        <MessageSheet
          room={room}
          message={pressedMessage}
          isOwn={pressedMessage.user_id === me.value?.id}
          onReply={onReply}
          onClose={() => setPressed(null)}
        />
      )}
    </div>
  );
}

/** The id of the message on whose bubble an element is. */
const messageAt = (target: Element) =>
  Number(target.closest(".bubble")?.closest<HTMLElement>("[data-id]")?.dataset.id);

/** Whether there is a divider above new messages, all of which are loaded. */
function hasNewBelow(room: Room): boolean {
  const isTarget = targetMessage.peek()?.room === room.id;
  return !isTarget && room.divider.peek() !== null && isUnreadLoaded(room) && unreadMessages(room).length > 0;
}

/** Runs an action after some frames. Returns a function that cancels it. */
function afterFrames(count: number, act: () => void): () => void {
  let frame = requestAnimationFrame(function next() {
    count -= 1;
    if (count === 0) act();
    else frame = requestAnimationFrame(next);
  });
  return () => cancelAnimationFrame(frame);
}

/** Whether lines were added or forgotten above, so that the list keeps the visible ones in place. */
function usePrepended(lines: Line[]): boolean {
  const known = useRef(lines);
  const before = known.current;
  useLayoutEffect(() => {
    known.current = lines;
  }, [lines]);
  const first = lines[0]?.key;
  const old = before[0]?.key;
  if (first === old) return false;
  return lines.some(({ key }) => key === old) || before.some(({ key }) => key === first);
}
