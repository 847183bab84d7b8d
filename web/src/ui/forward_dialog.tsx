// Chooses the conversations to which a message is forwarded.

import { useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { codeText } from "../i18n/errors";
import { forward, refusedOf } from "../model/forwarding";
import { preview, roomName } from "../model/labels";
import { conversations, sortedConversations } from "../model/rooms";
import { matchingConversations } from "../model/search";
import { token } from "../model/session";
import { showToast } from "../model/toast";
import type { Conversation, RoomMessage } from "../net/types";
import { Avatar, Icon, IconButton } from "./common";
import { Dialog } from "./dialog";
import { moveInList, useTabStop } from "./lists";
import { isEnter, useTyped } from "./typed";

/** More conversations are found by their names. */
const MAX_SHOWN = 100;

const nameOf = (id: number) => roomName(conversations.peek().get(id) ?? { name: "" });

export function ForwardDialog({ message, onClose }: { message: RoomMessage; onClose: () => void }) {
  const [picked, setPicked] = useState<number[]>([]);
  const { query, set, field } = useTyped();
  const box = useRef<HTMLDivElement>(null);
  useTabStop(box);
  const found = matchingConversations(sortedConversations.value, query).slice(0, MAX_SHOWN);
  const toggle = (id: number) =>
    setPicked(picked.includes(id) ? picked.filter((other) => other !== id) : [...picked, id]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (picked.length === 0) return;
    onClose();
    void forwardAndTell(message, picked);
  };
  return (
    <Dialog title={t("forward.title")} onClose={onClose}>
      <form onSubmit={submit}>
        <p class="muted forward-text">
          <bdi>{preview(message)}</bdi>
        </p>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys move between the field and the results inside */}
        <div ref={box} onKeyDown={(event) => moveInList(event, box.current)}>
          <div class="search is-dialog">
            <Icon name="search" size={18} />
            <input
              type="search"
              maxLength={100}
              placeholder={t("forward.search")}
              aria-label={t("forward.search")}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              {...field}
              onKeyDown={(event) => {
                if (!isEnter(event)) return;
                event.preventDefault();
                if (query && found[0]) toggle(found[0].id);
                set("");
              }}
            />
          </div>
          <ul class="items dialog-list" aria-label={t("list.label")}>
            {found.map((conversation) => (
              <li key={conversation.id}>
                <Choice
                  conversation={conversation}
                  isPicked={picked.includes(conversation.id)}
                  onToggle={() => toggle(conversation.id)}
                />
              </li>
            ))}
          </ul>
          {found.length === 0 && <p class="side-note">{t("forward.none", { q: query })}</p>}
        </div>
        {picked.length > 0 && (
          <ul class="chips forward-picked" aria-label={t("forward.picked")}>
            {picked.map((id) => (
              <li class="chip" key={id}>
                <Avatar name={nameOf(id)} src={conversations.value.get(id)?.avatar} size="s" />
                <bdi>{nameOf(id)}</bdi>
                <IconButton
                  icon="close"
                  size={14}
                  label={t("new.remove", { name: nameOf(id) })}
                  onClick={() => {
                    toggle(id);
                    // The button is gone.
                    box.current?.querySelector("input")?.focus();
                  }}
                />
              </li>
            ))}
          </ul>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class="button is-main" disabled={picked.length === 0}>
            {t("forward.submit")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface ChoiceProps {
  conversation: Conversation;
  isPicked: boolean;
  onToggle: () => void;
}

function Choice({ conversation, isPicked, onToggle }: ChoiceProps) {
  const name = roomName(conversation);
  return (
    // biome-ignore lint/a11y/useSemanticElements: the arrow keys move among buttons
    <button
      type="button"
      class="item is-line"
      role="checkbox"
      aria-checked={isPicked}
      aria-label={name}
      onClick={onToggle}
    >
      <Avatar name={name} src={conversation.avatar} isGroup={!conversation.is_private} />
      <bdi class="item-name">{name}</bdi>
      {isPicked && <Icon name="check" />}
    </button>
  );
}

/** Forwards a message, and shows the result once the server has it: perhaps later, after a reconnection. */
async function forwardAndTell(message: RoomMessage, rooms: number[]): Promise<void> {
  const ownToken = token.peek();
  const refused = await refusedOf(forward(message, rooms));
  if (token.peek() !== ownToken) return;
  const [first] = refused;
  if (first) {
    const names = refused.map(({ room }) => nameOf(room)).join(", ");
    const waitMs = first.retryAt ? Math.max(0, first.retryAt - Date.now()) : null;
    const reason = codeText(first.error ?? "internal", first.field, waitMs);
    return showToast(t("forward.refused", { names, reason }));
  }
  const [only] = rooms;
  const isOne = rooms.length === 1 && only !== undefined;
  showToast(isOne ? t("forward.done", { name: nameOf(only) }) : t("forward.doneMany", { n: rooms.length }));
}
