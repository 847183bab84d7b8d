// How the user works this device.

/** Whether touch is the primary input of the device. */
export const isTouch = matchMedia("(hover: none)").matches;

export const isMac = /^(Mac|iP)/.test(navigator.platform);

/** The keys that lead to the search, as the keyboard names them. */
export const SEARCH_KEYS = isMac ? "⌘K" : "Ctrl K";

/** An iPad calls itself a Mac. */
export const isIos = /iPhone|iPad|iPod/.test(navigator.userAgent) || (isMac && navigator.maxTouchPoints > 1);

/** Whether the page is shown as an app. */
export const isInstalled = () => matchMedia("(display-mode: standalone)").matches;
