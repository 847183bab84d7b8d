// The header: whether the metrics are live, the range, and the selected node.

import { PageHeader } from "../../ui/page_header";
import { setLang, t } from "../i18n";
import { ageMs, failure, isLive, metrics } from "../model/dashboard";
import { agoText } from "../model/format";
import { changeView, RANGES, view } from "../model/view";
import { Icon } from "./common";

export function Header() {
  return (
    <PageHeader t={t} setLang={setLang} below={<Chosen />}>
      <Live />
      <Ranges />
    </PageHeader>
  );
}

/** Screen readers announce the state but not the age, which changes every second. */
function Live() {
  const kind = isLive.value ? "live" : failure.value ? "failing" : metrics.value ? "stale" : "waiting";
  return (
    <p class={`live is-${kind}`}>
      <span class="live-dot" aria-hidden="true" />
      <span role="status">{t(`live.${kind}`)}</span>
      {metrics.value && !isLive.value && (
        <span class="live-age" aria-hidden="true">
          {agoText(ageMs.value)}
        </span>
      )}
    </p>
  );
}

function Ranges() {
  return (
    <fieldset class="choice">
      <legend class="sr">{t("range.label")}</legend>
      {RANGES.map((range) => (
        <button
          type="button"
          key={range}
          data-range={range}
          aria-pressed={view.value.range === range}
          onClick={() => changeView({ range })}
        >
          {t(`range.${range}`)}
        </button>
      ))}
    </fieldset>
  );
}

function Chosen() {
  const { node } = view.value;
  if (node === null) return null;
  return (
    <div class="chosen">
      <p>
        {t("chosen.only")} <b>{node}</b>
        <span class="chosen-hint">{t("chosen.hint")}</span>
      </p>
      <button type="button" class="button is-small" data-all-nodes onClick={() => changeView({ node: null })}>
        <Icon name="close" size={16} />
        {t("chosen.all")}
      </button>
    </div>
  );
}
