// A field that looks for something at the server while one types.

import { useEffect, useState } from "preact/hooks";
import { Icon } from "./parts";

const PAUSE_MS = 200;

/** What the server finds for a text, a moment after the last key; `null` until it has answered. */
export function useFinder<T>(
  text: string,
  find: (query: string) => Promise<T[]>,
  isEager = false,
): T[] | null {
  const [found, setFound] = useState<T[] | null>(null);
  const query = text.trim();
  useEffect(() => {
    if (!query && !isEager) return setFound(null);
    let isCurrent = true;
    const ask = async () => {
      const list = await find(query).catch(() => []);
      if (isCurrent) setFound(list);
    };
    const timer = setTimeout(ask, query ? PAUSE_MS : 0);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);
  return found;
}

interface FindBoxProps {
  label: string;
  value: string;
  onInput: (text: string) => void;
}

export function FindBox({ label, value, onInput }: FindBoxProps) {
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
