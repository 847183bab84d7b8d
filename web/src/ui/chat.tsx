// The chat page: the sidebar on the left, one conversation on the right; on a phone one of the two.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { loadTexts, t } from "../i18n";
import "../model/chat";
import icon from "../icon.svg";
import dottedIcon from "../icon_dot.svg";
import { openRoom } from "../model/history";
import { activeRoomId, listState, unreadTotal } from "../model/rooms";
import { spoken, toast } from "../model/toast";
import { Empty, Skeleton } from "./common";
import { ConnectionStatus } from "./connection_status";
import { isTouch, SEARCH_KEYS } from "./input";
import { lazy } from "./lazy";
import { query, showRoom } from "./router";
import { areShortcutsShown, onShortcut } from "./shortcuts";
import { Sidebar } from "./sidebar";
import "../style/chat.css";
import "../style/sidebar.css";

const loadPane = () => import("./conversation_pane").then((module) => module.ConversationPane);
const ConversationPane = lazy(loadPane, () => (
  <main class="pane" aria-busy="true">
    <Skeleton rows={8} kind="chat" />
  </main>
));

const ShortcutList = lazy(() => import("./lazy_components").then((module) => module.ShortcutList));
const SearchPanel = lazy(() => import("./lazy_components").then((module) => module.SearchPanel));
const JoinRoom = lazy(() => import("./lazy_components").then((module) => module.JoinRoom));

/** Code that is not needed at first is loaded this long after the list, so that it does not delay the list. */
const PRELOAD_DELAY_MS = 1500;
const TOAST_MS = 4500;
/** Where the list or a conversation is all that fits; the style sheets have the same width. */
const narrow = matchMedia("(max-width: 760px)");

export function Chat() {
  const room = query.value.room ?? "";
  const wantedId = /^\d{1,10}$/.test(room) ? Number(room) : null;
  const searchBox = useRef<HTMLInputElement>(null);
  const [isNarrow, setNarrow] = useState(narrow.matches);

  useEffect(() => openRoom(wantedId), [wantedId]);
  useEffect(() => () => openRoom(null), []);
  useSignalEffect(() => {
    const count = unreadTotal.value;
    document.title = count > 0 ? `(${count > 99 ? "99+" : count}) Chinwag` : "Chinwag";
    const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (link) link.href = count > 0 ? dottedIcon : icon;
  });
  useEffect(() => {
    const search = () => {
      const take = () => {
        searchBox.current?.focus();
        searchBox.current?.select();
      };
      // At once, because the next key may already have been pressed. On a phone an open conversation hides the sidebar.
      if (searchBox.current?.offsetParent) return take();
      showRoom(null);
      requestAnimationFrame(take);
    };
    const onKey = (event: KeyboardEvent) => onShortcut(event, search);
    const onOpen = (event: Event) => showRoom((event as CustomEvent<number>).detail);
    const onResize = () => setNarrow(narrow.matches);
    addEventListener("keydown", onKey);
    addEventListener("chinwag:open", onOpen);
    narrow.addEventListener("change", onResize);
    return () => {
      narrow.removeEventListener("change", onResize);
      removeEventListener("keydown", onKey);
      removeEventListener("chinwag:open", onOpen);
    };
  }, []);
  const isListed = listState.value === "ready";
  useEffect(() => {
    if (!isListed) return;
    const timer = setTimeout(() => {
      void import("./conversation_pane").catch(() => {});
      void import("./lazy_components").catch(() => {});
      void import("./app").then(({ settle }) => settle()).catch(() => {});
      void loadTexts().catch(() => {});
    }, PRELOAD_DELAY_MS);
    return () => clearTimeout(timer);
  }, [isListed]);

  const id = activeRoomId.value;
  return (
    <div class={`chat ${wantedId === null ? "" : "has-room"}`}>
      <button type="button" class="button skip" onClick={skip}>
        {t("room.skip")}
      </button>
      <Sidebar searchBox={searchBox} isAlone={isNarrow && wantedId === null} />
      <div class="stage">
        <ConnectionStatus />
        {id === null ? (
          <main class="pane is-empty" tabIndex={-1}>
            <Empty
              isPage
              icon="chat"
              title={t("room.pick")}
              hint={isTouch ? undefined : t("room.pickHint", { keys: SEARCH_KEYS })}
            />
          </main>
        ) : (
          <ConversationPane id={id} key={id} />
        )}
        {query.value.search && <SearchPanel />}
      </div>
      {query.value.join && <JoinRoom token={query.value.join} />}
      <Toast />
      <p class="sr" aria-live="polite">
        {spoken}
      </p>
      {areShortcutsShown.value && <ShortcutList onClose={hideShortcuts} />}
    </div>
  );
}

function hideShortcuts(): void {
  areShortcutsShown.value = false;
}

/** Moves the focus past the list. */
function skip(): void {
  const find = (selector: string) => document.querySelector<HTMLElement>(selector);
  (find(".composer textarea") ?? find(".pane"))?.focus();
}

function Toast() {
  const [shown, setShown] = useState(toast.peek());
  const layer = useRef<HTMLDivElement>(null);
  useSignalEffect(() => setShown(toast.value));
  useEffect(() => {
    if (!shown) return;
    // Above the composer, which files and replies make higher.
    const top = document.querySelector(".composer")?.getBoundingClientRect().top;
    layer.current?.style.setProperty("--composer", `${top ? innerHeight - top : 0}px`);
    // Each time anew, as only the latest popover or dialog is above all others.
    layer.current?.hidePopover?.();
    layer.current?.showPopover?.();
    const timer = setTimeout(() => setShown(null), TOAST_MS);
    return () => clearTimeout(timer);
  }, [shown?.id]);
  return (
    <div ref={layer} class="toasts" role="alert" popover="manual">
      {shown && <p class="toast">{shown.text}</p>}
    </div>
  );
}
