// Where the focus is among the messages of a conversation.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Row } from "../model/timeline";

/** Moves the focus to the next message, or to the composer, when the message that has it is deleted. */
export function useKeptFocus(box: RefObject<HTMLElement | null>, rows: Row[]): (event: FocusEvent) => void {
  const focused = useRef<string | null>(null);
  const before = useRef(rows);
  const isLost = () => focused.current !== null && document.activeElement === document.body;
  useLayoutEffect(() => {
    const at = before.current.findIndex(({ key }) => key === focused.current);
    before.current = rows;
    if (at < 0 || !isLost() || rows.some(({ key }) => key === focused.current)) return;
    const near = [...rows.slice(at), ...rows.slice(0, at).reverse()];
    const keys = near.map(({ key }) => `[data-key="${CSS.escape(key)}"]`);
    const found = keys.map((key) => box.current?.querySelector<HTMLElement>(key)).find(Boolean);
    found?.focus({ preventScroll: true });
  }, [rows]);
  useEffect(
    () => () => {
      // The last message was removed, and the history with it.
      const composer = document.querySelector<HTMLElement>(".composer textarea");
      queueMicrotask(() => isLost() && composer?.focus());
    },
    [],
  );
  return ({ target }) => {
    focused.current = (target as Element).closest<HTMLElement>("[data-key]")?.dataset.key ?? null;
  };
}

/** Moves the focus among the messages with the arrow keys, starting at the newest. */
export function moveFocus(event: KeyboardEvent, box: HTMLElement | null): void {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  const all = [...(box?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const focused = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
  const row = all[focused ? all.indexOf(focused) + (event.key === "ArrowUp" ? -1 : 1) : all.length - 1];
  if (!row) return;
  event.preventDefault();
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
