// Lists that the keyboard walks through: each is one Tab stop, and the arrow keys move inside.

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

const ITEM = ".item";

/** Makes one item of a list its Tab stop: the one that had the focus last, else the active one, else the first. */
export function useTabStop(list: RefObject<HTMLElement | null>, selector = ITEM): void {
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    let stop: Element | null = null;
    const update = () => {
      const items = element.querySelectorAll<HTMLElement>(selector);
      if (!stop || !element.contains(stop)) stop = element.querySelector(".is-active") ?? items[0] ?? null;
      for (const item of items) {
        const tabIndex = item === stop ? 0 : -1;
        if (item.tabIndex !== tabIndex) item.tabIndex = tabIndex;
      }
    };
    const onFocus = (event: Event) => {
      stop = (event.target as Element).closest(selector) ?? stop;
      update();
    };
    const observer = new MutationObserver((changes) => {
      // Another item has become the active one.
      if (changes.some(({ type }) => type === "attributes") && !element.matches(":focus-within")) stop = null;
      update();
    });
    update();
    observer.observe(element, { childList: true, subtree: true, attributeFilter: ["aria-current"] });
    element.addEventListener("focusin", onFocus);
    return () => {
      observer.disconnect();
      element.removeEventListener("focusin", onFocus);
    };
  }, []);
}

/** Moves the focus among the items of a box, and between the first of them and the search field above. */
export function moveInList(event: KeyboardEvent, box: HTMLElement | null, selector = ITEM): void {
  // While a text is composed the arrows choose among its candidates.
  if (!box || event.isComposing) return;
  // Keys of a dialog bubble to the page behind it.
  if ((event.target as Element).closest("dialog") !== box.closest("dialog")) return;
  const field = box.querySelector<HTMLElement>("input[type=search]");
  const items = [...box.querySelectorAll<HTMLElement>(selector)];
  const at = items.indexOf((event.target as Element).closest(selector) as HTMLElement);
  if (at < 0 && event.target !== field) return;
  const next = indexAfter(event.key, at, items.length);
  if (next === null || next === at) return;
  event.preventDefault();
  if (next < 0) field?.focus();
  else items[next]?.focus();
}

/** The index to which a key leads from another, -1 for the field; `null` for other keys. */
function indexAfter(key: string, at: number, count: number): number | null {
  if (key === "ArrowDown") return Math.min(at + 1, count - 1);
  if (key === "ArrowUp") return Math.max(at - 1, -1);
  if (at >= 0 && key === "Home") return 0;
  return at >= 0 && key === "End" ? count - 1 : null;
}
