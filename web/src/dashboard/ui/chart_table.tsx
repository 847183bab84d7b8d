// Tables that scroll by themselves, and the table of a chart.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { Chart } from "../model/charts";
import { formatText, fullTime, rowTimeText } from "../model/format";
import type { Metrics } from "../model/metrics";
import { rowsOf } from "../model/series";
import { ScrollRegion as Region } from "./scroll_region";

/** The region of a table. */
export function ScrollRegion({ label, children }: { label: string; children: ComponentChildren }) {
  return <Region label={t("table.region", { title: label })}>{children}</Region>;
}

/** Rows that are shown at first; a day has 144. */
const FIRST_ROWS = 30;

export function ChartTable({ chart, metrics }: { chart: Chart; metrics: Metrics }) {
  const [isWhole, setWhole] = useState(false);
  const rows = rowsOf(
    metrics,
    chart.lines.map(({ series }) => series),
  );
  if (rows.length === 0) return <p class="card-empty">{t("empty.chart")}</p>;
  const visible = isWhole ? rows : rows.slice(0, FIRST_ROWS);
  return (
    <ScrollRegion label={t(chart.title)}>
      <table class="table" data-table={chart.id}>
        <caption class="sr">{t("table.caption", { title: t(chart.title), n: visible.length })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("table.time")}</th>
            {chart.lines.map((line) => (
              <th scope="col" key={line.series}>
                {t(line.label)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {visible.map((row) => (
            <tr key={row.at}>
              <th scope="row" title={fullTime(row.at)}>
                {rowTimeText(row.at, metrics.now_ms)}
                {row.isUnfinished && <span class="so-far"> {t("table.soFar")}</span>}
              </th>
              {row.values.map((value, at) => (
                <td key={chart.lines[at]?.series}>{formatText(value, chart.unit)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {visible.length < rows.length && (
        <button type="button" class="button is-small is-wide" onClick={() => setWhole(true)}>
          {t("table.whole", { n: rows.length })}
        </button>
      )}
    </ScrollRegion>
  );
}
