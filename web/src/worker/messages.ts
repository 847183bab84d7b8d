// What the pages and the service worker tell each other.

/** To a worker that waits: a page with this script was loaded, which is that of the worker's build if it takes over. */
export interface TakeOver {
  type: "take over";
  /** The path of the script that the page began with. */
  script: string;
}

/** To a page: its user has clicked the notification of a room. */
export interface OpenRoom {
  type: "open room";
  room: number;
}

/** What the server sends to the worker while Chinwag is closed: a direct message, or one that mentions the user. */
export interface PushedMessage {
  room: number;
  id: number;
  direct: boolean;
  /** The name of the sender. */
  from: string;
  /** The name of a room that is not direct. */
  name: string;
  kind: "text" | "image" | "file" | "audio" | "video" | "emoji" | "system";
  /** The beginning of the text; for files their name. */
  text: string;
}

/** The lock that each page holds while it has the focus. The browser releases it when a page ends. */
export const FOCUS_LOCK = "chinwag.focus";
/** The lock of the page, or of the worker, that shows a message. The others find it held. */
export const shownLock = (id: number) => `chinwag-${id}`;
/** How long it is held. */
export const SHOWN_MS = 5000;
/** The notifications of a room replace each other. */
export const roomTag = (room: number) => `chinwag-room-${room}`;

/** What a notification keeps. */
export interface NotificationData {
  room: number;
}
