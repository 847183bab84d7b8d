// The text of a search field.

import type { TargetedEvent } from "preact";
import { useState } from "preact/hooks";

type FieldEvent = TargetedEvent<HTMLInputElement>;

/** What is typed into a field: the text that it shows, and the query, which waits for the end of a composition. */
export function useTyped(initial = "") {
  const [text, setText] = useState(initial);
  const [query, setQuery] = useState(initial);
  const set = (next: string) => {
    setText(next);
    setQuery(next.trim());
  };
  const field = {
    value: text,
    onInput: (event: FieldEvent) => {
      const { value } = event.currentTarget;
      if ("isComposing" in event && event.isComposing) setText(value);
      else set(value);
    },
    onCompositionEnd: (event: FieldEvent) => set(event.currentTarget.value),
  };
  return { text, query, set, field };
}

/** Whether a key is the Enter that a user means, and not the one that ends a composition. */
export function isEnter(event: KeyboardEvent): boolean {
  // Old browsers tell only by key code 229.
  return event.key === "Enter" && !event.isComposing && event.keyCode !== 229;
}
