// A chart with its legend, which tells the values under the pointer, and its table.

import { effect } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { lang } from "../../settings/preferences";
import { t } from "../i18n";
import { metrics } from "../model/board";
import type { Chart } from "../model/charts";
import { text, timeText } from "../model/format";
import type { Metrics } from "../model/metrics";
import { highest, isBlank, isUnfinished, valuesOf } from "../model/series";
import { ChartTable } from "./chart_table";
import { scheme } from "./colours";
import { hovered } from "./hovered";
import { Icon } from "./parts";

const isOfSteps = (chart: Chart) => chart.drawing === "bars" || chart.drawing === "sides";

export function ChartCard({ chart }: { chart: Chart }) {
  const [isOpen, open] = useState(false);
  const id = useId();
  const found = metrics.value;
  if (!found) return null;
  return (
    <article class={`card chart ${chart.isWide ? "is-wide" : ""}`} data-chart={chart.id} aria-labelledby={id}>
      <div class="chart-main">
        <header class="card-head">
          <h3 id={id}>
            {t(chart.title)}
            {isOfSteps(chart) && <small class="unit"> {stepText(found)}</small>}
            {chart.isGlobal && found.node !== null && <span class="tag">{t("tag.global")}</span>}
          </h3>
          <span class="chart-time">{timeOf(chart, found)}</span>
          <button
            type="button"
            class="tool"
            data-as-table
            aria-expanded={isOpen}
            aria-label={t("table.show", { title: t(chart.title) })}
            title={t("table.hint")}
            onClick={() => open(!isOpen)}
          >
            <Icon name="table" />
          </button>
        </header>
        <Legend chart={chart} metrics={found} />
        <Plot chart={chart} metrics={found} />
      </div>
      {isOpen && <ChartTable chart={chart} metrics={found} />}
    </article>
  );
}

function stepText({ step_secs }: Metrics): string {
  return step_secs === 60 ? t("per.step1") : t("per.step", { n: step_secs / 60 });
}

/** The step whose values are told: the pointer's, or the latest; of counts the latest that is counted to its end. A
 * step that has only begun may have no report yet. */
function stepOf(chart: Chart, found: Metrics): number {
  const last = found.series.at_ms.length - 1;
  const at = hovered.value;
  if (at !== null && at <= last) return at;
  if (!isUnfinished(found)) return last;
  const isReported = chart.lines.some((line) => valuesOf(found, line.series)[last] !== null);
  return isOfSteps(chart) || !isReported ? last - 1 : last;
}

function timeOf(chart: Chart, found: Metrics): string {
  const step = stepOf(chart, found);
  const at = found.series.at_ms[step];
  if (at === undefined) return "";
  if (hovered.value === null && !isOfSteps(chart)) return t("legend.now");
  const isOpen = isOfSteps(chart) && isUnfinished(found) && step === found.series.at_ms.length - 1;
  return isOpen ? `${timeText(at)} ${t("table.soFar")}` : timeText(at);
}

function Legend({ chart, metrics: found }: { chart: Chart; metrics: Metrics }) {
  const step = stepOf(chart, found);
  return (
    <ul class="legend">
      {chart.lines.map((line) => (
        <li key={line.series}>
          <i class={`swatch is-${line.colour}`} aria-hidden="true" />
          {chart.lines.length > 1 && <span>{t(line.words)}</span>}
          <b>{text(valuesOf(found, line.series)[step], chart.unit)}</b>
        </li>
      ))}
    </ul>
  );
}

function Plot({ chart, metrics: found }: { chart: Chart; metrics: Metrics }) {
  const box = useRef<HTMLDivElement>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    import("./plot").then(
      ({ plotInto }) => {
        if (isGone || !box.current) return;
        const plot = plotInto(box.current, chart, (at) => {
          hovered.value = at;
        });
        const stopDrawing = effect(() => {
          // Words and colours are drawn too.
          void lang.value;
          void scheme.value;
          if (metrics.value) plot.draw(metrics.value);
        });
        stop = () => {
          stopDrawing();
          plot.destroy();
        };
      },
      () => setBroken(true),
    );
    return () => {
      isGone = true;
      stop();
    };
  }, [chart]);
  const isEmpty = chart.lines.every((line) => isBlank(valuesOf(found, line.series)));
  return (
    <div class="plot-box">
      <div class="plot" ref={box} role="img" aria-label={summary(chart, found)} />
      {(isEmpty || isBroken) && (
        <p class="plot-empty">
          <span>{t(isBroken ? "empty.broken" : "empty.chart")}</span>
        </p>
      )}
    </div>
  );
}

/** What the picture shows, in a sentence. */
function summary(chart: Chart, found: Metrics): string {
  const parts = chart.lines.map((line) => {
    const values = valuesOf(found, line.series);
    return t("chart.summary", {
      name: t(line.words),
      last: text(values.at(-1), chart.unit),
      most: text(highest(values), chart.unit),
    });
  });
  return `${t(chart.title)}, ${t(`range.long.${found.range}`)}. ${parts.join(" ")}`;
}
