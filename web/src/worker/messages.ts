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

/** What a notification keeps. */
export interface NotificationData {
  room: number;
}
