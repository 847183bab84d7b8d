// Where messages are written. The draft is kept with every change.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { draftOf, keepDraft } from "../model/drafts";
import { askOnce } from "../model/notify";
import type { Room } from "../model/rooms";
import { noteTyping, send, typedNothing } from "../model/sending";
import { me } from "../model/session";
import { TYPES } from "../model/uploads";
import { preview } from "../model/words";
import { Icon, IconButton } from "./parts";

const MAX_CHARS = 5000;

interface ComposerProps {
  room: Room;
  input: RefObject<HTMLTextAreaElement | null>;
  replyTo: number | null;
  onReplied: () => void;
  onFiles: (files: Iterable<File>) => void;
}

export function Composer({ room, input, replyTo, onReplied, onFiles }: ComposerProps) {
  const [text, setText] = useState(() => draftOf(room.id).text);
  const file = useRef<HTMLInputElement>(null);
  const isKnown = me.value !== null;

  // The drafts are known once it is known whose they are.
  useEffect(() => {
    if (isKnown) setText((typed) => typed || draftOf(room.id).text);
    if (matchMedia("(hover: hover)").matches) input.current?.focus({ preventScroll: true });
  }, [isKnown]);
  useEffect(() => {
    if (isKnown) keepDraft(room.id, { text, replyTo });
  }, [text, replyTo, isKnown]);
  useLayoutEffect(() => {
    const area = input.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  const length = Array.from(text).length;
  const isEmpty = text.trim() === "";
  // Until it is known who writes, the text waits in its box.
  const canSend = isKnown && !isEmpty && length <= MAX_CHARS;
  const submit = () => {
    if (!canSend) return;
    askOnce();
    send(room.id, text, replyTo);
    setText("");
    onReplied();
    typedNothing();
    input.current?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    // The Enter that ends a composition belongs to the input method; old engines say only 229.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !isComposing) {
      event.preventDefault();
      submit();
    }
    if (event.key === "Escape" && !isComposing) {
      if (replyTo !== null) return onReplied();
      document.querySelector<HTMLElement>(".item.is-active")?.focus();
    }
  };
  const source = replyTo === null ? undefined : room.byId(replyTo);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {replyTo !== null && (
        <div class="replying">
          <Icon name="reply" size={18} />
          <span class="replying-body">
            <bdi class="quote-name">{t("msg.replyingTo", { name: source?.username ?? "…" })}</bdi>
            <bdi class="quote-text">{source ? preview(source) : ""}</bdi>
          </span>
          <IconButton icon="close" size={17} label={t("msg.cancelReply")} onClick={onReplied} />
        </div>
      )}
      <div class="composer-line">
        <IconButton icon="image" label={t("compose.image")} onClick={() => file.current?.click()} />
        <input
          ref={file}
          type="file"
          class="file-input"
          accept={TYPES.join(",")}
          multiple
          tabIndex={-1}
          aria-label={t("compose.image")}
          onChange={(event) => {
            onFiles([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          ref={input}
          rows={1}
          value={text}
          placeholder={t("compose.hint")}
          aria-label={t("compose.label")}
          title={t("compose.keys")}
          enterkeyhint="send"
          dir="auto"
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (event.currentTarget.value) noteTyping(room.id);
          }}
          onKeyDown={onKey}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0) return;
            event.preventDefault();
            onFiles(files);
          }}
        />
        <button
          type="submit"
          class="icon-button is-filled is-send"
          aria-label={t("compose.send")}
          disabled={!canSend}
        >
          <Icon name="send" />
        </button>
      </div>
      {length > MAX_CHARS - 500 && (
        <p class={`composer-count ${length > MAX_CHARS ? "is-bad" : ""}`}>
          {t("compose.long", { n: length })}
        </p>
      )}
    </form>
  );
}
