// The table of the shards of a Redis Cluster.

import { t } from "../i18n";
import { durationText, formatText } from "../model/format";
import type { Metrics, Shard } from "../model/metrics";
import { ScrollRegion } from "./chart_table";
import { State } from "./common";
import { Memory, roleText } from "./status";

export function Shards({ metrics: { redis } }: { metrics: Metrics }) {
  const shards = redis.shards ?? [];
  if (shards.length === 0) return null;
  return (
    <section class="group" aria-labelledby="shards-title">
      <h2 id="shards-title">{t("shards.title")}</h2>
      <div class="card">
        <ScrollRegion label={t("shards.title")}>
          <table class="table nodes" data-table="shards">
            <caption class="sr">{t("shards.title")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("nodes.address")}</th>
                <th scope="col">{t("nodes.state")}</th>
                <th scope="col">{t("shards.slots")}</th>
                <th scope="col">{t("chart.memory")}</th>
                <th scope="col">{t("shards.commands")}</th>
                <th scope="col">{t("shards.clients")}</th>
                <th scope="col">{t("shards.replicas")}</th>
                <th scope="col">{t("shards.lag")}</th>
                <th scope="col">{t("nodes.uptime")}</th>
              </tr>
            </thead>
            <tbody>
              {shards.map((shard) => (
                <ShardRow key={shard.address} shard={shard} />
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      </div>
    </section>
  );
}

function ShardRow({ shard }: { shard: Shard }) {
  const ifUp = (text: string) => (shard.is_up ? text : "–");
  return (
    <tr>
      <th scope="row">{shard.address}</th>
      <td>
        <State kind={shard.is_up ? "good" : "bad"}>{shard.is_up ? roleText(shard) : t("redis.down")}</State>
      </td>
      <td>{formatText(shard.slots, "count")}</td>
      <td>
        <Memory redis={shard} />
      </td>
      <td>{ifUp(`${formatText(shard.commands_per_sec, "rate")}${t("per.second")}`)}</td>
      <td>{ifUp(formatText(shard.clients, "count"))}</td>
      <td>{ifUp(formatText(shard.replicas, "count"))}</td>
      <td>{shard.lag_bytes === null ? "–" : formatText(shard.lag_bytes, "bytes")}</td>
      <td>{ifUp(durationText(shard.uptime_secs))}</td>
    </tr>
  );
}
