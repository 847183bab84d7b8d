// The search for messages in all conversations, beside the one that is open; on a phone in place of it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { briefTime, fullTime } from "../i18n/format";
import type { FoundMessages } from "../model/found_messages";
import { personName, preview, roomName } from "../model/labels";
import { begun, filters, find, found, place, setFilters } from "../model/message_search";
import { conversations } from "../model/rooms";
import { splitAtMatches } from "../model/search";
import type { RoomMessage } from "../net/types";
import { Empty, Icon, IconButton, UserAvatar } from "./common";
import { moveInList, useTabStop } from "./lists";
import { PersonButton } from "./person_button";
import { SearchFilters } from "./search_filters";
import { closeSearch, showFound } from "./search_page";
import { useTyped } from "./typed";
import { UserCard } from "./user_card";

const TYPING_PAUSE_MS = 250;
/** More are requested when fewer pixels are left below. */
const PREFETCH_PX = 600;

export function SearchPanel() {
  return <Panel key={begun.value} />;
}

function Panel() {
  const panel = useRef<HTMLElement>(null);
  const { text, query, set, field } = useTyped(filters.peek().text);
  useEffect(() => setFilters({ text: query }), [query]);
  useEffect(() => {
    const timer = setTimeout(find, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [filters.value]);
  useEffect(() => {
    // Who comes back finds the message that was shown; everyone else types.
    const shown = panel.current?.querySelector<HTMLElement>(`[data-found="${place.shown}"]`);
    (shown ?? panel.current?.querySelector("input"))?.focus();
    const onKey = (event: KeyboardEvent) => {
      const isPlain = event.key === "Escape" && !event.isComposing && !event.defaultPrevented;
      const isInside = panel.current?.contains(event.target as Node) || event.target === document.body;
      if (!isPlain || !isInside || document.querySelector("dialog[open]")) return;
      // The field would lose its text.
      event.preventDefault();
      close();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const results = found.value;
  return (
    <aside
      class="finder"
      ref={panel}
      aria-label={t("find.title")}
      onKeyDown={(event) => {
        moveInList(event, panel.current);
        moveToPerson(event);
      }}
    >
      <header class="finder-head">
        <h2>{t("find.title")}</h2>
        <IconButton icon="close" label={t("close")} onClick={close} />
      </header>
      <search>
        <div class="search">
          <Icon name="search" size={18} />
          <input
            type="search"
            maxLength={100}
            placeholder={t("find.hint")}
            aria-label={t("find.hint")}
            autocomplete="off"
            enterkeyhint="search"
            spellcheck={false}
            {...field}
          />
          {text && <IconButton icon="close" size={16} label={t("search.clear")} onClick={() => set("")} />}
        </div>
        <SearchFilters />
      </search>
      {results ? (
        <Results results={results} wanted={filters.value.text} />
      ) : (
        <Empty icon="search" title={t("find.start")} hint={t("find.startHint")} />
      )}
    </aside>
  );
}

/** Closes the panel, and leads the focus back to the conversation. */
function close(): void {
  closeSearch();
  requestAnimationFrame(() => {
    const find = (selector: string) => document.querySelector<HTMLElement>(selector);
    (find(".pane-head .is-search") ?? find(".side input[type=search]"))?.focus();
  });
}

/** Moves the focus from a message to its sender and back. */
function moveToPerson(event: KeyboardEvent): void {
  const line = (event.target as Element).closest("li");
  const selector = { ArrowLeft: ".hit-person", ArrowRight: ".item" }[event.key];
  if (selector) line?.querySelector<HTMLElement>(selector)?.focus();
}

function Results({ results, wanted }: { results: FoundMessages; wanted: string }) {
  const box = useRef<HTMLDivElement>(null);
  useTabStop(box);
  const { messages, state, isPartial } = results;
  const list = messages.value;
  const isBusy = state.value === "busy";
  const readOn = () => {
    const element = box.current;
    if (!element || state.peek() !== "more") return;
    if (element.scrollHeight - element.scrollTop - element.clientHeight < PREFETCH_PX) void results.more();
  };
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = place.top;
  }, [results]);
  useEffect(readOn, [list, state.value]);
  return (
    <div
      class="finder-list"
      ref={box}
      aria-busy={isBusy}
      onScroll={({ currentTarget }) => {
        place.top = currentTarget.scrollTop;
        readOn();
      }}
    >
      <p class="sr" role="status">
        {isBusy ? t("search.busy") : t("find.count", { n: list.length })}
      </p>
      {list.length === 0 && state.value === "done" && (
        <Empty icon="search" title={t("find.none")} hint={t("find.noneHint")} />
      )}
      <ul class="items">
        {list.map((message) => (
          <li class="hit" key={message.id}>
            <Hit message={message} wanted={wanted} />
          </li>
        ))}
      </ul>
      {isBusy && (
        <p class="finder-more" aria-hidden="true">
          <span class="spinner" />
        </p>
      )}
      {state.value === "failed" && (
        <p class="side-note" role="alert">
          {t("find.error")}{" "}
          <button type="button" class="link" onClick={() => void results.more()}>
            {t("again")}
          </button>
        </p>
      )}
      {isPartial.value && <p class="side-note">{t("list.partial")}</p>}
      {state.value === "done" && list.length > 0 && <p class="side-note">{t("find.end")}</p>}
    </div>
  );
}

function Hit({ message, wanted }: { message: RoomMessage; wanted: string }) {
  const room = conversations.value.get(message.room_id);
  const name = personName(message.username);
  const at = Date.parse(message.created_at);
  const [isShown, setShown] = useState(place.shown === message.id);
  const show = () => {
    showFound(message);
    setShown(true);
  };
  return (
    <>
      <PersonButton Card={UserCard} id={message.user_id} name={name} class="hit-person">
        <UserAvatar id={message.user_id} name={name} size="s" />
      </PersonButton>
      <button
        type="button"
        class={`item ${isShown ? "is-shown" : ""}`}
        data-found={message.id}
        onClick={show}
      >
        <span class="item-body">
          <span class="item-top">
            <bdi class="item-name">{name}</bdi>
            <time class="item-time" dateTime={message.created_at} title={fullTime(at)}>
              {briefTime(at)}
            </time>
          </span>
          {room && (
            <span class="hit-room">
              <Icon name={room.is_private ? "person" : "people"} size={14} />
              <bdi>{roomName(room)}</bdi>
            </span>
          )}
          <bdi class="hit-text">
            <Marked text={preview(message)} wanted={wanted} />
          </bdi>
        </span>
      </button>
    </>
  );
}

/** A text in which what was searched for is marked. */
export function Marked({ text, wanted }: { text: string; wanted: string }) {
  return (
    <>
      {splitAtMatches(text, wanted).map((part, at) =>
        part.isMatch ? <mark key={at}>{part.text}</mark> : part.text,
      )}
    </>
  );
}
