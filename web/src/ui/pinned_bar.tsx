// The newest pinned message of a conversation, above its history, and the way to all of them.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { personName, preview } from "../model/labels";
import { pinsOf } from "../model/pins";
import { isAtEnd, type Room } from "../model/rooms";
import { Icon } from "./common";
import { lazy } from "./lazy";
import { showMessage } from "./target";
import "./more_icons";

const PinList = lazy(() => import("./lazy_components").then((module) => module.PinList));

export function PinnedBar({ room }: { room: Room }) {
  const pins = pinsOf(room).value;
  const [isListed, list] = useState(false);
  const bar = useRef<HTMLElement>(null);
  const hadFocus = useRef(false);
  const [newest] = pins;
  const isShown = newest !== undefined;
  useLayoutEffect(() => {
    if (!isShown) return;
    const height = bar.current?.offsetHeight ?? 0;
    keepInPlace(height);
    return () => {
      keepInPlace(-height);
      if (hadFocus.current) queueMicrotask(saveFocus);
      hadFocus.current = false;
    };
  }, [isShown]);
  if (!newest) return null;
  return (
    <section
      class="pinned"
      ref={bar}
      aria-label={t("pins.title")}
      onFocusIn={() => {
        hadFocus.current = true;
      }}
    >
      <button type="button" class="pinned-newest" onClick={() => showMessage(room.id, newest.id, true)}>
        <Icon name="pin" size={18} />
        <span class="pinned-text" aria-live="polite">
          <bdi class="pinned-name">{personName(newest.username)}</bdi> <bdi>{preview(newest)}</bdi>
        </span>
      </button>
      <button type="button" class="link" aria-haspopup="dialog" onClick={() => list(true)}>
        {t("pins.count", { n: pins.length })}
      </button>
      {isListed && <PinList room={room} onClose={() => list(false)} />}
    </section>
  );
}

const history = () => document.querySelector<HTMLElement>(".history .rows");

/** Keeps the messages where they are when the history above which the bar stands moves. */
function keepInPlace(by: number): void {
  const rows = history();
  // At its end the history keeps the end in view by itself.
  if (rows && !isAtEnd.peek()) rows.scrollTop += by;
}

/** The bar, or its list, may have had the focus when the last pin was removed. */
function saveFocus(): void {
  if (document.activeElement === document.body) history()?.focus({ preventScroll: true });
}
