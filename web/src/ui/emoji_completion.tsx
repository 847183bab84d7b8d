// The emoji whose names begin like what is written behind a colon.

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
import { CompletionList, type CompletionProps } from "./completion_list";
import "../style/emoji.css";

const MAX_OFFERED = 6;

interface EmojiCompletionProps extends CompletionProps {
  named: NamedEmoji;
  onPick: (emoji: string) => void;
}

export function EmojiCompletion({ named, onPick, ...field }: EmojiCompletionProps) {
  const [groups, setGroups] = useState<EmojiGroup[] | null>(null);
  useEffect(() => void loadEmoji().then(setGroups, field.onClose), []);
  const whole = groups && named.isClosed ? emojiNamed(groups, named.name) : undefined;
  const found = groups && !named.isClosed ? findEmoji(groups, named.name, MAX_OFFERED) : [];
  const pick = (emoji: string) => {
    noteEmoji(emoji);
    onPick(emoji);
  };
  useEffect(() => {
    if (whole) pick(whole);
  }, [whole]);
  return (
    <CompletionList
      {...field}
      label={t("emoji.title")}
      typed={named.name}
      found={found}
      keyOf={({ emoji }) => emoji}
      draw={(each) => (
        <>
          <span class="emoji-drawn">{each.emoji}</span> {emojiName(each)}
        </>
      )}
      onPick={({ emoji }) => pick(emoji)}
    />
  );
}
