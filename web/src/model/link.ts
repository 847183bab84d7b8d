// The one connection of the page. Who listens to it is set in `chat.ts`.

import { effect, signal } from "@preact/signals";
import { Connection } from "../net/socket";
import { token } from "./session";

export const connection = new Connection(() => token.peek());

/** Whether everything missed while away has come. */
export const isCaughtUp = signal(false);

effect(() => {
  if (connection.status.value !== "open") isCaughtUp.value = false;
});

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
