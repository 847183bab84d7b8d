// The left side: search, conversations, the menus.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { refresh } from "../model/list";
import { listState, sorted } from "../model/rooms";
import { me } from "../model/session";
import { Item } from "./conversation_item";
import { later } from "./later";
import { Avatar, Empty, Icon, IconButton, Skeleton } from "./parts";

const Browse = later(() => import("./extras").then((it) => it.Browse));
const NewChat = later(() => import("./extras").then((it) => it.NewChat));
const NewGroup = later(() => import("./extras").then((it) => it.NewGroup));
const Found = later(() => import("./extras").then((it) => it.Found));

const NewItems = later(() => import("./extras").then((it) => it.NewItems));
const UserItems = later(() => import("./extras").then((it) => it.UserItems));

/** Who touches has no Ctrl K. */
const hasKeys = matchMedia("(hover: hover)").matches;

type Shown = "chat" | "group" | "browse" | null;

export function List({ searchBox }: { searchBox: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState("");
  const [shown, show] = useState<Shown>(null);
  const list = useRef<HTMLDivElement>(null);

  /** Arrows walk over whatever is listed. */
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
  /** The menu item that opened a window is gone when it closes: its button has the focus instead. */
  const close = () => {
    show(null);
    newButton.current?.querySelector("button")?.focus();
  };
  return (
    <nav class="side" aria-label={t("list.label")} onKeyDown={onKey}>
      <header class="side-head">
        <UserMenu />
        <NewMenu onPick={show} />
      </header>
      <div class="search">
        <Icon name="search" size={18} />
        <input
          ref={searchBox}
          type="search"
          value={text}
          maxLength={100}
          placeholder={t(hasKeys ? "search.hint" : "search.label")}
          aria-label={t("search.label")}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        {text && <IconButton icon="close" size={16} label={t("search.clear")} onClick={() => setText("")} />}
      </div>
      <div class="side-list" ref={list}>
        {text.trim() ? <Found query={text.trim()} onDone={() => setText("")} /> : <Conversations />}
      </div>
      {shown === "chat" && <NewChat onClose={close} />}
      {shown === "group" && <NewGroup onClose={close} />}
      {shown === "browse" && <Browse onClose={close} />}
    </nav>
  );
}

function Conversations() {
  if (listState.value === "error") {
    return (
      <Empty icon="alert" title={t("list.error")}>
        <button type="button" class="button" onClick={() => void refresh()}>
          {t("again")}
        </button>
      </Empty>
    );
  }
  if (listState.value !== "ready" || !me.value) return <Skeleton rows={9} kind="list" />;
  if (sorted.value.length === 0)
    return <Empty icon="people" title={t("list.empty")} hint={t("list.emptyHint")} />;
  return <Rows />;
}

/** Conversations that fill any window; the others are drawn once these are seen. */
const FIRST_ROWS = 30;
const OTHERS_MS = 50;

function Rows() {
  const [isWhole, setWhole] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWhole(true), OTHERS_MS);
    return () => clearTimeout(timer);
  }, []);
  const shown = isWhole ? sorted.value : sorted.value.slice(0, FIRST_ROWS);
  return (
    <ul class="items">
      {shown.map((it) => (
        <li key={it.id}>
          <Item it={it} />
        </li>
      ))}
    </ul>
  );
}

/** Opens below its button; any click elsewhere and Esc close it. */
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

function NewMenu({ onPick }: { onPick: (shown: Shown) => void }) {
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
          onPick={(shown) => {
            setOpen(false);
            onPick(shown);
          }}
        />
      )}
    </div>
  );
}

function UserMenu() {
  const { isOpen, setOpen, box } = useMenu();
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
        {name ? <Avatar name={name} /> : <span class="avatar avatar-m is-blank" />}
        <bdi class="me-name">{name}</bdi>
      </button>
      {isOpen && <UserItems />}
    </div>
  );
}
