// How far the objective of deliveries is met.

import { t } from "../i18n";
import { formatText, shareText } from "../model/format";
import type { Fulfilment, Metrics } from "../model/metrics";
import { State } from "./common";

/** The burn rate from which what may be late in a month is used up within three days. */
const FAST_BURN = 10;

export function Objective({ metrics: { objective } }: { metrics: Metrics }) {
  if (!objective) return null;
  const { within_ms, target_percent, last_hour, last_day } = objective;
  return (
    <section class="group" aria-labelledby="objective-title">
      <h2 id="objective-title">{t("objective.title")}</h2>
      <p class="group-hint muted">
        {t("objective.hint", { target: shareText(target_percent), limit: formatText(within_ms, "ms") })}
      </p>
      <dl class="objective">
        <Item id="hour" name={t("range.long.1h")} of={last_hour} />
        <Item id="day" name={t("range.long.24h")} of={last_day} />
      </dl>
    </section>
  );
}

function Item({
  id,
  name,
  of: { deliveries, percent, burn_rate },
}: {
  id: string;
  name: string;
  of: Fulfilment;
}) {
  return (
    <div data-objective={id}>
      <dt>{name}</dt>
      <dd>
        {percent === null || burn_rate === null ? (
          <span class="muted">{t("objective.none")}</span>
        ) : (
          <>
            <State kind={burn_rate <= 1 ? "good" : burn_rate < FAST_BURN ? "warn" : "bad"}>
              {t("objective.share", { share: shareText(percent), n: formatText(deliveries, "count") })}
            </State>
            <span class="objective-burn muted">
              {t("objective.burn", { rate: formatText(burn_rate, "rate") })}
            </span>
          </>
        )}
      </dd>
    </div>
  );
}
