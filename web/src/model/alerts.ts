// Draws the user's attention to messages: by a notification and a sound, as the user has set it for the conversation.
// Says why a conversation disappears.

import { t } from "../i18n";
import type { Conversation, EventFrame, Message } from "../net/types";
import { soundsEnabled } from "../settings/preferences";
import { observers, setAlert } from "./events";
import "./focus";
import { roomName } from "./labels";
import { notify } from "./notifications";
import "./push";
import { isMentioned, isOthers } from "./reading";
import { conversations } from "./rooms";
import { me } from "./session";
import { ring } from "./sound";
import { showToast } from "./toast";

/** An event that takes a conversation from the user. */
type Lost = Extract<EventFrame, { type: "room_removed" | "member_removed" }>;

setAlert((message, conversation) => {
  if (!isWanted(message, conversation)) return;
  void notify(message, conversation).catch(() => {}); // some browsers refuse notifications
  if (soundsEnabled.peek()) void ring().catch(() => {});
});

/** Whether a message notifies the user. */
function isWanted(message: Message, { notify: level }: Conversation): boolean {
  if (level === "none" || (level === "mentions" && !isMentioned(message))) return false;
  return isOthers(message) || addsUser(message);
}

/** Whether a system message tells that somebody has added the user to its room. */
function addsUser({ notice }: Message): boolean {
  const own = me.peek()?.id;
  return notice?.kind === "added" && notice.user.id === own && notice.actor.id !== own;
}

// Events are observed before they are applied, so that the list still has the conversation.
observers.add((frame) => {
  const own = me.peek()?.id;
  if (frame.type === "room_removed" && frame.payload.user_id !== own) explain("room.deleted", frame);
  if (frame.type !== "member_removed" || frame.payload.user_id !== own) return;
  if (frame.payload.message.notice?.kind === "removed") explain("room.removedYou", frame);
});

function explain(key: "room.removedYou" | "room.deleted", { payload }: Lost): void {
  const conversation = conversations.peek().get(payload.room_id);
  if (conversation) showToast(t(key, { name: roomName(conversation) }));
}
