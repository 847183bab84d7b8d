// The emoji whose names begin like what is written behind a colon.

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import {
  type EmojiGroup,
  emojiName,
  emojiNamed,
  findEmoji,
  loadEmoji,
  type NamedEmoji,
  noteEmoji,
} from "../model/emoji";
import "../style/emoji.css";

const MAX_OFFERED = 6;

/** Takes a key of the field and tells whether that is all it does. */
export type KeyTaker = (event: KeyboardEvent) => boolean;

interface EmojiCompletionProps {
  named: NamedEmoji;
  /** The field, whose focus stays: the list only tells it which one is chosen. */
  input: RefObject<HTMLTextAreaElement | null>;
  keys: RefObject<KeyTaker | null>;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

const ID = "emoji-completion";

export function EmojiCompletion({ named, input, keys, onPick, onClose }: EmojiCompletionProps) {
  const [groups, setGroups] = useState<EmojiGroup[] | null>(null);
  const [chosen, choose] = useState(0);
  useEffect(() => void loadEmoji().then(setGroups, onClose), []);
  const whole = groups && named.isClosed ? emojiNamed(groups, named.name) : undefined;
  const found = groups && !named.isClosed ? findEmoji(groups, named.name, MAX_OFFERED) : [];
  const pick = (emoji: string | undefined) => {
    if (!emoji) return;
    noteEmoji(emoji);
    onPick(emoji);
  };
  useEffect(() => pick(whole), [whole]);
  useEffect(() => choose(0), [named.name]);
  const current = Math.min(chosen, found.length - 1);
  useEffect(() => {
    keys.current = (event) => {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (found.length === 0 || event.isComposing || event.shiftKey) return false;
      if (step !== 0) choose((current + step + found.length) % found.length);
      else if (event.key === "Enter" || event.key === "Tab") pick(found[current]?.emoji);
      else if (event.key === "Escape") onClose();
      else return false;
      event.preventDefault();
      return true;
    };
    const field = input.current;
    if (found.length > 0) {
      field?.setAttribute("aria-controls", ID);
      field?.setAttribute("aria-activedescendant", `${ID}-${current}`);
    }
    return () => {
      keys.current = null;
      field?.removeAttribute("aria-controls");
      field?.removeAttribute("aria-activedescendant");
    };
  });
  if (found.length === 0) return null;
  return (
    <div class="completion" id={ID} role="listbox" aria-label={t("emoji.title")}>
      {found.map((each, at) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and takes the keys
        // biome-ignore lint/a11y/useFocusableInteractive: as above
        <div
          key={each.emoji}
          id={`${ID}-${at}`}
          class="completion-item"
          role="option"
          aria-selected={at === current}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => pick(each.emoji)}
        >
          <span class="emoji-drawn">{each.emoji}</span> {emojiName(each)}
        </div>
      ))}
    </div>
  );
}
