// The frames, with their times, and the changes of the connection.

import { useEffect, useRef } from "preact/hooks";
import { lang } from "../../settings/preferences";
import { t } from "../i18n";
import { clearLog, type Entry, log } from "../model/trial";

export function Log() {
  const list = useRef<HTMLOListElement>(null);
  const newest = log.value.at(-1)?.id;
  useEffect(() => {
    if (newest) list.current?.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [newest]);
  return (
    <section class="trial-card trial-log" aria-labelledby="frames">
      <div class="trial-head">
        <h2 id="frames">{t("log.title")}</h2>
        <button type="button" class="button" disabled={log.value.length === 0} onClick={clearLog}>
          {t("log.clear")}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard. */}
      <div class="trial-frames" role="log" aria-labelledby="frames" tabIndex={0}>
        {log.value.length === 0 && <p class="muted">{t("log.empty")}</p>}
        <ol ref={list}>
          {log.value.map((entry) => (
            <Line entry={entry} key={entry.id} />
          ))}
        </ol>
      </div>
    </section>
  );
}

const TIME = {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
} as const;

function Line({ entry }: { entry: Entry }) {
  const time = entry.at.toLocaleTimeString(lang.value, TIME);
  const isFrame = entry.kind === "sent" || entry.kind === "received";
  return (
    <li class={`trial-line is-${entry.kind}`} data-kind={entry.kind}>
      <p class="trial-meta">
        <time dateTime={entry.at.toISOString()}>{time}</time> <span>{wording(entry)}</span>
      </p>
      {isFrame && <pre class="code">{entry.text}</pre>}
    </li>
  );
}

function wording({ kind, text, code = 0 }: Entry): string {
  switch (kind) {
    case "sent":
    case "received":
      return t(`log.${kind}`);
    case "opened":
      return t("log.opened", { address: text });
    case "refused":
      return t("log.refused");
    case "closed":
      if (code === 1006) return t("log.lost");
      return text ? t("log.closed", { code, reason: text }) : t("log.closedWithoutReason", { code });
  }
}
