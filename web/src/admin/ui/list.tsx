// What the sections share: a search field, a list that is read page by page, and a place for the focus.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { errorText } from "../../i18n/errors";
import { t } from "../i18n";
import { type Page, PagedList } from "../model/paged_list";
import { filterView, view } from "../model/view";
import { Icon } from "./icon";

/** Typing is over after this time. */
const TYPED_MS = 250;

/** A list that is read again whenever the search changes. */
export function usePagedList<T>(
  load: (cursor: string | null) => Promise<Page<T>>,
  keyOf: (item: T) => string | number,
  wanted = "",
): PagedList<T> {
  const latest = useRef(load);
  latest.current = load;
  const list = useMemo(() => new PagedList<T>((cursor) => latest.current(cursor), keyOf), []);
  useEffect(() => void list.start(), [wanted]);
  return list;
}

/** A list of what the text in the search field finds. */
export function useFound<T extends { id: number }>(
  find: (q: string, cursor: string | null) => Promise<Page<T>>,
): PagedList<T> {
  const { q } = view.value;
  return usePagedList(
    (cursor) => find(q, cursor),
    ({ id }) => id,
    q,
  );
}

/** Sets the text of the search when the user stops typing. */
export function Search({ label }: { label: string }) {
  const id = useId();
  const { q } = view.value;
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (text.trim() === view.peek().q) return;
    const timer = setTimeout(() => filterView({ q: text.trim() }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <form class="finder" onSubmit={(event) => event.preventDefault()}>
      <label class="sr" for={id}>
        {label}
      </label>
      <Icon name="search" />
      <input
        id={id}
        class="input"
        type="search"
        placeholder={label}
        maxLength={100}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}

interface ListProps<T> {
  list: PagedList<T>;
  label: string;
  empty: string;
  row: (item: T, at: number) => ComponentChildren;
}

/** Draws a list and its state. */
export function List<T>({ list, label, empty, row }: ListProps<T>) {
  const { items, hasMore, isLoading, error } = list.state.value;
  const isEmpty = items.length === 0;
  return (
    <section class="rows-box" aria-label={label} aria-busy={isLoading}>
      {!isEmpty && <ul class="rows">{items.map(row)}</ul>}
      <p class={isEmpty ? "rows-note" : "sr"} role="status">
        {isLoading ? t("loading") : isEmpty && !error && !hasMore ? empty : ""}
      </p>
      {error !== null && (
        <div class="note is-bad" role="alert">
          {t("list.failed")}: {errorText(error)}
        </div>
      )}
      {(error !== null || hasMore) && (
        <button
          type="button"
          class="button rows-more"
          disabled={isLoading}
          onClick={() => void (isEmpty && error !== null ? list.start() : list.more())}
        >
          {t(error === null ? "more" : "again")}
        </button>
      )}
    </section>
  );
}

/** Gives the focus to the heading of the section when what had it is gone, once no dialog keeps it any more. */
export function focusSection(): void {
  requestAnimationFrame(() => {
    if (document.querySelector("dialog[open]")) focusSection();
    else document.getElementById("section")?.focus();
  });
}

/** A name, which may be of any script and direction. */
export const Name = ({ children }: { children: string }) => <bdi class="row-name">{children}</bdi>;
