// The box for new messages. Every change of its text is saved as a draft.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { canEdit, editMessage } from "../model/amending";
import { draftOf, returnToDraft, saveDraft, watchDraft } from "../model/drafts";
import { personName, preview } from "../model/labels";
import { countChars, cutToFit, MAX_CHARS } from "../model/limits";
import { requestPermissionOnce } from "../model/notifications";
import type { Room } from "../model/rooms";
import { resetTyping, sendFiles, sendText, sendTyping } from "../model/sending";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import { takeWaiting, waitingIn } from "../model/tray";
import { EXTENSIONS, IMAGE_TYPES } from "../model/uploads";
import { Icon, IconButton } from "./common";
import { EmojiButton, useEmojiNames } from "./emoji_input";
import { isTouch } from "./input";
import { lazy } from "./lazy";
import { useMentionNames } from "./mention_input";

const FormattingHelp = lazy(() => import("./lazy_components").then((module) => module.FormattingHelp));
const Tray = lazy(() => import("./lazy_components").then((module) => module.Tray));

/** From this length on the composer shows the number of characters. */
const COUNTED_FROM = MAX_CHARS - 500;

/** Between the composer and a panel above it. */
const PANEL_GAP_PX = 8;

interface ComposerProps {
  room: Room;
  input: RefObject<HTMLTextAreaElement | null>;
  replyTo: number | null;
  onReplyDone: () => void;
  onFiles: (files: Iterable<File>) => void;
}

export function Composer({ room, input, replyTo, onReplyDone, onFiles }: ComposerProps) {
  const [text, setText] = useState(() => draftOf(room.id).text);
  /** Whether a part of the last input was left out. */
  const [isCut, setCut] = useState(false);
  const [hasHelp, showHelp] = useState(false);
  /** Whether an edit is on its way. */
  const [isSaving, setSaving] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const isKnown = me.value !== null;
  const editing = room.editing.value;

  /** The text as it will be drawn. */
  const latest = useRef(text);
  const show = (next: string) => {
    latest.current = next;
    setText(next);
  };
  const keep = () => {
    if (editing !== null) room.unsavedEdit = { id: editing, text: latest.current };
    else if (isKnown) saveDraft(room.id, { text: latest.current, replyTo });
  };
  // Only changes of the user in this tab are saved: saving those of other tabs would overwrite their next ones.
  const change = (next: string) => {
    show(next);
    keep();
  };
  useEffect(() => watchDraft(room.id, (draft) => room.editing.peek() === null && show(draft.text)), [room]);
  // During an edit the box has its text. The draft waits.
  const wasEditing = useRef(false);
  useLayoutEffect(() => {
    if (editing === null && !wasEditing.current) return;
    wasEditing.current = editing !== null;
    const { unsavedEdit } = room;
    const edited = unsavedEdit?.id === editing ? unsavedEdit.text : room.byId(editing ?? 0)?.text;
    show(editing === null ? draftOf(room.id).text : (edited ?? ""));
    setCut(false);
    input.current?.focus({ preventScroll: true });
  }, [editing]);
  const stopEditing = () => {
    room.editing.value = null;
    room.unsavedEdit = null;
  };
  useEffect(() => {
    const begun = room.byId(room.unsavedEdit?.id ?? 0);
    if (begun) room.editing.value = begun.id;
    return () => {
      room.editing.value = null;
    };
  }, [room]);
  const isEditedGone = editing !== null && !room.byId(editing);
  useEffect(() => {
    if (!isEditedGone) return;
    const { unsavedEdit } = room;
    if (unsavedEdit?.text) returnToDraft(room.id, { text: unsavedEdit.text, replyTo: null });
    stopEditing();
    showToast(t("error.message"));
  }, [isEditedGone]);
  // Drafts are known once the user is known.
  useEffect(() => {
    if (isKnown) show(latest.current || draftOf(room.id).text);
    if (!isTouch) input.current?.focus({ preventScroll: true });
  }, [isKnown]);
  useEffect(keep, [replyTo, isKnown]);
  useLayoutEffect(() => {
    const area = input.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  // In narrow windows the panels end above the composer, however high it is.
  useLayoutEffect(() => {
    const box = form.current;
    const stage = box?.closest<HTMLElement>(".stage");
    if (!box || !stage) return;
    const show = () => stage.style.setProperty("--composer", `${box.offsetHeight + PANEL_GAP_PX}px`);
    const observer = new ResizeObserver(show);
    observer.observe(box);
    return () => {
      observer.disconnect();
      stage.style.removeProperty("--composer");
    };
  }, []);

  const write = (typed: string) => {
    const kept = cutToFit(typed);
    if (kept !== typed && input.current) input.current.value = kept;
    setCut(kept !== typed);
    change(kept);
  };
  // Shorter texts are not counted: they fit, whatever their characters.
  const length = text.length > COUNTED_FROM ? countChars(text) : text.length;
  const isEmpty = text.trim() === "";
  // Nothing can be sent until the user is known. The text stays in the box.
  const hasFiles = editing === null && waitingIn(room.id).length > 0;
  const canSend = isKnown && !isSaving && (hasFiles || !isEmpty) && length <= MAX_CHARS;
  const save = async (id: number) => {
    if (text === room.byId(id)?.text) return stopEditing();
    setSaving(true);
    try {
      await editMessage(room.id, id, text);
      if (room.unsavedEdit?.id === id) room.unsavedEdit = null;
      if (room.editing.peek() === id) stopEditing();
    } catch (error) {
      showToast(errorText(error));
    } finally {
      setSaving(false);
    }
  };
  const submit = () => {
    if (!canSend) return;
    if (editing !== null) return void save(editing);
    requestPermissionOnce();
    if (hasFiles) sendFiles(room.id, takeWaiting(room.id), text, replyTo);
    else sendText(room.id, text, replyTo);
    change("");
    onReplyDone();
    resetTyping();
    input.current?.focus();
  };
  const emojiNames = useEmojiNames(input);
  const names = useMentionNames(input, room);
  const lookBack = () => {
    emojiNames.look();
    // An edit does not change the mentions of a message.
    if (editing === null) names.look();
  };
  const onKey = (event: KeyboardEvent) => {
    if (names.takesKey(event) || emojiNames.takesKey(event)) return;
    // The Enter that ends a composition belongs to the input method. Old browsers show it only by key code 229.
    const isComposing = event.isComposing || event.keyCode === 229;
    // The keyboards of phones have no Shift+Enter: there Enter breaks the line, and the button sends.
    const breaksLine = event.shiftKey || (isTouch && !event.ctrlKey && !event.metaKey);
    if (event.key === "Enter" && !breaksLine && !isComposing) {
      event.preventDefault();
      submit();
    }
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey && !isComposing;
    if (event.key === "ArrowUp" && isPlain && text === "" && editing === null && !hasFiles) {
      const last = room.messages.peek().findLast(canEdit);
      if (last) event.preventDefault();
      room.editing.value = last?.id ?? null;
    }
    if (event.key === "Escape" && !isComposing) {
      if (editing !== null) return stopEditing();
      if (replyTo !== null) return onReplyDone();
      document.querySelector<HTMLElement>(".item.is-active")?.focus();
    }
  };
  const edited = editing === null ? undefined : room.byId(editing);
  const source = replyTo === null ? undefined : room.byId(replyTo);
  const isQuoteGone = replyTo !== null && !source && room.deletedIds.has(replyTo);
  return (
    <form
      class="composer"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {replyTo !== null && editing === null && (
        <Purpose icon="reply" cancel={t("msg.cancelReply")} onCancel={onReplyDone}>
          {!isQuoteGone && (
            <bdi class="quote-name">
              {t("msg.replyingTo", { name: source ? personName(source.username) : "…" })}
            </bdi>
          )}
          <bdi class="quote-text">{source ? preview(source) : isQuoteGone && t("msg.goneQuote")}</bdi>
        </Purpose>
      )}
      {editing !== null && (
        <Purpose icon="pen" cancel={t("msg.cancelEdit")} onCancel={stopEditing}>
          <span class="quote-name">{t("msg.editing")}</span>
          <bdi class="quote-text">{edited && preview(edited)}</bdi>
        </Purpose>
      )}
      {hasFiles && <Tray room={room.id} onRemoved={() => input.current?.focus()} />}
      <div class="composer-line">
        <IconButton
          icon="clip"
          label={t("compose.file")}
          disabled={editing !== null}
          onClick={() => file.current?.click()}
        />
        <input
          ref={file}
          type="file"
          class="file-input"
          accept={[...IMAGE_TYPES, ...EXTENSIONS].join(",")}
          multiple
          tabIndex={-1}
          aria-label={t("compose.file")}
          onChange={(event) => {
            onFiles([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          ref={input}
          rows={1}
          value={text}
          placeholder={t(hasFiles ? "tray.caption" : "compose.hint")}
          aria-label={t(editing === null ? "compose.label" : "msg.editing")}
          readOnly={isSaving}
          title={isTouch ? undefined : t("compose.keys")}
          enterkeyhint={isTouch ? "enter" : "send"}
          dir="auto"
          onBeforeInput={(event) => {
            if (insertWhatFits(event)) setCut(true);
          }}
          onInput={({ currentTarget: { value }, isComposing }) => {
            if (isComposing) change(value);
            else write(value);
            if (!isComposing) lookBack();
            if (value && editing === null) sendTyping(room.id);
          }}
          onCompositionEnd={(event) => {
            write(event.currentTarget.value);
            lookBack();
          }}
          onBlur={() => {
            emojiNames.close();
            names.close();
          }}
          onClick={lookBack}
          onKeyUp={({ key }) => /^(ArrowLeft|ArrowRight|Home|End)$/.test(key) && lookBack()}
          onKeyDown={onKey}
          onPaste={(event) => {
            const files = pastedFiles(event.clipboardData);
            if (files.length === 0) return;
            event.preventDefault();
            onFiles(files);
          }}
        />
        <EmojiButton input={input} />
        <button
          type="button"
          class="icon-button is-format"
          aria-label={t("format.help")}
          title={t("format.help")}
          onClick={() => showHelp(true)}
        >
          Aa
        </button>
        <button
          type="submit"
          class="icon-button is-filled is-send"
          aria-label={t(editing === null ? "compose.send" : "msg.saveEdit")}
          disabled={!canSend}
        >
          <Icon name={editing === null ? "send" : "check"} />
        </button>
      </div>
      {names.list}
      {emojiNames.list}
      {hasHelp && <FormattingHelp onClose={() => showHelp(false)} />}
      <p class="composer-count">
        {length > COUNTED_FROM && t("compose.long", { n: length, max: MAX_CHARS })}{" "}
        <b aria-live="polite">{isCut && t("compose.cut")}</b>
      </p>
    </form>
  );
}

interface PurposeProps {
  icon: "reply" | "pen";
  cancel: string;
  onCancel: () => void;
  children: ComponentChildren;
}

/** What the text is for, if it is not just a message: a reply, an edit. */
function Purpose({ icon, cancel, onCancel, children }: PurposeProps) {
  return (
    <div class="replying">
      <Icon name={icon} size={18} />
      <span class="replying-body">{children}</span>
      <IconButton icon="close" size={17} label={cancel} onClick={onCancel} />
    </div>
  );
}

/**
 * Inserts as much of an input as a message has room for, instead of all of it. Returns `false` if all of it fits. The
 * text around stays as it is, and the user can undo.
 */
function insertWhatFits(event: InputEvent): boolean {
  const area = event.currentTarget as HTMLTextAreaElement;
  const added = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
  const { value, selectionStart, selectionEnd } = area;
  if (!added || event.isComposing || value.length + added.length <= MAX_CHARS) return false;
  const rest = value.slice(0, selectionStart) + value.slice(selectionEnd);
  const kept = cutToFit(added, Math.max(0, MAX_CHARS - countChars(rest)));
  if (kept === added) return false;
  // What is typed or dictated cannot be replaced: unless none of it fits, it is cut once it is there.
  if (kept && !/^insertFrom(Paste|Drop)/.test(event.inputType)) return false;
  event.preventDefault();
  if (kept) document.execCommand("insertText", false, kept);
  return true;
}

/**
 * The files that a paste is meant to send. Programs that copy a text add a picture of it, and file managers add the
 * names of copied files as a text.
 */
function pastedFiles(clipboard: DataTransfer | null): File[] {
  const files = [...(clipboard?.files ?? [])];
  const lines = (clipboard?.getData("text/plain") ?? "").split(/\r?\n/).filter((line) => line.trim());
  const isFileName = (line: string) => files.some(({ name }) => line.trim().split(/[/\\]/).pop() === name);
  return lines.every(isFileName) ? files : [];
}
