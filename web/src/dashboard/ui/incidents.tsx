// What happened to nodes and to Redis lately, newest first.

import { t } from "../i18n";
import { fullTime, rowTimeText } from "../model/format";
import type { Incident, IncidentKind, Metrics } from "../model/metrics";
import { ScrollRegion } from "./chart_table";
import { State } from "./common";

const LOOKS: Record<IncidentKind, "good" | "warn" | "bad"> = {
  started: "good",
  left: "good",
  lost: "bad",
  failover: "warn",
  limited: "warn",
  memory_full: "bad",
};

/** Newer nodes may tell of more. */
const isKnown = ({ kind }: Incident) => kind in LOOKS;

export function Incidents({ metrics: { incidents, now_ms } }: { metrics: Metrics }) {
  if (!incidents) return null;
  const known = incidents.filter(isKnown);
  return (
    <section class="group" aria-labelledby="incidents-title">
      <h2 id="incidents-title">{t("incidents.title")}</h2>
      <div class="card">
        {known.length === 0 ? (
          <p class="card-empty">{t("incidents.none")}</p>
        ) : (
          <ScrollRegion label={t("incidents.title")}>
            <table class="table incidents" data-table="incidents">
              <caption class="sr">{t("incidents.caption")}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("table.time")}</th>
                  <th scope="col" class="is-words">
                    {t("incidents.what")}
                  </th>
                  <th scope="col" class="is-words">
                    {t("incidents.where")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {known.map((incident) => (
                  <Row
                    incident={incident}
                    now={now_ms}
                    key={`${incident.at_ms} ${incident.kind} ${incident.subject}`}
                  />
                ))}
              </tbody>
            </table>
          </ScrollRegion>
        )}
      </div>
    </section>
  );
}

const Row = ({ incident: { at_ms, kind, subject }, now }: { incident: Incident; now: number }) => (
  <tr data-incident={kind}>
    <th scope="row" title={fullTime(at_ms)}>
      {rowTimeText(at_ms, now)}
    </th>
    <td class="is-words">
      <State kind={LOOKS[kind]}>{t(`incident.${kind}`)}</State>
    </td>
    <td class="is-words">{subject || t("chosen.all")}</td>
  </tr>
);
