// The page: the metrics, or what is shown in their place.

import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { failure, isCurrentView, metrics, startPolling } from "../model/dashboard";
import { type Metrics, SERIES } from "../model/metrics";
import { hasNoValues, valuesOf } from "../model/series";
import { Footer } from "./footer";
import { Groups } from "./groups";
import { Header } from "./header";
import { Headline } from "./headline";
import { WebHooks } from "./hooks";
import { Incidents } from "./incidents";
import { Nodes } from "./nodes";
import { Objective } from "./objective";
import { Forbidden, Loading, Unavailable } from "./placeholders";
import { Shards } from "./shards";
import { StaleNotice } from "./stale_notice";
import { Status } from "./status";

export function Dashboard() {
  useEffect(() => startPolling(), []);
  useEffect(() => {
    document.title = `${t("title")} · Chinwag`;
  });
  if (failure.value?.kind === "forbidden") return <Forbidden />;
  return (
    <>
      <a class="skip button is-main" href="#metrics">
        {t("skip")}
      </a>
      <Header />
      <main id="metrics" tabIndex={-1}>
        <Content />
      </main>
      <Footer />
    </>
  );
}

function Content() {
  const current = metrics.value;
  if (!current || (failure.value && !isCurrentView.value))
    return failure.value ? <Unavailable /> : <Loading />;
  return (
    <div class={`shown ${isCurrentView.value ? "" : "is-former"}`} aria-busy={!isCurrentView.value}>
      <StaleNotice />
      {isEmpty(current) && <p class="notice is-calm">{t("empty.all")}</p>}
      <Status metrics={current} />
      <Headline metrics={current} />
      <Objective metrics={current} />
      <Nodes metrics={current} />
      <Shards metrics={current} />
      <WebHooks now={current.now_ms} />
      <Incidents metrics={current} />
      <Groups metrics={current} />
    </div>
  );
}

const isEmpty = (shown: Metrics) => SERIES.every((name) => hasNoValues(valuesOf(shown, name)));
