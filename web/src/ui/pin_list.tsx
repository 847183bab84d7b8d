// The pinned messages of a conversation.

import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { briefTime } from "../i18n/format";
import { personName, preview } from "../model/labels";
import { canPin, pin, pinsOf } from "../model/pins";
import type { Room } from "../model/rooms";
import { showToast } from "../model/toast";
import { IconButton, UserAvatar } from "./common";
import { Dialog } from "./dialog";
import { moveInList, useTabStop } from "./lists";
import { showMessage } from "./target";

export function PinList({ room, onClose }: { room: Room; onClose: () => void }) {
  const pins = pinsOf(room).value;
  const list = useRef<HTMLUListElement>(null);
  useTabStop(list);
  useLayoutEffect(() => {
    // The button that had the focus was removed with its message.
    if (document.activeElement === document.body) list.current?.querySelector<HTMLElement>(".item")?.focus();
  }, [pins]);
  return (
    <Dialog title={t("pins.title")} onClose={onClose} first=".item">
      <ul class="items dialog-list is-tall" ref={list} onKeyDown={(event) => moveInList(event, list.current)}>
        {pins.map((message) => (
          <li class="pin" key={message.id}>
            <button
              type="button"
              class="item"
              onClick={() => {
                onClose();
                showMessage(room.id, message.id, true);
              }}
            >
              <UserAvatar id={message.user_id} name={personName(message.username)} />
              <span class="item-body">
                <span class="item-top">
                  <bdi class="item-name">{personName(message.username)}</bdi>
                  <time class="item-time">{briefTime(Date.parse(message.created_at))}</time>
                </span>
                <span class="item-bottom">
                  <bdi class="item-last">{preview(message)}</bdi>
                </span>
              </span>
            </button>
            {canPin(room) && (
              <IconButton
                icon="close"
                size={17}
                label={t("pins.remove", { text: preview(message) })}
                title={t("msg.unpin")}
                onClick={() => pin(room.id, message, false).catch((error) => showToast(errorText(error)))}
              />
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
