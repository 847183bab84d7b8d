// Warns that the metrics are no longer live, and says why.

import { t } from "../i18n";
import { ageMs, clock, type Failure, failure, isCurrentView, isLive, refreshNow } from "../model/dashboard";
import { durationText } from "../model/format";
import { Icon } from "./common";

/** The cause of a failure and the time of the next attempt. */
export function causeText({ kind, status, retryAt }: Failure): string {
  const cause = t(`failure.${kind}`, { status });
  if (retryAt === null) return cause;
  const secs = Math.max(0, Math.ceil((retryAt - clock.value) / 1000));
  const next = secs > 0 ? t("failure.retry", { time: durationText(secs) }) : t("failure.now");
  return t("sentences", { first: cause, second: next });
}

export function StaleNotice() {
  if (isLive.value || !isCurrentView.value) return null;
  const age = durationText(ageMs.value / 1000);
  return (
    <div class="notice is-warn" data-stale>
      <Icon name="alert" />
      <p>
        <b>{t("stale.title", { age })}</b> {failure.value ? causeText(failure.value) : t("stale.slow")}
      </p>
      <button type="button" class="button is-small" onClick={refreshNow}>
        {t("again")}
      </button>
    </div>
  );
}
