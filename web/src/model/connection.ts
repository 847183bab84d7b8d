// The page's connection to the server. `chat.ts` sets its listeners.

import { effect, signal } from "@preact/signals";
import { Connection } from "../net/socket";
import { token } from "./session";

export const connection = new Connection(() => token.peek());

/** Whether everything that was missed during a disconnection has arrived. */
export const isCaughtUp = signal(false);

effect(() => {
  if (connection.status.value !== "open") isCaughtUp.value = false;
});
