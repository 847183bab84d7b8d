// Whether the user looks at this page.

import { signal } from "@preact/signals";

/** A window can be in view beside the one in which the user works. */
export const isWatched = (): boolean => !document.hidden && document.hasFocus();

/** How often the page came into view or got the focus. */
export const returns = signal(0);

onReturn(() => {
  returns.value += 1;
});

/** Runs an action when the page comes into view or gets the focus. */
export function onReturn(act: () => void): void {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) act();
  });
  addEventListener("focus", act);
}
