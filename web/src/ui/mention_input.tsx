// Names behind an `@` in the composer.

import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { type TypedMention, typedMentionAt } from "../model/mentions";
import type { Room } from "../model/rooms";
import type { KeyTaker } from "./completion_list";
import type { Completion } from "./emoji_input";
import { lazy } from "./lazy";
import { typeText } from "./typed_text";

const MentionCompletion = lazy(() => import("./lazy_components").then((module) => module.MentionCompletion));

/** Offers the members of a room whose names begin like what is typed behind an `@`. */
export function useMentionNames(input: RefObject<HTMLTextAreaElement | null>, room: Room): Completion {
  const [typed, setTyped] = useState<TypedMention | null>(null);
  /** What was picked last: what is typed behind it is no longer name, even if a longer one begins like that. */
  const picked = useRef<TypedMention | null>(null);
  const keys = useRef<KeyTaker | null>(null);
  const close = () => setTyped(null);
  const look = () => {
    const { value, selectionStart: from, selectionEnd: to } = input.current as HTMLTextAreaElement;
    const next = from === to ? typedMentionAt(value, to) : null;
    const { current: last } = picked;
    const isPicked = last !== null && next?.from === last.from && next.name.startsWith(last.name);
    setTyped(isPicked ? null : next);
  };
  const list = typed && (
    <MentionCompletion
      room={room}
      typed={typed.name}
      input={input}
      keys={keys}
      onPick={(name) => {
        picked.current = { from: typed.from, name };
        close();
        typeText(input.current, `@${name} `, typed.from);
      }}
      onClose={close}
    />
  );
  return { look, close, takesKey: (event) => keys.current?.(event) ?? false, list };
}
