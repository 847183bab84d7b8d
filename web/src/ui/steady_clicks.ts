// Clicks on what moves. A message that arrives while a button is pressed moves the rows and the list, so that it is
// released over something else: the browser then clicks neither, or on touch screens what has come below the finger.
// Here a click counts for what was pressed, wherever that is by then.

const CLICKABLE = "a, button, [role=button]";
/** Who moves further before the release means not to click. */
const SLACK_PX = 8;

interface Press {
  at: { clientX: number; clientY: number };
  on: Element | null;
}

let pressed: Press | null = null;

const clickable = (target: EventTarget | null) =>
  target instanceof Element ? target.closest(CLICKABLE) : null;

function onDown(at: PointerEvent): void {
  pressed = at.isPrimary && at.button === 0 ? { at, on: clickable(at.target) } : null;
}

function onClick(event: MouseEvent): void {
  const press = pressed;
  // Keys click without a press, and scripts as they like.
  if (!press || !event.isTrusted || event.detail === 0) return;
  pressed = null;
  const { at, on } = press;
  const way = Math.hypot(event.clientX - at.clientX, event.clientY - at.clientY);
  if (on === clickable(event.target) || way > SLACK_PX) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  on?.dispatchEvent(new PointerEvent("click", event));
}

addEventListener("pointerdown", onDown, true);
addEventListener("click", onClick, true);
