// Tells the server whether the user looks at this window: then it notifies no other device either.

import { effect } from "@preact/signals";
import { isWatched } from "./attention";
import { connection } from "./connection";

/** What this connection was told last. A new one takes windows to be out of focus. */
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
