// How the user works this device.

/** Whether a finger is what the device is worked with first. */
export const isTouch = matchMedia("(hover: none)").matches;

export const isMac = /^(Mac|iP)/.test(navigator.platform);

/** The keys that lead to the search, as the keyboard names them. */
export const SEARCH_KEYS = isMac ? "⌘K" : "Ctrl K";
