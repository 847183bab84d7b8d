// The state of the nodes and of Redis, in one line.

import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { STALE_MS } from "../model/dashboard";
import { durationText, formatText } from "../model/format";
import type { Metrics, Node, Redis } from "../model/metrics";
import { Amount, State, ValueWithUnit } from "./common";

/** Whether a node has stopped reporting. */
export const isSilent = (node: Node, now: number) => now - node.seen_ms > STALE_MS;

/** The part of the memory limit above which Redis will soon refuse writes. */
const NEARLY_FULL = 0.85;

export function Status({ metrics: { nodes, lost = [], now_ms, redis } }: { metrics: Metrics }) {
  const ready = nodes.filter((node) => node.is_ready && !isSilent(node, now_ms)).length;
  const kind = lost.length > 0 || ready === 0 ? "bad" : ready === nodes.length ? "good" : "warn";
  const texts = [
    nodes.length === 0 ? t("status.none") : t("status.ready", { ready, all: nodes.length }),
    lost.length > 0 ? t("status.lost", { n: lost.length }) : "",
  ];
  return (
    <section aria-label={t("status.label")}>
      <dl class="strip">
        <Item name={t("status.nodes")}>
          <State kind={kind}>{texts.filter(Boolean).join(" · ")}</State>
        </Item>
        <Item name="Redis">
          <State kind={redis.is_up ? redisKind(redis) : "bad"}>
            {redis.is_up ? stateText(redis) : t("redis.down")}
          </State>
        </Item>
        {redis.replicas_wanted > 0 && (
          <Item name={t("redis.durability")}>
            <State kind={redis.replicas_in_force < redis.replicas_wanted ? "bad" : "good"}>
              {t("redis.replicated", { now: redis.replicas_in_force, all: redis.replicas_wanted })}
            </State>
          </Item>
        )}
        <Item name={t("redis.memory")}>
          <Memory redis={redis} />
        </Item>
        <Item name={t("redis.commands")}>
          {redis.is_up ? <Amount value={redis.commands_per_sec} unit="rate" per={t("per.second")} /> : "–"}
        </Item>
        <Item name={t("redis.clients")}>
          <Amount value={redis.is_up ? redis.clients : null} unit="count" />
        </Item>
        <Item name={t("redis.uptime")}>{redis.is_up ? durationText(redis.uptime_secs) : "–"}</Item>
      </dl>
    </section>
  );
}

function Item({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="strip-item">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A cluster is as good as its shards. */
const redisKind = ({ shards = [] }: Redis) => (shards.every((shard) => shard.is_up) ? "good" : "bad");

/** How many shards of a cluster answer, or what the only server is. */
function stateText(redis: Redis): string {
  const { shards = [], version } = redis;
  if (shards.length === 0) return roleText(redis);
  const up = shards.filter((shard) => shard.is_up).length;
  return [t("redis.shards", { up, all: shards.length }), version].filter(Boolean).join(" · ");
}

/** The role of a server, its version, and whether it belongs to a node. */
export function roleText({
  role,
  version,
  is_embedded,
}: Pick<Redis, "role" | "version"> & Partial<Redis>): string {
  const known = role === "master" ? t("redis.primary") : role === "slave" ? t("redis.replica") : role;
  return [known, version, is_embedded ? t("redis.embedded") : ""].filter(Boolean).join(" · ");
}

/** The memory that a server uses, of what it may use. */
export function Memory({ redis }: { redis: Pick<Redis, "is_up" | "memory_bytes" | "memory_limit_bytes"> }) {
  if (!redis.is_up) return <>–</>;
  const { memory_bytes: used, memory_limit_bytes: limit } = redis;
  if (limit === 0) return <Amount value={used} unit="bytes" />;
  const label = t("redis.of", { used: formatText(used, "bytes"), limit: formatText(limit, "bytes") });
  if (used > limit * NEARLY_FULL) return <State kind="warn">{label}</State>;
  return <ValueWithUnit value={{ number: label, unit: "" }} />;
}
