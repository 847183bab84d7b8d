// Completions of a word that is being typed. The field keeps the focus: the list only tells it what is chosen.

import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import "../style/completion.css";

/** Handles a key of the field. Returns whether the field must ignore it. */
export type KeyTaker = (event: KeyboardEvent) => boolean;

/** What each list needs of the field. */
export interface CompletionProps {
  input: RefObject<HTMLTextAreaElement | null>;
  keys: RefObject<KeyTaker | null>;
  onClose: () => void;
}

interface CompletionListProps<T> extends CompletionProps {
  label: string;
  /** What is typed: another text chooses the first one again. */
  typed: string;
  found: T[];
  keyOf: (each: T) => string | number;
  draw: (each: T) => ComponentChildren;
  onPick: (each: T) => void;
}

const ID = "completion";

export function CompletionList<T>({
  label,
  typed,
  found,
  keyOf,
  draw,
  onPick,
  ...field
}: CompletionListProps<T>) {
  const { input, keys, onClose } = field;
  const [chosen, choose] = useState(0);
  // The next key may follow before a frame is drawn.
  useLayoutEffect(() => choose(0), [typed]);
  const current = Math.min(chosen, found.length - 1);
  useLayoutEffect(() => {
    const area = input.current;
    if (!area || found.length === 0) return;
    keys.current = (event) => {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const picked = found[current];
      if (!picked || event.isComposing || event.shiftKey) return false;
      if (step !== 0) choose((current + step + found.length) % found.length);
      else if (event.key === "Enter" || event.key === "Tab") onPick(picked);
      else if (event.key === "Escape") onClose();
      else return false;
      event.preventDefault();
      return true;
    };
    area.setAttribute("aria-controls", ID);
    area.setAttribute("aria-activedescendant", `${ID}-${current}`);
    return () => {
      keys.current = null;
      area.removeAttribute("aria-controls");
      area.removeAttribute("aria-activedescendant");
    };
  });
  if (found.length === 0) return null;
  return (
    <div class="completion" id={ID} role="listbox" aria-label={label}>
      {found.map((each, at) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and takes the keys
        // biome-ignore lint/a11y/useFocusableInteractive: as above
        <div
          key={keyOf(each)}
          id={`${ID}-${at}`}
          class="completion-item"
          role="option"
          aria-selected={at === current}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onPick(each)}
        >
          {draw(each)}
        </div>
      ))}
    </div>
  );
}
