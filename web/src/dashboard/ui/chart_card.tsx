// A chart with its table and a legend that shows the values under the pointer.

import { effect } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { lang } from "../../settings/preferences";
import { t } from "../i18n";
import type { Chart } from "../model/charts";
import { metrics } from "../model/dashboard";
import { formatText, timeText } from "../model/format";
import type { Metrics } from "../model/metrics";
import { hasNoValues, isUnfinished, maximum, valuesOf } from "../model/series";
import { ChartTable } from "./chart_table";
import { scheme } from "./colours";
import { Icon } from "./common";
import { hoveredStep } from "./hovered_step";

const isOfSteps = (chart: Chart) => chart.drawing === "bars" || chart.drawing === "diverging";

export function ChartCard({ chart }: { chart: Chart }) {
  const [hasTable, showTable] = useState(false);
  const id = useId();
  const shown = metrics.value;
  if (!shown) return null;
  return (
    <article class={`card chart ${chart.isWide ? "is-wide" : ""}`} data-chart={chart.id} aria-labelledby={id}>
      <div class="chart-main">
        <header class="card-head">
          <h3 id={id}>
            {t(chart.title)}
            {isOfSteps(chart) && <small class="unit"> {stepText(shown)}</small>}
            {chart.isGlobal && shown.node !== null && <span class="tag">{t("tag.global")}</span>}
          </h3>
          <span class="chart-time">{timeOf(chart, shown)}</span>
          <button
            type="button"
            class="tool"
            data-as-table
            aria-expanded={hasTable}
            aria-label={t("table.show", { title: t(chart.title) })}
            title={t("table.hint")}
            onClick={() => showTable(!hasTable)}
          >
            <Icon name="table" />
          </button>
        </header>
        <Legend chart={chart} metrics={shown} />
        <Plot chart={chart} metrics={shown} />
      </div>
      {hasTable && <ChartTable chart={chart} metrics={shown} />}
    </article>
  );
}

function stepText({ step_secs }: Metrics): string {
  return step_secs === 60 ? t("per.step1") : t("per.step", { n: step_secs / 60 });
}

/**
 * The step whose values the legend shows: the one under the pointer, else the latest. Counts use the latest step that
 * has ended, and so do gauges whose last step has no report yet.
 */
function stepOf(chart: Chart, shown: Metrics): number {
  const last = shown.series.at_ms.length - 1;
  const at = hoveredStep.value;
  if (at !== null && at <= last) return at;
  if (!isUnfinished(shown)) return last;
  const isReported = chart.lines.some((line) => valuesOf(shown, line.series)[last] !== null);
  return isOfSteps(chart) || !isReported ? last - 1 : last;
}

function timeOf(chart: Chart, shown: Metrics): string {
  const step = stepOf(chart, shown);
  const at = shown.series.at_ms[step];
  if (at === undefined) return "";
  if (hoveredStep.value === null && !isOfSteps(chart)) return t("legend.now");
  const isUnfinishedStep = isOfSteps(chart) && isUnfinished(shown) && step === shown.series.at_ms.length - 1;
  return isUnfinishedStep ? `${timeText(at)} ${t("table.soFar")}` : timeText(at);
}

function Legend({ chart, metrics: shown }: { chart: Chart; metrics: Metrics }) {
  const step = stepOf(chart, shown);
  return (
    <ul class="legend">
      {chart.lines.map((line) => (
        <li key={line.series}>
          <i class={`swatch is-${line.colour}`} aria-hidden="true" />
          {chart.lines.length > 1 && <span>{t(line.label)}</span>}
          <b>{formatText(valuesOf(shown, line.series)[step], chart.unit)}</b>
        </li>
      ))}
    </ul>
  );
}

function Plot({ chart, metrics: shown }: { chart: Chart; metrics: Metrics }) {
  const box = useRef<HTMLDivElement>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    let stop = () => {};
    let isUnmounted = false;
    import("./plot").then(
      ({ plotInto }) => {
        if (isUnmounted || !box.current) return;
        const plot = plotInto(box.current, chart, (at) => {
          hoveredStep.value = at;
        });
        const stopDrawing = effect(() => {
          // Texts and colours are part of the drawing.
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
      isUnmounted = true;
      stop();
    };
  }, [chart]);
  const isEmpty = chart.lines.every((line) => hasNoValues(valuesOf(shown, line.series)));
  return (
    <div class="plot-box">
      <div class="plot" ref={box} role="img" aria-label={summary(chart, shown)} />
      {(isEmpty || isBroken) && (
        <p class="plot-empty">
          <span>{t(isBroken ? "empty.broken" : "empty.chart")}</span>
        </p>
      )}
    </div>
  );
}

/** Describes the chart for screen readers. */
function summary(chart: Chart, shown: Metrics): string {
  const parts = chart.lines.map((line) => {
    const values = valuesOf(shown, line.series);
    return t("chart.summary", {
      name: t(line.label),
      last: formatText(values.at(-1), chart.unit),
      most: formatText(maximum(values), chart.unit),
    });
  });
  return `${t(chart.title)}, ${t(`range.long.${shown.range}`)}. ${parts.join(" ")}`;
}
