// The keys that work everywhere in the chat.

import { signal } from "@preact/signals";

/** Whether the list of the keys is shown. */
export const areShortcutsShown = signal(false);

/** Whether the user moves the focus by keys. */
let isByKeys = false;
addEventListener("pointerdown", () => {
  isByKeys = false;
});

/** Runs the action of a key. The search is opened by a function of the page. */
export function onShortcut(event: KeyboardEvent, search: () => void): void {
  const { key, altKey, shiftKey } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  isByKeys ||= key === "Tab" || key.startsWith("Arrow");
  // AltGr, which counts as both, types a character.
  if (isCommand && altKey) return;
  // While a dialog is open the page behind it stays as it is.
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  if (isCommand && key.toLowerCase() === "k") search();
  else if (isCommand && key === "/") areShortcutsShown.value = true;
  // Alt and an arrow lead to another conversation, with Shift to one that has unread messages.
  else if (altKey && (key === "ArrowUp" || key === "ArrowDown")) {
    const step = key === "ArrowDown" ? 1 : -1;
    void import("./walk").then(({ walk }) => walk(step, shiftKey)).catch(() => {});
  } else {
    // What is typed or pasted where nothing takes it, also after a click on a message, is for the composer.
    const isTyped = isCommand ? key.toLowerCase() === "v" : !altKey && key.length === 1 && key !== " ";
    if (isTyped && document.activeElement?.matches(isByKeys ? "body" : "body, [data-row]")) {
      document.querySelector<HTMLElement>(".composer textarea")?.focus();
    }
    return;
  }
  event.preventDefault();
}
