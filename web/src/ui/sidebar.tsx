// The sidebar: menus, search and the list of conversations.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { timeText } from "../i18n/format";
import { refreshList } from "../model/conversation_list";
import { activeRoomId, isListPartial, listedConversations, listState } from "../model/rooms";
import { me } from "../model/session";
import type { Conversation } from "../net/types";
import { Avatar, Empty, Icon, IconButton, Skeleton } from "./common";
import { ConversationItem } from "./conversation_item";
import { isTouch, SEARCH_KEYS } from "./input";
import { lazy } from "./lazy";
import { moveInList, useTabStop } from "./lists";
import { useLongPress } from "./long_press";
import { areShortcutsShown } from "./shortcuts";
import { isEnter, useTyped } from "./typed";

const load = () => import("./lazy_components");
const Account = lazy(() => load().then((module) => module.Account));
const BrowseRooms = lazy(() => load().then((module) => module.BrowseRooms));
const ConversationMenu = lazy(() => load().then((module) => module.ConversationMenu));
const NewChat = lazy(() => load().then((module) => module.NewChat));
const NewGroup = lazy(() => load().then((module) => module.NewGroup));
const SearchResults = lazy(() => load().then((module) => module.SearchResults));
const NewItems = lazy(() => load().then((module) => module.NewItems));
const UserItems = lazy(() => load().then((module) => module.UserItems));

type NewDialog = "chat" | "group" | "browse" | null;

interface SidebarProps {
  searchBox: RefObject<HTMLInputElement | null>;
  /** Whether it is the whole page, as on a phone without an open conversation. */
  isAlone: boolean;
}

export function Sidebar({ searchBox, isAlone }: SidebarProps) {
  const { text, query, set, field } = useTyped();
  /** Whether the first result is to be opened once it is there. */
  const [isEntered, setEntered] = useState(false);
  const [dialog, showDialog] = useState<NewDialog>(null);
  const [isUnreadOnly, setUnreadOnly] = useState(false);
  const side = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useTabStop(list);
  // The first time takes tens of milliseconds to format, in which the list is not there yet anyway.
  useEffect(() => void timeText(Date.now()), []);
  const write = (next: string) => {
    setEntered(false);
    set(next);
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" && text && !event.isComposing) {
      write("");
      searchBox.current?.focus();
    }
    if (event.target === searchBox.current && isEnter(event)) setEntered(query !== "");
    moveInList(event, side.current);
  };

  const newMenu = useRef<HTMLDivElement>(null);
  useFocusBack(dialog !== null, newMenu);
  const close = () => showDialog(null);
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: either role supports it
    // biome-ignore lint/a11y/noStaticElementInteractions: it has a role, which depends on the width
    <div
      class="side"
      ref={side}
      role={isAlone ? "main" : "navigation"}
      aria-label={t("list.label")}
      onKeyDown={onKey}
    >
      {isAlone && <h1 class="sr">{t("list.label")}</h1>}
      <div class="side-head">
        <UserMenu />
        <NewMenu box={newMenu} onPick={showDialog} />
      </div>
      <div class="search">
        <Icon name="search" size={18} />
        <input
          ref={searchBox}
          type="search"
          maxLength={100}
          placeholder={isTouch ? t("search.label") : `${t("search.label")}  ${SEARCH_KEYS}`}
          aria-label={t("search.label")}
          {...field}
          onInput={(event) => {
            setEntered(false);
            field.onInput(event);
          }}
        />
        {text ? (
          <IconButton icon="close" size={16} label={t("search.clear")} onClick={() => write("")} />
        ) : (
          <IconButton
            icon="filter"
            size={18}
            label={t("list.unreadOnly")}
            aria-pressed={isUnreadOnly}
            onClick={() => setUnreadOnly(!isUnreadOnly)}
          />
        )}
      </div>
      <div class="side-list" ref={list}>
        {query ? (
          <SearchResults
            query={query}
            opensFirst={isEntered}
            onOpened={() => setEntered(false)}
            onDone={() => write("")}
          />
        ) : (
          <Conversations isUnreadOnly={isUnreadOnly} onAll={() => setUnreadOnly(false)} />
        )}
      </div>
      {dialog === "chat" && <NewChat onClose={close} />}
      {dialog === "group" && <NewGroup onClose={close} />}
      {dialog === "browse" && <BrowseRooms onClose={close} />}
    </div>
  );
}

interface ConversationsProps {
  isUnreadOnly: boolean;
  onAll: () => void;
}

function Conversations({ isUnreadOnly, onAll }: ConversationsProps) {
  if (listState.value === "error") {
    return (
      <Empty icon="alert" title={t("list.error")}>
        <button type="button" class="button" onClick={() => void refreshList()}>
          {t("again")}
        </button>
      </Empty>
    );
  }
  if (listState.value !== "ready" || !me.value) return <Skeleton rows={9} kind="list" />;
  const list = listedConversations.value;
  if (list.length === 0 && !isListPartial.value) {
    return <Empty icon="people" title={t("list.empty")} hint={t("list.emptyHint")} />;
  }
  // The open conversation stays when it is read.
  const shown = isUnreadOnly
    ? list.filter(({ id, unread }) => unread > 0 || id === activeRoomId.value)
    : list;
  return (
    <>
      {isListPartial.value && (
        <p class="side-note" role="status">
          {t("list.partial")}
        </p>
      )}
      {isUnreadOnly && (
        <p class="side-note">
          {t(shown.some(({ unread }) => unread > 0) ? "list.onlyUnread" : "list.noneUnread")}{" "}
          <button type="button" class="link" onClick={onAll}>
            {t("list.all")}
          </button>
        </p>
      )}
      <Rows list={shown} />
    </>
  );
}

/** The height of a conversation. At first as many are drawn as fill the window, the others once these are on the screen. */
const ROW_PX = 64;
const OTHER_ROWS_DELAY_MS = 50;

/** The conversation of the list at which an element is. */
const conversationAt = (target: Element) =>
  Number(target.closest("li")?.querySelector<HTMLElement>("[data-room]")?.dataset.room);

function Rows({ list }: { list: Conversation[] }) {
  const [isWhole, setWhole] = useState(false);
  const [menu, showMenu] = useState<{ id: number; at: { x: number; y: number } } | null>(null);
  const box = useRef<HTMLUListElement>(null);
  useLongPress(box, conversationAt, (id) => showMenu({ id, at: { x: 0, y: 0 } }));
  useEffect(() => {
    const timer = setTimeout(() => setWhole(true), OTHER_ROWS_DELAY_MS);
    return () => clearTimeout(timer);
  }, []);
  // Keys, links and searches lead to conversations out of view.
  const active = activeRoomId.value;
  useEffect(() => {
    if (isWhole) box.current?.querySelector(`[data-room="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [isWhole, active]);
  const onMenu = (event: MouseEvent) => {
    const id = conversationAt(event.target as Element);
    // A long press shows the menu of a finger.
    if (!id || ("pointerType" in event && event.pointerType === "touch")) return;
    event.preventDefault();
    showMenu({ id, at: { x: event.clientX, y: event.clientY } });
  };
  return (
    <>
      <ul class="items" ref={box} onContextMenu={onMenu}>
        {(isWhole ? list : list.slice(0, Math.ceil(innerHeight / ROW_PX))).map((conversation) => (
          <Line key={conversation.id} conversation={conversation} onMenu={onMenu} />
        ))}
      </ul>
      {menu && <ConversationMenu {...menu} onClose={() => showMenu(null)} />}
    </>
  );
}

interface LineProps {
  conversation: Conversation;
  onMenu: (event: MouseEvent) => void;
}

/** An item of the list, with a button for its menu while the mouse points at it. */
function Line({ conversation, onMenu }: LineProps) {
  const [isPointed, setPointed] = useState(false);
  return (
    <li
      onPointerEnter={(event) => setPointed(event.pointerType === "mouse")}
      onPointerLeave={() => setPointed(false)}
    >
      <ConversationItem conversation={conversation} />
      {isPointed && (
        <IconButton icon="more" class="item-more" label={t("list.menu")} tabIndex={-1} onClick={onMenu} />
      )}
    </li>
  );
}

/** Moves the focus to the button of a menu when a dialog closes, as the item that opened the dialog is gone. */
function useFocusBack(isOpen: boolean, menu: RefObject<HTMLElement | null>): void {
  const wasOpen = useRef(false);
  useLayoutEffect(() => {
    if (wasOpen.current && !isOpen) menu.current?.querySelector("button")?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
}

/** A menu below its button. A click elsewhere or Esc closes it. */
function useMenu(box: RefObject<HTMLDivElement | null>) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    const onDown = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      box.current?.querySelector("button")?.focus();
    };
    addEventListener("pointerdown", onDown);
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("pointerdown", onDown);
      removeEventListener("keydown", onKey);
    };
  }, [isOpen]);
  return { isOpen, setOpen };
}

interface NewMenuProps {
  box: RefObject<HTMLDivElement | null>;
  onPick: (dialog: NewDialog) => void;
}

function NewMenu({ box, onPick }: NewMenuProps) {
  const { isOpen, setOpen } = useMenu(box);
  return (
    <div class="menu-box" ref={box}>
      <IconButton
        icon="plus"
        class="is-filled"
        label={t("new.label")}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      />
      {isOpen && (
        <NewItems
          onPick={(dialog) => {
            setOpen(false);
            onPick(dialog);
          }}
        />
      )}
    </div>
  );
}

function UserMenu() {
  const box = useRef<HTMLDivElement>(null);
  const { isOpen, setOpen } = useMenu(box);
  const [hasAccount, showAccount] = useState(false);
  useFocusBack(hasAccount, box);
  const name = me.value?.username ?? "";
  return (
    <div class="menu-box" ref={box}>
      <button
        type="button"
        class="me"
        aria-expanded={isOpen}
        aria-label={`${name} – ${t("menu.label")}`}
        onClick={() => setOpen(!isOpen)}
      >
        {name ? <Avatar name={name} src={me.value?.avatar} /> : <span class="avatar avatar-m is-blank" />}
        <bdi class="me-name">{name}</bdi>
      </button>
      {isOpen && (
        <UserItems
          onShortcuts={() => {
            setOpen(false);
            // Gets the focus back from the dialog: the item that opens it is gone by then.
            box.current?.querySelector("button")?.focus();
            areShortcutsShown.value = true;
          }}
          onAccount={() => {
            setOpen(false);
            showAccount(true);
          }}
        />
      )}
      {hasAccount && <Account onClose={() => showAccount(false)} />}
    </div>
  );
}
