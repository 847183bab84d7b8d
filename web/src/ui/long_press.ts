// A long press on a message or a conversation.

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

const HOLD_MS = 450;
/** A finger that moves further scrolls. */
const SLACK_PX = 10;

/** Runs an action with the id of that on which a finger rests. `find` tells it of an element, `NaN` for nothing. */
export function useLongPress(
  box: RefObject<HTMLElement | null>,
  find: (target: Element) => number,
  act: (id: number) => void,
): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let timer = 0;
    let start = { clientX: 0, clientY: 0 };
    const stop = () => clearTimeout(timer);
    const onDown = (event: PointerEvent) => {
      stop();
      const id = find(event.target as Element);
      if (event.pointerType !== "touch" || !event.isPrimary || !id) return;
      start = event;
      timer = window.setTimeout(() => {
        swallowClick();
        latest.current(id);
      }, HOLD_MS);
    };
    const onMove = (event: PointerEvent) => {
      const way = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
      if (way > SLACK_PX) stop();
    };
    // Browsers open a menu of their own for links and images.
    const onMenu = (event: Event) => {
      if ("pointerType" in event && event.pointerType === "touch") event.preventDefault();
    };
    const listeners = new AbortController();
    const { signal } = listeners;
    element.addEventListener("pointerdown", onDown, { signal });
    element.addEventListener("pointermove", onMove, { signal });
    element.addEventListener("pointerup", stop, { signal });
    element.addEventListener("pointercancel", stop, { signal });
    element.addEventListener("contextmenu", onMenu, { signal });
    return () => {
      stop();
      listeners.abort();
    };
  }, []);
}

/** Keeps the finger from clicking when it is lifted, until it is put down again. */
function swallowClick(): void {
  const lifted = new AbortController();
  const { signal } = lifted;
  const swallow = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("click", swallow, { capture: true, signal });
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => lifted.abort(), { capture: true, signal });
  }
}
