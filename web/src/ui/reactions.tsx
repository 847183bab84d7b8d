// The reactions to a message, and the few that are offered.

import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { hasReacted, toggleReaction } from "../model/amending";
import { personName } from "../model/labels";
import { cards, wantCard } from "../model/people";
import type { Room } from "../model/rooms";
import { me } from "../model/session";
import { showToast } from "../model/toast";
import type { Message, Reaction } from "../net/types";
import { IconButton } from "./common";

const OFFERED = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];
/** More users are counted instead of named. */
const MAX_NAMED = 10;

interface ReactionsProps {
  room: Room;
  message: Message;
}

/** A button for each emoji, with the number of users. A press adds the user's reaction, or removes it. */
export function Reactions({ room, message }: ReactionsProps) {
  if (!message.reactions) return null;
  return (
    <ul class="reactions" aria-label={t("react.list")}>
      {message.reactions.map((reaction) => (
        <li key={reaction.emoji}>
          <Chip room={room} message={message} reaction={reaction} />
        </li>
      ))}
    </ul>
  );
}

function Chip({ room, message, reaction }: ReactionsProps & { reaction: Reaction }) {
  const { emoji, users } = reaction;
  const named = users.slice(0, MAX_NAMED);
  useEffect(() => {
    for (const id of named) if (id !== me.peek()?.id) wantCard(id);
  }, [named.join()]);
  const known = named.map((id) => nameOf(room, id)).filter((name) => name !== undefined);
  const names = known.join(", ");
  const others = users.length - known.length;
  const label = others > 0 && names ? t("react.more", { names, n: others }) : names;
  return (
    <button
      type="button"
      class="reaction"
      aria-pressed={hasReacted(message, emoji)}
      aria-label={`${emoji} ${users.length}${label && `: ${label}`}`}
      title={label || undefined}
      onClick={() => toggle(room, message, emoji)}
    >
      <span class="reaction-emoji">{emoji}</span>
      {users.length}
    </button>
  );
}

/** The name of a user, `undefined` until it is known. */
function nameOf(room: Room, id: number): string | undefined {
  if (id === me.value?.id) return t("msg.you");
  const member = room.members.value?.find(({ user_id }) => user_id === id);
  const name = member?.username ?? cards.value.get(id)?.username;
  return name && personName(name);
}

interface OfferedProps extends ReactionsProps {
  onDone: () => void;
  /** Offers all emoji. */
  onOther: () => void;
}

/** The reactions that are offered, as buttons. */
export function OfferedReactions({ room, message, onDone, onOther }: OfferedProps) {
  return (
    <>
      {OFFERED.map((emoji) => (
        <button
          type="button"
          key={emoji}
          class="icon-button is-emoji"
          aria-label={t("react.with", { emoji })}
          aria-pressed={hasReacted(message, emoji)}
          onClick={() => {
            onDone();
            toggle(room, message, emoji);
          }}
        >
          {emoji}
        </button>
      ))}
      <IconButton icon="plus" size={17} label={t("react.other")} onClick={onOther} />
    </>
  );
}

export function toggle(room: Room, message: Message, emoji: string): void {
  toggleReaction(room.id, message, emoji).catch((error) => showToast(errorText(error)));
}
