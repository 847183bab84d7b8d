// Says that what is shown is no longer of now, and why.

import { t } from "../i18n";
import { ageMs, askNow, clock, type Failure, failure, isLive, isOfPlace } from "../model/board";
import { spanText } from "../model/format";
import { Icon } from "./parts";

/** The cause, and when it is tried again. */
export function causeText({ trouble, status, retryAt }: Failure): string {
  const cause = t(`trouble.${trouble}`, { status });
  if (retryAt === null) return cause;
  const secs = Math.max(0, Math.ceil((retryAt - clock.value) / 1000));
  const next = secs > 0 ? t("trouble.retry", { time: spanText(secs) }) : t("trouble.now");
  return t("sentences", { first: cause, second: next });
}

export function Notice() {
  if (isLive.value || !isOfPlace.value) return null;
  const age = spanText(ageMs.value / 1000);
  return (
    <div class="notice is-warn" data-stale>
      <Icon name="alert" />
      <p>
        <b>{t("stale.title", { age })}</b> {failure.value ? causeText(failure.value) : t("stale.slow")}
      </p>
      <button type="button" class="button is-small" onClick={askNow}>
        {t("again")}
      </button>
    </div>
  );
}
