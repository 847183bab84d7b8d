// The response of `GET /dashboard/figures`, and its request.

import { ApiError, request } from "../../net/http";
import type { Range, View } from "./view";

/** Counts are per step. Gauges are the last value of a step over all nodes. `null` means that no node reported. */
export const SERIES = [
  "online_users",
  "active_rooms",
  "messages",
  "deliveries",
  "send_p50_ms",
  "send_p99_ms",
  "delivery_p50_ms",
  "delivery_p99_ms",
  "sockets_webchat",
  "sockets_envelope",
  "sockets_messenger",
  "sockets_imtypes",
  "sockets_opened",
  "sockets_resumed",
  "sockets_closed",
  "lagging",
  "closed_slow",
  "gap_repairs",
  "rate_limited",
  "http_requests",
  "http_errors_4xx",
  "http_errors_5xx",
  "uploads",
  "upload_bytes",
  "cpu_percent",
  "memory_bytes",
  "queued_bytes",
] as const;
export type SeriesName = (typeof SERIES)[number];
export type Values = (number | null)[];

export const DIALECTS = ["webchat", "envelope", "messenger", "imtypes"] as const;

export interface Quantiles {
  p50: number | null;
  p99: number | null;
}

export interface Node {
  id: string;
  version: string;
  started_ms: number;
  seen_ms: number;
  address: string;
  is_ready: boolean;
  cpu_percent: number;
  memory_bytes: number;
  sockets: number;
  queued_bytes: number;
  lag_ms: number;
  /** Redis' clock less the machine's. */
  clock_offset_ms: number;
}

/** A node that has not reported for a while and was not stopped. */
export interface LostNode {
  id: string;
  seen_ms: number;
}

/** A server that has some of the slots of a Redis Cluster. */
export interface Shard {
  address: string;
  /** If false, only the address and the slots are known. */
  is_up: boolean;
  role: string;
  version: string;
  slots: number;
  memory_bytes: number;
  /** 0 means no limit. */
  memory_limit_bytes: number;
  clients: number;
  commands_per_sec: number;
  replicas: number;
  /** What the slowest replica has not confirmed; null without replicas that have copied everything. */
  lag_bytes: number | null;
  uptime_secs: number;
}

/** Deliveries of a time, and how many of them were in time. */
export interface Fulfilment {
  deliveries: number;
  percent: number | null;
  /** At 1 the objective is just met. */
  burn_rate: number | null;
}

export interface Objective {
  within_ms: number;
  target_percent: number;
  last_hour: Fulfilment;
  last_day: Fulfilment;
}

export type IncidentKind = "started" | "left" | "lost" | "failover" | "limited" | "memory_full";

export interface Incident {
  at_ms: number;
  kind: IncidentKind;
  /** The node; the address of the server for a failover; empty for all. */
  subject: string;
}

/** The state of the Redis server; of a cluster the sums over its shards. */
export interface Redis {
  is_up: boolean;
  role: string;
  version: string;
  memory_bytes: number;
  /** 0 means no limit. */
  memory_limit_bytes: number;
  clients: number;
  commands_per_sec: number;
  uptime_secs: number;
  is_embedded: boolean;
  /** Replicas that must have received a write, by the configuration; 0 means none. */
  replicas_wanted: number;
  /** The same at present. It is lower while replicas are missing. */
  replicas_in_force: number;
  /** Those of a cluster. Absent in the answer of an older node. */
  shards?: Shard[];
}

export interface Metrics {
  now_ms: number;
  range: Range;
  step_secs: number;
  node: string | null;
  redis: Redis;
  nodes: Node[];
  /** Nodes of earlier versions do not tell it. */
  lost?: LostNode[];
  /** Newest first. Nodes of earlier versions tell neither these nor the objective nor the slowest routes. */
  incidents?: Incident[];
  objective?: Objective;
  current: {
    online_users: number | null;
    active_rooms: number | null;
    messages_today: number | null;
    messages_per_min: number | null;
    deliveries_per_sec: number | null;
    sockets: Record<(typeof DIALECTS)[number], number>;
    send_ms: Quantiles;
    delivery_ms: Quantiles;
  };
  series: { at_ms: number[] } & Partial<Record<SeriesName, Values>>;
  errors: { route: string; status: number; count: number }[];
  slow_routes?: ({ route: string; count: number } & Quantiles)[];
  closes: { code: number; count: number }[];
  top_rooms: { number: number; id: string; name: string; messages: number }[];
}

/** Later answers would be outdated. */
const TIMEOUT_MS = 8_000;

/**
 * Fetches the metrics of a view.
 *
 * # Errors
 * `ApiError` with the status of the server, or 0 if it did not answer in time. A refused token ends the session.
 */
export async function loadMetrics(view: View, signal: AbortSignal): Promise<Metrics> {
  const query = new URLSearchParams({ range: view.range });
  if (view.node !== null) query.set("node", view.node);
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const answer = await request("GET", `/dashboard/figures?${query}`, undefined, timeout);
  if (!isMetrics(answer)) throw new ApiError(0, "unreadable");
  return answer;
}

/** Proxies may answer 200 with a page of their own. */
function isMetrics(answer: unknown): answer is Metrics {
  return typeof answer === "object" && answer !== null && "series" in answer && "current" in answer;
}
