// The current metrics, each with a sparkline of the range.

import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { format, formatText } from "../model/format";
import { DIALECTS, type Metrics, type Quantiles, type Values } from "../model/metrics";
import { areaPath, completeSteps, maximum, sparkPath, stack, valuesOf } from "../model/series";
import { Amount, ValueWithUnit } from "./common";

export function Headline({ metrics }: { metrics: Metrics }) {
  const { current } = metrics;
  const of = (name: Parameters<typeof valuesOf>[1]) => valuesOf(metrics, name);
  const online = of("online_users");
  const rooms = of("active_rooms");
  const sockets = stack(DIALECTS.map((name) => of(`sockets_${name}`))).at(-1) ?? [];
  const isOfNode = metrics.node !== null;
  return (
    <section aria-label={t("headline.label")}>
      <dl class="headline">
        <Cell
          name={t("headline.online")}
          id="online"
          isGlobal={isOfNode}
          history={online}
          hint={peakText(online)}
        >
          <Amount value={current.online_users} unit="count" />
        </Cell>
        <Cell
          name={t("headline.messages")}
          id="messages"
          history={completeSteps(metrics, of("messages"))}
          hint={t("headline.today", { n: formatText(current.messages_today, "count") })}
        >
          <Amount value={current.messages_per_min} unit="rate" per={t("per.minute")} />
        </Cell>
        <Cell
          name={t("headline.rooms")}
          id="rooms"
          isGlobal={isOfNode}
          history={rooms}
          hint={peakText(rooms)}
        >
          <Amount value={current.active_rooms} unit="count" />
        </Cell>
        <Cell
          name={t("headline.deliveries")}
          id="deliveries"
          history={completeSteps(metrics, of("deliveries"))}
          hint={fanOut(metrics)}
        >
          <Amount value={current.deliveries_per_sec} unit="rate" per={t("per.second")} />
        </Cell>
        <Cell name={t("headline.send")} id="send" history={of("send_p99_ms")}>
          <Latency of={current.send_ms} />
        </Cell>
        <Cell name={t("headline.delivery")} id="delivery" history={of("delivery_p99_ms")}>
          <Latency of={current.delivery_ms} />
        </Cell>
        <Cell name={t("headline.sockets")} id="sockets" history={sockets} hint={peakText(sockets)}>
          <Amount value={DIALECTS.reduce((sum, name) => sum + current.sockets[name], 0)} unit="count" />
        </Cell>
        <Requests metrics={metrics} />
      </dl>
    </section>
  );
}

interface CellProps {
  name: string;
  id: string;
  history: Values;
  hint?: string;
  isGlobal?: boolean;
  children: ComponentChildren;
}

function Cell({ name, id, history, hint, isGlobal, children }: CellProps) {
  return (
    <div class="cell" data-metric={id}>
      <dt>
        {name}
        {isGlobal && <span class="tag">{t("tag.global")}</span>}
      </dt>
      <dd class="cell-value">{children}</dd>
      {hint && <dd class="cell-hint">{hint}</dd>}
      <Spark values={history} />
    </div>
  );
}

const WIDTH = 96;
const HEIGHT = 28;

function Spark({ values }: { values: Values }) {
  return (
    <dd class="spark">
      <svg aria-hidden="true" viewBox={`-1 -2 ${WIDTH + 2} ${HEIGHT + 4}`} preserveAspectRatio="none">
        <path class="spark-area" d={areaPath(values, WIDTH, HEIGHT)} />
        <path d={sparkPath(values, WIDTH, HEIGHT)} />
      </svg>
    </dd>
  );
}

function Latency({ of: { p50, p99 } }: { of: Quantiles }) {
  return (
    <span class="pair">
      <span class="pair-name">p50</span>
      <span>
        <ValueWithUnit value={format(p50, "ms")} />
      </span>
      <span class="pair-name">p99</span>
      <span>
        <ValueWithUnit value={format(p99, "ms")} />
      </span>
    </span>
  );
}

/** Requests of the last step that has ended, as the answer has no current value. */
function Requests({ metrics }: { metrics: Metrics }) {
  const minutes = metrics.step_secs / 60;
  const requests = completeSteps(metrics, valuesOf(metrics, "http_requests"));
  const last = requests.length - 1;
  const count = requests[last] ?? null;
  const failed =
    (valuesOf(metrics, "http_errors_4xx")[last] ?? 0) + (valuesOf(metrics, "http_errors_5xx")[last] ?? 0);
  const share = count ? (failed / count) * 100 : null;
  return (
    <Cell
      name={t("headline.requests")}
      id="requests"
      history={requests}
      hint={share === null ? "" : t("headline.refused", { share: formatText(share, "percent") })}
    >
      <Amount value={count === null ? null : count / minutes} unit="rate" per={t("per.minute")} />
    </Cell>
  );
}

function peakText(values: Values): string {
  const value = maximum(values);
  return value === null ? "" : t("headline.most", { n: formatText(value, "count") });
}

/** The average number of deliveries per message. */
function fanOut({ current: { deliveries_per_sec, messages_per_min } }: Metrics): string {
  if (!messages_per_min || deliveries_per_sec === null) return "";
  return t("headline.fanOut", { n: formatText((deliveries_per_sec * 60) / messages_per_min, "rate") });
}
