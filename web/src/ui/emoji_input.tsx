// Emoji in a field of text: a button that picks one, and names behind a colon.

import type { JSX, RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { type NamedEmoji, namedEmojiAt } from "../model/emoji";
import { IconButton } from "./common";
import type { KeyTaker } from "./completion_list";
import { lazy } from "./lazy";
import { typeText } from "./typed_text";

type Field = RefObject<HTMLTextAreaElement | null>;

const EmojiCompletion = lazy(() => import("./lazy_components").then((module) => module.EmojiCompletion));
const EmojiPicker = lazy(() => import("./lazy_components").then((module) => module.EmojiPicker));

export function EmojiButton({ input }: { input: Field }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <IconButton icon="smile" label={t("emoji.title")} onClick={() => setOpen(true)} />
      {isOpen && (
        <EmojiPicker
          title={t("emoji.title")}
          // The closing dialog gives the focus back to the button first.
          onPick={(emoji) => requestAnimationFrame(() => typeText(input.current, emoji))}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

/** Completes what is typed into a field. */
export interface Completion {
  /** Looks what stands before the caret. */
  look: () => void;
  close: () => void;
  takesKey: KeyTaker;
  /** What it may mean. */
  list: JSX.Element | null;
}

/** Offers the emoji whose names begin like what is typed behind a colon. */
export function useEmojiNames(input: Field): Completion {
  const [named, setNamed] = useState<NamedEmoji | null>(null);
  const keys = useRef<KeyTaker | null>(null);
  const close = () => setNamed(null);
  const look = () => {
    const { value, selectionStart: from, selectionEnd: to } = input.current as HTMLTextAreaElement;
    setNamed(from === to ? namedEmojiAt(value, to) : null);
  };
  const list = named && (
    <EmojiCompletion
      named={named}
      input={input}
      keys={keys}
      onPick={(emoji) => {
        close();
        typeText(input.current, emoji, named.from);
      }}
      onClose={close}
    />
  );
  return { look, close, takesKey: (event) => keys.current?.(event) ?? false, list };
}
