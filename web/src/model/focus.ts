// Tells the server whether this window has the focus: then it does not notify other devices either.

import { effect } from "@preact/signals";
import { isWatched } from "./attention";
import { connection } from "./connection";

/** What was last sent over this connection. On a new one, windows count as out of focus. */
let told = false;

function tell(): void {
  const on = isWatched();
  if (on === told || connection.status.peek() !== "open") return;
  told = on;
  // Former versions of the server do not know the command.
  connection.command({ type: "focus", payload: { on } }).catch(() => {});
}

effect(() => {
  if (connection.status.value !== "open") told = false;
  else tell();
});
addEventListener("focus", tell);
addEventListener("blur", tell);
document.addEventListener("visibilitychange", tell);
