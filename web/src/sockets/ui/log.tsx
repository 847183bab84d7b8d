// The frames, with their times, and the changes of the connection.

import type { TargetedEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { lang } from "../../settings/preferences";
import { t } from "../i18n";
import { clearLog, type Entry, log } from "../model/trial";

const NEAR_END_PX = 24;

export function Log() {
  const box = useRef<HTMLDivElement>(null);
  /** Whether the newest entry is followed; not while the user reads older ones. */
  const isAtEnd = useRef(true);
  const newest = log.value.at(-1)?.id;
  useEffect(() => {
    if (newest === undefined) isAtEnd.current = true;
    // The page stays where it is: on phones the frames are below what is being typed.
    if (isAtEnd.current) box.current?.scrollTo(0, box.current.scrollHeight);
  }, [newest]);
  const follow = ({
    currentTarget: { scrollHeight, scrollTop, clientHeight },
  }: TargetedEvent<HTMLElement>) => {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  };
  return (
    <section class="trial-card trial-log" aria-labelledby="frames">
      <div class="trial-head">
        <h2 id="frames">{t("log.title")}</h2>
        <button type="button" class="button" disabled={log.value.length === 0} onClick={clearLog}>
          {t("log.clear")}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard. */}
      <div class="trial-frames" ref={box} role="log" aria-labelledby="frames" tabIndex={0} onScroll={follow}>
        {log.value.length === 0 && <p class="muted">{t("log.empty")}</p>}
        <ol>
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
    case "foreign":
      return t("log.foreign", { address: text });
    case "closed":
      if (code === 1006) return t("log.lost");
      return text ? t("log.closed", { code, reason: text }) : t("log.closedWithoutReason", { code });
  }
}
