//! Floor 0: the metrics of a node. One set of atomics per node, shared by its workers and read by both `/metrics` and
//! the dashboard.
//!
//! Counting adds to an atomic once per event and worker, weighted by the number of connections. Nothing is counted per
//! user, room or address. Every module may import this one; it imports nothing of the crate.

mod counts;
mod histogram;
mod minute;
mod routes;
mod shard;
mod text;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use counts::{COUNTS, Count};
pub use histogram::{Distribution, Histogram};
pub use minute::{Load, Minute};
pub use routes::{RouteTotals, Routes};
pub use shard::Shard;

/// Status classes, `1xx` to `5xx`.
const CLASSES: usize = 5;
/// Maximum number of pairs of route and status that are counted separately; [`OTHER_ERRORS`] counts the rest. Routes
/// are patterns, so clients cannot reach this limit.
const MAX_ERRORS: usize = 1000;
const OTHER_ERRORS: &str = "other";

/// A value that describes the state of the node, of Redis or of all nodes. Updated every few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// 1 while events from other nodes arrive.
    DeliveryUp,
    /// 1 while the node accepts requests and Redis answers.
    Ready,
    /// Bytes queued for sockets.
    QueuedBytes,
    /// Duration of the last report to Redis, in microseconds.
    RoundTrip,
    /// Resident memory of the process, in bytes.
    Memory,
    /// Processor time of the process, in microseconds.
    Cpu,
    /// Start time of the process, in Unix milliseconds.
    Started,
    /// Memory that Redis uses, in bytes.
    RedisMemory,
    /// Memory that Redis may use, in bytes; 0 without a limit.
    RedisLimit,
    /// 1 while the node refuses what takes memory of Redis.
    RedisFull,
    /// Users online, on all nodes.
    OnlineUsers,
    /// Rooms with a message in the last 24 hours.
    ActiveRooms,
    /// Difference between the clocks of the machine and of Redis, in milliseconds.
    ClockSkew,
    /// Replicas that must have received a write by the configuration.
    ReplicasWanted,
    /// Replicas that must have received a write now.
    ReplicasInForce,
    /// Replicas that received a write a moment ago, at most the number required.
    ReplicasReached,
}

/// Each gauge with its name in Prometheus, the divisor that converts it to Prometheus' unit, and its help text. In the
/// order of [`Gauge`].
const GAUGES: [(Gauge, &str, f64, &str); 16] = [
    (Gauge::DeliveryUp, "chinwag_delivery_up", 1.0, "1 while events from other nodes arrive"),
    (Gauge::Ready, "chinwag_ready", 1.0, "1 while the node accepts requests and Redis answers"),
    (Gauge::QueuedBytes, "chinwag_queued_bytes", 1.0, "Bytes queued for WebSockets"),
    (Gauge::RoundTrip, "chinwag_redis_round_trip_seconds", 1e6, "Duration of the last report to Redis"),
    (Gauge::Memory, "process_resident_memory_bytes", 1.0, "Resident memory of the process"),
    (Gauge::Cpu, "process_cpu_seconds_total", 1e6, "Processor time of the process"),
    (Gauge::Started, "process_start_time_seconds", 1e3, "Start time of the process since the Unix epoch"),
    (Gauge::RedisMemory, "chinwag_redis_memory_bytes", 1.0, "Memory that Redis uses"),
    (Gauge::RedisLimit, "chinwag_redis_memory_limit_bytes", 1.0, "Memory that Redis may use; 0 without a limit"),
    (Gauge::RedisFull, "chinwag_redis_memory_full", 1.0, "1 while what takes memory of Redis is refused"),
    (Gauge::OnlineUsers, "chinwag_online_users", 1.0, "Users online on all nodes"),
    (Gauge::ActiveRooms, "chinwag_active_rooms", 1.0, "Rooms with a message in the last 24 hours"),
    (Gauge::ClockSkew, "chinwag_clock_skew_seconds", 1e3, "Difference between the clocks of the machine and of Redis"),
    (
        Gauge::ReplicasWanted,
        "chinwag_redis_durability_wanted",
        1.0,
        "Replicas that must have received a write by redis.durability",
    ),
    (Gauge::ReplicasInForce, "chinwag_redis_durability_in_force", 1.0, "Replicas that must have received a write now"),
    (
        Gauge::ReplicasReached,
        "chinwag_redis_durability_reached",
        1.0,
        "Replicas that received a write a moment ago, at most the number wanted",
    ),
];

/// Close codes that are counted separately (RFC 6455, §7.4.1). The last three are ranges, which start at 1016, 3000 and
/// 4000.
const CODES: [u16; 19] =
    [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 2000, 3000, 4000];

/// A route (method and pattern), and the status of its response.
type RouteError = (String, u16);

/// The metrics of one node.
pub struct Metrics {
    /// Names of the dialects, and of the site, that answer requests.
    owners: Box<[&'static str]>,
    /// Names of the dialects with WebSockets.
    socket_dialects: Box<[&'static str]>,
    counts: [AtomicU64; COUNTS.len()],
    gauges: [AtomicU64; GAUGES.len()],
    /// `[owner][status class]`
    requests: Box<[[AtomicU64; CLASSES]]>,
    /// `[owner]`
    durations: Box<[Histogram]>,
    routes: routes::RouteTimes,
    errors: Mutex<HashMap<RouteError, u64>>,
    /// `[dialect]`, open sockets.
    sockets: Box<[AtomicU64]>,
    /// In the order of [`CODES`].
    closes: [AtomicU64; CODES.len()],
    sends: Histogram,
    delays: Histogram,
    /// Of a Redis Cluster; otherwise none.
    shards: Mutex<Vec<Shard>>,
}

/// The values of all counters at one moment.
#[derive(Clone)]
pub struct Totals {
    counts: [u64; COUNTS.len()],
    requests: [u64; CLASSES],
    closes: [u64; CODES.len()],
    errors: HashMap<RouteError, u64>,
    sends: Distribution,
    delays: Distribution,
}

impl Metrics {
    /// Creates metrics at zero. `owners` name what answers requests, `socket_dialects` the dialects with WebSockets.
    pub fn new(owners: &[&'static str], socket_dialects: &[&'static str]) -> Self {
        Self {
            owners: owners.into(),
            socket_dialects: socket_dialects.into(),
            counts: Default::default(),
            gauges: Default::default(),
            requests: owners.iter().map(|_| Default::default()).collect(),
            durations: owners.iter().map(|_| Histogram::default()).collect(),
            routes: routes::RouteTimes::default(),
            errors: Mutex::default(),
            sockets: socket_dialects.iter().map(|_| AtomicU64::new(0)).collect(),
            closes: Default::default(),
            sends: Histogram::default(),
            delays: Histogram::default(),
            shards: Mutex::default(),
        }
    }

    /// Sets the state of the shards of a Redis Cluster.
    pub fn set_shards(&self, shards: Vec<Shard>) {
        *self.shards.lock().expect("no panic while held") = shards;
    }

    /// Returns the names of the dialects with WebSockets.
    pub fn socket_dialects(&self) -> &[&'static str] {
        &self.socket_dialects
    }

    /// Increments a counter.
    pub fn count(&self, what: Count) {
        self.add(what, 1);
    }

    /// Adds to a counter.
    pub fn add(&self, what: Count, number: u64) {
        self.counts[what as usize].fetch_add(number, Ordering::Relaxed);
    }

    /// Returns the value of a counter.
    pub fn count_of(&self, what: Count) -> u64 {
        self.counts[what as usize].load(Ordering::Relaxed)
    }

    /// Sets a gauge.
    pub fn set(&self, what: Gauge, value: u64) {
        self.gauges[what as usize].store(value, Ordering::Relaxed);
    }

    /// Returns a gauge's last value.
    pub fn get(&self, what: Gauge) -> u64 {
        self.gauges[what as usize].load(Ordering::Relaxed)
    }

    /// Updates a gauge that is a sum over workers: one worker's part changes between these values.
    pub fn change(&self, what: Gauge, from: u64, to: u64) {
        self.gauges[what as usize].fetch_add(to.wrapping_sub(from), Ordering::Relaxed);
    }

    /// Counts an answered request.
    pub fn count_request(&self, owner: usize, status: u16, duration: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES) - 1;
        if let (Some(classes), Some(durations)) = (self.requests.get(owner), self.durations.get(owner)) {
            classes[class].fetch_add(1, Ordering::Relaxed);
            durations.record(duration, 1);
        }
    }

    /// Records how long a request took, by its route. Routes are patterns, so there are not many.
    pub fn time_route(&self, method: &str, pattern: &str, duration: Duration) {
        self.routes.record(method, pattern, duration);
    }

    /// Returns the durations of all requests so far, by route.
    pub fn routes(&self) -> RouteTotals {
        self.routes.read()
    }

    /// Counts a refused or failed request by its route (method and pattern).
    pub fn count_error(&self, route: String, status: u16) {
        let mut errors = self.errors.lock().expect("no panic while held");
        let is_beyond_limit = errors.len() >= MAX_ERRORS && !errors.contains_key(&(route.clone(), status));
        let route = if is_beyond_limit { OTHER_ERRORS.to_owned() } else { route };
        *errors.entry((route, status)).or_default() += 1;
    }

    /// Records the duration of a send, successful or not.
    pub fn count_send(&self, duration: Duration) {
        self.sends.record(duration, 1);
    }

    /// Counts a message that was queued for `sockets` sockets, `delay` after it was stored.
    pub fn count_delivery(&self, sockets: u64, delay: Duration) {
        self.add(Count::Deliveries, sockets);
        self.delays.record(delay, sockets);
    }

    /// Counts an opened socket.
    pub fn count_open(&self, dialect: &str) {
        self.count(Count::Opened);
        self.change_sockets(dialect, 1);
    }

    /// Counts a closed socket and its close code.
    pub fn count_close(&self, dialect: &str, code: u16) {
        let slot = CODES.iter().rposition(|first| *first <= code).unwrap_or(0);
        self.closes[slot].fetch_add(1, Ordering::Relaxed);
        self.change_sockets(dialect, 1_u64.wrapping_neg());
    }

    fn change_sockets(&self, dialect: &str, by: u64) {
        if let Some(index) = self.socket_dialects.iter().position(|other| *other == dialect) {
            self.sockets[index].fetch_add(by, Ordering::Relaxed);
        }
    }

    /// Returns the number of open sockets per dialect.
    pub fn sockets(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.socket_dialects.iter().zip(&self.sockets).map(|(name, open)| (*name, open.load(Ordering::Relaxed)))
    }

    /// Returns the current values of all counters.
    pub fn totals(&self) -> Totals {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut requests = [0; CLASSES];
        for (class, sum) in requests.iter_mut().enumerate() {
            *sum = self.requests.iter().map(|classes| read(&classes[class])).sum();
        }
        Totals {
            counts: self.counts.each_ref().map(read),
            requests,
            closes: self.closes.each_ref().map(read),
            errors: self.errors.lock().expect("no panic while held").clone(),
            sends: self.sends.read(),
            delays: self.delays.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_the_order_of_their_enums() {
        assert!(COUNTS.iter().enumerate().all(|(index, (count, ..))| *count as usize == index));
        assert!(GAUGES.iter().enumerate().all(|(index, (gauge, ..))| *gauge as usize == index));
    }

    #[test]
    fn unknown_close_codes_are_counted_in_ranges() {
        let metrics = Metrics::new(&[], &["a"]);
        for code in [1000, 1006, 1015, 1016, 2999, 3456, 4999, 0] {
            metrics.count_open("a");
            metrics.count_close("a", code);
        }
        let closes = metrics.totals().closes;
        let counted: Vec<(u16, u64)> = CODES.into_iter().zip(closes).filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(1000, 2), (1006, 1), (1015, 2), (2000, 1), (3000, 1), (4000, 1)]);
        assert_eq!(metrics.sockets().collect::<Vec<_>>(), [("a", 0)]);
    }

    #[test]
    fn the_number_of_counted_routes_is_bounded() {
        let metrics = Metrics::new(&[], &[]);
        for number in 0..MAX_ERRORS + 5 {
            metrics.count_error(format!("GET /{number}"), 404);
        }
        let errors = metrics.totals().errors;
        assert_eq!((errors.len(), errors[&(OTHER_ERRORS.to_owned(), 404)]), (MAX_ERRORS + 1, 5));
    }
}
