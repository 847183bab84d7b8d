// What follows when the conversation in view is gone: the user has left it or was removed from it, or it was deleted.

import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { roomName } from "../model/labels";
import { listState } from "../model/rooms";
import { spoken, toast } from "../model/toast";
import type { Conversation } from "../net/types";

/** Where one goes on: at the list, or on a phone, where that is hidden, at what is shown instead. */
const NEXT = [".side .item[tabindex='0']", ".side input[type=search]", ".pane button"];

/** Whoever was removed was told so this long ago at most. */
const TOLD_MS = 2000;

/** Says that the conversation is gone, and leads the focus on if that was inside. */
export function useGone(conversation: Conversation | undefined): void {
  const name = useRef("");
  if (conversation) name.current = roomName(conversation);
  const isGone = !conversation && listState.value === "ready" && name.current !== "";
  useLayoutEffect(() => {
    if (!isGone) return;
    if (!isTold(name.current)) spoken.value = t("room.left", { name: name.current });
    // The list draws what is left of it meanwhile.
    requestAnimationFrame(goOn);
  }, [isGone]);
}

/** Whether a short message says it already, with the reason. */
function isTold(name: string): boolean {
  const shown = toast.peek();
  return shown !== null && Date.now() - shown.id < TOLD_MS && shown.text.includes(name);
}

function goOn(): void {
  for (const selector of NEXT) {
    if (document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>(selector)?.focus();
  }
}
