// Whether the user looks at this page.

/** A window can be in view beside the one in which the user works. */
export const isWatched = (): boolean => !document.hidden && document.hasFocus();

/** Runs an action when the page comes into view, and when the user turns to it. */
export function onReturn(act: () => void): void {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) act();
  });
  addEventListener("focus", act);
}
