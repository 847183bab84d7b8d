// The sidebar: menus, search and the list of conversations.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { refreshList } from "../model/conversation_list";
import { isListPartial, listState, sortedConversations } from "../model/rooms";
import { me } from "../model/session";
import { Avatar, Empty, Icon, IconButton, Skeleton } from "./common";
import { ConversationItem } from "./conversation_item";
import { lazy } from "./lazy";

const load = () => import("./lazy_components");
const Account = lazy(() => load().then((module) => module.Account));
const BrowseRooms = lazy(() => load().then((module) => module.BrowseRooms));
const NewChat = lazy(() => load().then((module) => module.NewChat));
const NewGroup = lazy(() => load().then((module) => module.NewGroup));
const SearchResults = lazy(() => load().then((module) => module.SearchResults));
const NewItems = lazy(() => load().then((module) => module.NewItems));
const UserItems = lazy(() => load().then((module) => module.UserItems));

/** Touch screens have no Ctrl K. */
const hasKeyboard = matchMedia("(hover: hover)").matches;

type NewDialog = "chat" | "group" | "browse" | null;

export function Sidebar({ searchBox }: { searchBox: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState("");
  const [dialog, showDialog] = useState<NewDialog>(null);
  const list = useRef<HTMLDivElement>(null);

  /** The arrow keys move the focus through the list. */
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" && text) {
      setText("");
      searchBox.current?.focus();
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const items = [...(list.current?.querySelectorAll<HTMLElement>("a.item, button.item") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = event.key === "ArrowDown" ? at + 1 : at - 1;
    event.preventDefault();
    if (next < 0) searchBox.current?.focus();
    else items[Math.min(next, items.length - 1)]?.focus();
  };

  const newButton = useRef<HTMLDivElement>(null);
  /** Moves the focus to the button of the menu, as the item that opened the dialog is gone. */
  const close = () => {
    showDialog(null);
    newButton.current?.querySelector("button")?.focus();
  };
  return (
    <nav class="side" aria-label={t("list.label")} onKeyDown={onKey}>
      <header class="side-head">
        <UserMenu />
        <NewMenu onPick={showDialog} />
      </header>
      <div class="search">
        <Icon name="search" size={18} />
        <input
          ref={searchBox}
          type="search"
          value={text}
          maxLength={100}
          placeholder={t(hasKeyboard ? "search.hint" : "search.label")}
          aria-label={t("search.label")}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        {text && <IconButton icon="close" size={16} label={t("search.clear")} onClick={() => setText("")} />}
      </div>
      <div class="side-list" ref={list}>
        {text.trim() ? <SearchResults query={text.trim()} onDone={() => setText("")} /> : <Conversations />}
      </div>
      {dialog === "chat" && <NewChat onClose={close} />}
      {dialog === "group" && <NewGroup onClose={close} />}
      {dialog === "browse" && <BrowseRooms onClose={close} />}
    </nav>
  );
}

function Conversations() {
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
  const isEmpty = sortedConversations.value.length === 0;
  if (isEmpty && !isListPartial.value) {
    return <Empty icon="people" title={t("list.empty")} hint={t("list.emptyHint")} />;
  }
  return (
    <>
      {isListPartial.value && (
        <p class="side-note" role="status">
          {t("list.partial")}
        </p>
      )}
      <Rows />
    </>
  );
}

/** Enough conversations to fill any window. The others are drawn once these are on the screen. */
const FIRST_ROWS = 30;
const OTHER_ROWS_DELAY_MS = 50;

function Rows() {
  const [isWhole, setWhole] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWhole(true), OTHER_ROWS_DELAY_MS);
    return () => clearTimeout(timer);
  }, []);
  const shown = isWhole ? sortedConversations.value : sortedConversations.value.slice(0, FIRST_ROWS);
  return (
    <ul class="items">
      {shown.map((conversation) => (
        <li key={conversation.id}>
          <ConversationItem conversation={conversation} />
        </li>
      ))}
    </ul>
  );
}

/** A menu below its button. A click elsewhere or Esc closes it. */
function useMenu() {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
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
  return { isOpen, setOpen, box };
}

function NewMenu({ onPick }: { onPick: (dialog: NewDialog) => void }) {
  const { isOpen, setOpen, box } = useMenu();
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
  const { isOpen, setOpen, box } = useMenu();
  const [hasAccount, showAccount] = useState(false);
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
          onAccount={() => {
            setOpen(false);
            showAccount(true);
          }}
        />
      )}
      {hasAccount && (
        <Account
          onClose={() => {
            showAccount(false);
            box.current?.querySelector("button")?.focus();
          }}
        />
      )}
    </div>
  );
}
