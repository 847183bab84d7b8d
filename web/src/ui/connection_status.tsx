// A line about the connection, hidden while it works.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { connection, isCaughtUp } from "../model/connection";

/** A quick reconnect shows nothing. */
const SHOW_DELAY_MS = 700;

export function ConnectionStatus() {
  const status = connection.status.value;
  const isFine = status === "open" && isCaughtUp.value;
  // That the server restarts is said at once: it explains what may take longer.
  const isAway = connection.isServerAway.value;
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (isFine) return setLate(false);
    const timer = setTimeout(() => setLate(true), SHOW_DELAY_MS);
    return () => clearTimeout(timer);
  }, [isFine]);
  const isShown = (isLate || isAway) && !isFine;
  const isWaiting = status === "waiting" && navigator.onLine;
  let text = "";
  if (isFine) text = t("net.online");
  else if (!navigator.onLine) text = t("net.offline");
  else if (isAway) text = t("net.restarts");
  else if (isWaiting) text = t("net.lost");
  else text = t(status === "open" ? "net.catching" : "net.connecting");
  return (
    <div class={`net ${isShown ? "is-shown" : ""}`}>
      {/* The countdown is outside: a screen reader announces a loss once, not every second. */}
      <span role="status" class={isShown ? "" : "sr"}>
        {isShown || isFine ? text : ""}
      </span>
      {isShown && isWaiting && (
        <>
          <Countdown />
          <button type="button" class="link" onClick={() => connection.retryNow()}>
            {t("net.now")}
          </button>
        </>
      )}
    </div>
  );
}

function Countdown() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(1, Math.ceil((connection.retryAt.value - now) / 1000));
  return <span>{t("net.again", { n: seconds })}</span>;
}
