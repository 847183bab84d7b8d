// The menu of a message: what its toolbar has no room for.

import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { loadMembers } from "../model/members";
import { conversations, type Room } from "../model/rooms";
import type { Message } from "../net/types";
import { moreActionsOf, type Shown } from "./actions";
import { Icon } from "./common";
import { Dialog } from "./dialog";
import { moveInList } from "./lists";

interface MessageMenuProps {
  room: Room;
  message: Message;
  at: { x: number; y: number };
  onShow: (dialog: Shown) => void;
  onClose: () => void;
}

export function MessageMenu({ room, message, at, onShow, onClose }: MessageMenuProps) {
  const items = useRef<HTMLDivElement>(null);
  useRole(room);
  return (
    <Dialog title={t("msg.moreActions")} class="is-menu message-menu" at={at} onClose={onClose} isBare>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move among the buttons inside */}
      <div ref={items} onKeyDown={(event) => moveInList(event, items.current, ".menu-item")}>
        {moreActionsOf({ room, message }, onShow).map(({ icon, label, run }) => (
          <button
            type="button"
            key={icon}
            class="menu-item"
            onClick={() => {
              onClose();
              run();
            }}
          >
            <Icon name={icon} /> {label}
          </button>
        ))}
      </div>
    </Dialog>
  );
}

/** Has the members of a public room read, among whom is the user with a role. Those of groups are known. */
export function useRole(room: Room): void {
  useEffect(() => {
    const conversation = conversations.peek().get(room.id);
    const isPublic = conversation?.kind === "public" && conversation.room_id !== "global";
    if (isPublic && room.members.peek() === null) void loadMembers(room);
  }, [room]);
}
