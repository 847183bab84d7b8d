// Made-up metrics of one hour with some hundred users, as a new cluster has none.

type Values = (number | null)[];

interface Metrics {
  nodes: { sockets: number; cpu_percent: number; memory_bytes: number; lag_ms: number; started_ms: number }[];
  redis: { memory_bytes: number; commands_per_sec: number; clients: number; uptime_secs: number };
  current: Record<string, unknown>;
  series: { at_ms: number[] } & Record<string, Values>;
  top_rooms: { number: number; id: string; name: string; messages: number }[];
  errors: { route: string; status: number; count: number }[];
  closes: { code: number; count: number }[];
  objective: Record<"last_hour" | "last_day", { deliveries: number; percent: number; burn_rate: number }>;
  now_ms: number;
}

/** A pseudo-random number from 0 to 1, always the same for the same arguments. */
function noise(seed: number, at: number): number {
  const x = Math.sin(seed * 127.1 + at * 311.7) * 43758.5453;
  return x - Math.floor(x);
}

const round = (value: number, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits;
const DAY_SECS = 86_400;
const MB = 1024 * 1024;

export function busyHour(metrics: Metrics, rooms: string[]): Metrics {
  const steps = metrics.series.at_ms.length;
  const each = (make: (at: number) => number, digits = 0): Values =>
    Array.from({ length: steps }, (_, at) => round(Math.max(0, make(at)), digits));
  const tide = (at: number) => 0.75 + 0.25 * Math.sin(at / 9) + 0.1 * Math.sin(at / 3.1);
  const few = (seed: number, often: number, most: number) =>
    each((at) => (noise(seed, at) < often ? 1 + noise(seed + 0.5, at) * most : 0));

  const messages = each((at) => 86 * tide(at) + 34 * noise(1, at));
  const webchat = each((at) => 310 + 45 * tide(at) + 6 * noise(2, at));
  const made: Record<string, Values> = {
    online_users: each((at) => 268 + 52 * tide(at) + 5 * noise(3, at)),
    active_rooms: each((at) => 34 + 11 * tide(at) + 3 * noise(4, at)),
    messages,
    deliveries: messages.map((count, at) => round((count ?? 0) * (13 + 2 * noise(5, at)))),
    send_p50_ms: each((at) => 0.9 + 0.2 * noise(6, at), 2),
    send_p99_ms: each((at) => 3.1 + 1.6 * noise(7, at), 2),
    delivery_p50_ms: each((at) => 1.6 + 0.3 * noise(8, at), 2),
    delivery_p99_ms: each((at) => 6.2 + 3.4 * noise(9, at), 2),
    sockets_webchat: webchat,
    sockets_envelope: each((at) => 74 + 8 * tide(at)),
    sockets_messenger: each((at) => 41 + 3 * noise(10, at)),
    sockets_imtypes: each((at) => 58 + 6 * tide(at + 7)),
    sockets_opened: each((at) => 9 + 12 * noise(11, at)),
    sockets_resumed: each((at) => 3 + 7 * noise(12, at)),
    sockets_closed: each((at) => 8 + 12 * noise(13, at)),
    lagging: few(14, 0.08, 2),
    closed_slow: few(15, 0.03, 1),
    gap_repairs: few(16, 0.05, 2),
    rate_limited: few(17, 0.1, 8),
    http_requests: each((at) => 720 * tide(at) + 160 * noise(18, at)),
    http_errors_4xx: few(19, 0.5, 5),
    http_errors_5xx: each(() => 0),
    uploads: few(20, 0.55, 4),
    upload_bytes: few(20, 0.55, 4).map((count) => (count ?? 0) * 640_000),
    cpu_percent: each((at) => 5.5 + 3 * tide(at) + 1.5 * noise(21, at), 1),
    memory_bytes: each((at) => (92 + at * 0.05 + 2 * noise(22, at)) * MB),
    queued_bytes: few(23, 0.3, 40_000),
  };
  const last = (name: string) => Number(made[name]?.at(-2) ?? 0);
  const nodes = metrics.nodes.map((node, at) => ({
    ...node,
    sockets: round((last("sockets_webchat") + 175) / metrics.nodes.length) + at * 3,
    cpu_percent: 3.9 + at * 0.6,
    memory_bytes: (46 + at * 1.8) * MB,
    lag_ms: 0.3 + at * 0.1,
    started_ms: metrics.now_ms - (6.4 + at * 0.01) * DAY_SECS * 1000,
  }));
  return {
    ...metrics,
    nodes,
    redis: {
      ...metrics.redis,
      memory_bytes: 61.4 * MB,
      commands_per_sec: 412,
      clients: 18,
      uptime_secs: 19.2 * DAY_SECS,
    },
    current: {
      online_users: last("online_users"),
      active_rooms: last("active_rooms"),
      messages_today: 61_840,
      messages_per_min: last("messages"),
      deliveries_per_sec: round(last("deliveries") / 60, 1),
      sockets: Object.fromEntries(
        ["webchat", "envelope", "messenger", "imtypes"].map((name) => [name, last(`sockets_${name}`)]),
      ),
      send_ms: { p50: last("send_p50_ms"), p99: last("send_p99_ms") },
      delivery_ms: { p50: last("delivery_p50_ms"), p99: last("delivery_p99_ms") },
    },
    series: { ...metrics.series, ...made, at_ms: metrics.series.at_ms } as Metrics["series"],
    top_rooms: rooms.map((name, at) => ({
      number: at + 2,
      id: `room_0000000${at}`,
      name,
      messages: round(1480 / (at + 1.3)),
    })),
    objective: {
      ...metrics.objective,
      last_hour: { deliveries: 61_304, percent: 99.971, burn_rate: 0.3 },
      last_day: { deliveries: 1_204_662, percent: 99.958, burn_rate: 0.4 },
    },
    errors: [
      { route: "POST /api/v1/auth/login", status: 401, count: 61 },
      { route: "GET /uploads/images/{name}", status: 404, count: 17 },
      { route: "POST /api/chat/upload", status: 415, count: 5 },
    ],
    closes: [
      { code: 1000, count: 312 },
      { code: 1006, count: 188 },
      { code: 1001, count: 24 },
    ],
  };
}
