// The page: what is shown of the metrics, or in their place.

import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { failure, isOfPlace, metrics, start } from "../model/board";
import { type Metrics, SERIES } from "../model/metrics";
import { isBlank, valuesOf } from "../model/series";
import { Foot } from "./foot";
import { Groups } from "./groups";
import { Headline } from "./headline";
import { Nodes } from "./nodes";
import { Notice } from "./notice";
import { Forbidden, Loading, Unavailable } from "./states";
import { Status } from "./status";
import { Top } from "./top";

export function Board() {
  useEffect(() => start(), []);
  useEffect(() => {
    document.title = `${t("title")} · Chinwag`;
  });
  if (failure.value?.trouble === "forbidden") return <Forbidden />;
  return (
    <>
      <a class="skip button is-main" href="#metrics">
        {t("skip")}
      </a>
      <Top />
      <main id="metrics" tabIndex={-1}>
        <Shown />
      </main>
      <Foot />
    </>
  );
}

function Shown() {
  const found = metrics.value;
  if (!found || (failure.value && !isOfPlace.value)) return failure.value ? <Unavailable /> : <Loading />;
  return (
    <div class={`shown ${isOfPlace.value ? "" : "is-former"}`} aria-busy={!isOfPlace.value}>
      <Notice />
      {isEmpty(found) && <p class="notice is-calm">{t("empty.all")}</p>}
      <Status metrics={found} />
      <Headline metrics={found} />
      <Nodes metrics={found} />
      <Groups metrics={found} />
    </div>
  );
}

const isEmpty = (found: Metrics) => SERIES.every((name) => isBlank(valuesOf(found, name)));
