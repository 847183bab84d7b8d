// A field that searches on the server while the user types, and the list of the results.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { patiently } from "../model/search";
import { Icon } from "./common";
import { moveInList, useTabStop } from "./lists";
import { isEnter, useTyped } from "./typed";

const TYPING_PAUSE_MS = 200;

interface Found<T> {
  query: string;
  list: T[];
}

/** The results of the server for a query, a moment after the last key; `null` until it has answered. */
function useServerSearch<T>(query: string, find: (query: string) => Promise<T[]>, isEager: boolean) {
  const [found, setFound] = useState<Found<T> | null>(null);
  useEffect(() => {
    if (!query && !isEager) return setFound(null);
    let isCurrent = true;
    const search = async () => {
      const list = await patiently(
        () => find(query),
        () => isCurrent,
      );
      if (isCurrent) setFound({ query, list });
    };
    const timer = setTimeout(search, query ? TYPING_PAUSE_MS : 0);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}

interface SearchListProps<T> {
  label: string;
  find: (query: string) => Promise<T[]>;
  /** Whether an empty query lists what there is. */
  isEager?: boolean;
  /** Whether several results may be picked: the field is emptied for the next one. */
  picksMany?: boolean;
  isListed?: (result: T) => boolean;
  onPick: (result: T) => void;
  draw: (result: T) => ComponentChildren;
  /** What is said when nothing was found. */
  none?: (query: string) => string;
  class?: string;
}

/** The arrow keys lead from the field to the results, and Enter in the field picks the first. */
export function SearchList<T extends { id: number }>(props: SearchListProps<T>) {
  const { label, find, isEager = false, picksMany, isListed = () => true, onPick, draw, none } = props;
  const { query, set, field } = useTyped();
  /** The query whose first result is to be picked once it is there. */
  const [wanted, setWanted] = useState<string | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useTabStop(box);
  const found = useServerSearch(query, find, isEager);
  const list = found?.list.filter(isListed);
  const pick = (result: T) => {
    if (picksMany) {
      set("");
      box.current?.querySelector("input")?.focus();
    }
    onPick(result);
  };
  useEffect(() => {
    if (wanted === null || found?.query !== wanted) return;
    setWanted(null);
    if (wanted === query && list?.[0]) pick(list[0]);
  });
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys move between the field and the results inside
    <div ref={box} onKeyDown={(event) => moveInList(event, box.current)}>
      <div class="search is-dialog">
        <Icon name="search" size={18} />
        <input
          type="search"
          maxLength={100}
          placeholder={label}
          aria-label={label}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          {...field}
          onKeyDown={(event) => {
            if (!isEnter(event)) return;
            event.preventDefault();
            setWanted(query);
          }}
        />
      </div>
      <ul class={`items ${props.class ?? ""}`}>
        {list?.map((result) => (
          <li key={result.id}>
            <button type="button" class="item is-line" onClick={() => pick(result)}>
              {draw(result)}
            </button>
          </li>
        ))}
      </ul>
      {found?.list.length === 0 && none && <p class="side-note">{none(query)}</p>}
    </div>
  );
}
