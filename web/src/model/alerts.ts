// Draws the user's attention to messages: by a notification and a sound, as the user has set it for the conversation.

import type { Conversation, Message } from "../net/types";
import { soundsEnabled } from "../settings/preferences";
import { setAlert } from "./events";
import "./focus";
import { notify } from "./notifications";
import "./push";
import { isMentioned, isOthers } from "./reading";
import { me } from "./session";
import { ring } from "./sound";

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
