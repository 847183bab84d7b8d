// A field that searches at the server while the user types.

import { useEffect, useState } from "preact/hooks";
import { patiently } from "../model/search";
import { Icon } from "./common";

const TYPING_PAUSE_MS = 200;

/** The results of the server for a text, a moment after the last key; `null` until it has answered. */
export function useServerSearch<T>(
  text: string,
  find: (query: string) => Promise<T[]>,
  isEager = false,
): T[] | null {
  const [found, setFound] = useState<T[] | null>(null);
  const query = text.trim();
  useEffect(() => {
    if (!query && !isEager) return setFound(null);
    let isCurrent = true;
    const search = async () => {
      const list = await patiently(
        () => find(query),
        () => isCurrent,
      );
      if (isCurrent) setFound(list);
    };
    const timer = setTimeout(search, query ? TYPING_PAUSE_MS : 0);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}

interface SearchFieldProps {
  label: string;
  value: string;
  onInput: (text: string) => void;
}

export function SearchField({ label, value, onInput }: SearchFieldProps) {
  return (
    <div class="search is-dialog">
      <Icon name="search" size={18} />
      <input
        type="search"
        value={value}
        maxLength={100}
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}
