// The table of nodes. Selecting one narrows the dashboard to it.

import { t } from "../i18n";
import { agoText, durationText, formatText, fullTime } from "../model/format";
import type { LostNode, Metrics, Node } from "../model/metrics";
import { changeView, view, viewUrl } from "../model/view";
import { ScrollRegion } from "./chart_table";
import { State } from "./common";
import { isSilent } from "./status";

/** The columns after the state. */
const COLUMNS = [
  "nodes.sockets",
  "chart.cpu",
  "chart.memory",
  "chart.queued",
  "nodes.lag",
  "nodes.uptime",
  "nodes.address",
  "nodes.version",
] as const;

/** From here on the server warns in its log, too. */
const MAX_CLOCK_OFFSET_MS = 2000;

export function Nodes({ metrics: { nodes, lost = [], now_ms } }: { metrics: Metrics }) {
  const chosen = view.value.node;
  const isGone = chosen !== null && !nodes.some(({ id }) => id === chosen);
  return (
    <section class="group" aria-labelledby="nodes-title">
      <h2 id="nodes-title">{t("nodes.title")}</h2>
      <div class="card">
        {isGone && <p class="card-note">{t("nodes.gone", { id: chosen })}</p>}
        {nodes.length + lost.length === 0 ? (
          <p class="card-empty">{t("nodes.none")}</p>
        ) : (
          <ScrollRegion label={t("nodes.title")}>
            <table class="table nodes" data-table="nodes">
              <caption class="sr">{t("nodes.caption")}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("nodes.id")}</th>
                  <th scope="col">{t("nodes.state")}</th>
                  {COLUMNS.map((name) => (
                    <th scope="col" key={name}>
                      {t(name)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {nodes.map((node) => (
                  <NodeRow key={node.id} node={node} now={now_ms} isChosen={node.id === chosen} />
                ))}
                {lost.map((node) => (
                  <LostRow key={node.id} node={node} now={now_ms} isChosen={node.id === chosen} />
                ))}
              </tbody>
            </table>
          </ScrollRegion>
        )}
      </div>
    </section>
  );
}

/** The first cell of a row, which narrows the dashboard to its node. */
function NodeId({ id, isChosen }: { id: string; isChosen: boolean }) {
  const next = { ...view.value, node: isChosen ? null : id };
  const choose = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    changeView(next);
  };
  return (
    <th scope="row">
      <a
        href={viewUrl(next)}
        data-node={id}
        aria-current={isChosen ? "true" : undefined}
        title={t(isChosen ? "chosen.all" : "nodes.choose")}
        onClick={choose}
      >
        {id}
      </a>
    </th>
  );
}

/** Of a lost node no more is known than when it was seen. */
function LostRow({ node, now, isChosen }: { node: LostNode; now: number; isChosen: boolean }) {
  return (
    <tr class={isChosen ? "is-chosen" : ""}>
      <NodeId id={node.id} isChosen={isChosen} />
      <td>
        <State kind="bad">{t("nodes.lost", { ago: agoText(now - node.seen_ms) })}</State>
      </td>
      {COLUMNS.map((name) => (
        <td key={name}>–</td>
      ))}
    </tr>
  );
}

function NodeRow({ node, now, isChosen }: { node: Node; now: number; isChosen: boolean }) {
  return (
    <tr class={isChosen ? "is-chosen" : ""}>
      <NodeId id={node.id} isChosen={isChosen} />
      <td>
        <NodeState node={node} now={now} />
      </td>
      <td>{formatText(node.sockets, "count")}</td>
      <td>{formatText(node.cpu_percent, "percent")}</td>
      <td>{formatText(node.memory_bytes, "bytes")}</td>
      <td>{formatText(node.queued_bytes, "bytes")}</td>
      <td>{formatText(node.lag_ms, "ms")}</td>
      <td title={fullTime(node.started_ms)}>{durationText((now - node.started_ms) / 1000)}</td>
      <td>{node.address}</td>
      <td>{node.version}</td>
    </tr>
  );
}

function NodeState({ node, now }: { node: Node; now: number }) {
  if (isSilent(node, now)) {
    return <State kind="bad">{t("nodes.silent", { ago: agoText(now - node.seen_ms) })}</State>;
  }
  if (!node.is_ready) return <State kind="warn">{t("nodes.unready")}</State>;
  const clockOffset = Math.abs(node.clock_offset_ms);
  if (clockOffset >= MAX_CLOCK_OFFSET_MS) {
    return <State kind="warn">{t("nodes.clock", { time: durationText(clockOffset / 1000) })}</State>;
  }
  return <State kind="good">{t("nodes.ready")}</State>;
}
