//! Floor 0: what a node counts. One set of atomics per node, shared by its workers; `/metrics` and the dashboard
//! read the same ones.
//!
//! Counting is an addition to an atomic, once per event and worker, weighted by the number of connections. Nothing
//! is counted by user, room or address. Everyone may import this module; it imports nothing of the crate.

mod histogram;
mod minute;
mod text;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use histogram::{Distribution, Histogram};
pub use minute::{Load, Minute};

/// Status classes, `1xx` to `5xx`.
const CLASSES: usize = 5;
/// Most different errors of requests that are told apart. Routes are patterns, so that clients cannot make more of
/// them; this is for the day when someone adds many.
const MAX_ERRORS: usize = 1000;
const OTHER_ERRORS: &str = "other";

/// What is counted by its number alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Messages of users that this node has stored.
    Messages,
    /// Messages queued for sockets: one for each socket.
    Deliveries,
    /// Sockets opened.
    Opened,
    /// Sockets that resumed what they had missed.
    Resumed,
    /// Sockets that began to take their messages too slowly.
    Lagging,
    /// Sockets closed for that.
    ClosedSlow,
    /// Readings of what pub/sub had lost.
    GapRepairs,
    /// Requests, frames and messages refused by a rate limit.
    RateLimited,
    /// Files taken in.
    Uploads,
    /// Their bytes.
    UploadBytes,
    /// Panics in what delivers to sockets.
    WorkerPanics,
}

/// How a count is called on the dashboard and in Prometheus, and what it means. In the order of [`Count`], which is
/// that of stored minutes as well: new ones come last.
pub const COUNTS: [(Count, &str, &str, &str); 11] = [
    (Count::Messages, "messages", "chinwag_messages_total", "Messages of users stored"),
    (Count::Deliveries, "deliveries", "chinwag_deliveries_total", "Messages queued for sockets, one for each socket"),
    (Count::Opened, "sockets_opened", "chinwag_sockets_opened_total", "WebSockets opened"),
    (Count::Resumed, "sockets_resumed", "chinwag_sockets_resumed_total", "WebSockets that resumed what they missed"),
    (Count::Lagging, "lagging", "chinwag_sockets_lagging_total", "Times that a WebSocket began to be too slow"),
    (Count::ClosedSlow, "closed_slow", "chinwag_sockets_closed_slow_total", "WebSockets closed for being too slow"),
    (Count::GapRepairs, "gap_repairs", "chinwag_gap_repairs_total", "Readings of what pub/sub had lost"),
    (Count::RateLimited, "rate_limited", "chinwag_rate_limited_total", "Refusals by a rate limit"),
    (Count::Uploads, "uploads", "chinwag_uploads_total", "Files taken in"),
    (Count::UploadBytes, "upload_bytes", "chinwag_upload_bytes_total", "Bytes of the files taken in"),
    (Count::WorkerPanics, "worker_panics", "chinwag_worker_panics_total", "Panics in delivery to WebSockets"),
];

/// A state of the node or of its surroundings, noted every few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// 1 while events of other nodes arrive.
    DeliveryUp,
    /// 1 while the node takes requests.
    Ready,
    /// Bytes that wait in the queues of sockets.
    QueuedBytes,
    /// How long the last report to Redis took, microseconds.
    RoundTrip,
    /// Resident memory of the process, bytes.
    Memory,
    /// Processor time of the process, microseconds.
    Cpu,
    /// When the process started, milliseconds since 1970.
    Started,
    /// Memory that Redis uses, bytes.
    RedisMemory,
    /// Memory that Redis may use, bytes; 0 when it has no limit.
    RedisLimit,
    /// Users online, on all nodes.
    OnlineUsers,
    /// Rooms with a message in the last 24 hours.
    ActiveRooms,
}

/// How a gauge is called in Prometheus, by what it is divided there, and what it means. In the order of [`Gauge`].
const GAUGES: [(Gauge, &str, f64, &str); 11] = [
    (Gauge::DeliveryUp, "chinwag_delivery_up", 1.0, "1 while events of other nodes arrive"),
    (Gauge::Ready, "chinwag_ready", 1.0, "1 while the node takes requests and Redis answers"),
    (Gauge::QueuedBytes, "chinwag_queued_bytes", 1.0, "Bytes that wait in the queues of WebSockets"),
    (Gauge::RoundTrip, "chinwag_redis_round_trip_seconds", 1e6, "How long the last report to Redis took"),
    (Gauge::Memory, "process_resident_memory_bytes", 1.0, "Resident memory of the process"),
    (Gauge::Cpu, "process_cpu_seconds_total", 1e6, "Processor time of the process"),
    (Gauge::Started, "process_start_time_seconds", 1e3, "When the process started, since 1970"),
    (Gauge::RedisMemory, "chinwag_redis_memory_bytes", 1.0, "Memory that Redis uses"),
    (Gauge::RedisLimit, "chinwag_redis_memory_limit_bytes", 1.0, "Memory that Redis may use; 0 is no limit"),
    (Gauge::OnlineUsers, "chinwag_online_users", 1.0, "Users online on all nodes"),
    (Gauge::ActiveRooms, "chinwag_active_rooms", 1.0, "Rooms with a message in the last 24 hours"),
];

/// Codes of RFC 6455, §7.4.1, one by one; the last three stand for all from 1016, 3000 and 4000 on.
const CODES: [u16; 19] =
    [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 2000, 3000, 4000];

/// A route by its method and pattern, and the status that it answered.
type RouteError = (String, u16);

/// The metrics of one node.
pub struct Metrics {
    /// Who answers requests.
    owners: Box<[&'static str]>,
    /// Who speaks over WebSockets.
    socket_dialects: Box<[&'static str]>,
    counts: [AtomicU64; COUNTS.len()],
    gauges: [AtomicU64; GAUGES.len()],
    /// `[owner][status class]`
    requests: Box<[[AtomicU64; CLASSES]]>,
    /// `[owner]`
    durations: Box<[Histogram]>,
    errors: Mutex<HashMap<RouteError, u64>>,
    /// `[dialect]`, those that are open now.
    sockets: Box<[AtomicU64]>,
    /// `[CODES]`
    closes: [AtomicU64; CODES.len()],
    sends: Histogram,
    delays: Histogram,
}

/// Everything that only grows, at one moment.
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
    /// Nothing counted yet. `owners` answer requests, `socket_dialects` speak over WebSockets.
    pub fn new(owners: &[&'static str], socket_dialects: &[&'static str]) -> Self {
        Self {
            owners: owners.into(),
            socket_dialects: socket_dialects.into(),
            counts: Default::default(),
            gauges: Default::default(),
            requests: owners.iter().map(|_| Default::default()).collect(),
            durations: owners.iter().map(|_| Histogram::default()).collect(),
            errors: Mutex::default(),
            sockets: socket_dialects.iter().map(|_| AtomicU64::new(0)).collect(),
            closes: Default::default(),
            sends: Histogram::default(),
            delays: Histogram::default(),
        }
    }

    /// Who speaks over WebSockets.
    pub fn socket_dialects(&self) -> &[&'static str] {
        &self.socket_dialects
    }

    /// Counts something that happened once.
    pub fn count(&self, what: Count) {
        self.add(what, 1);
    }

    /// Counts something by its number.
    pub fn add(&self, what: Count, number: u64) {
        self.counts[what as usize].fetch_add(number, Ordering::Relaxed);
    }

    /// Notes a state.
    pub fn set(&self, what: Gauge, value: u64) {
        self.gauges[what as usize].store(value, Ordering::Relaxed);
    }

    /// A state as last noted.
    pub fn get(&self, what: Gauge) -> u64 {
        self.gauges[what as usize].load(Ordering::Relaxed)
    }

    /// Notes by how much a worker's part of a state has changed.
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

    /// Counts a request that was refused or failed, by its route (method and pattern).
    pub fn count_error(&self, route: String, status: u16) {
        let mut errors = self.errors.lock().expect("no panic while held");
        let is_one_too_many = errors.len() >= MAX_ERRORS && !errors.contains_key(&(route.clone(), status));
        let route = if is_one_too_many { OTHER_ERRORS.to_owned() } else { route };
        *errors.entry((route, status)).or_default() += 1;
    }

    /// Notes how long a send took, whatever became of it.
    pub fn count_send(&self, duration: Duration) {
        self.sends.record(duration, 1);
    }

    /// Counts a message queued for so many sockets, so long after it was stored.
    pub fn count_delivery(&self, sockets: u64, delay: Duration) {
        self.add(Count::Deliveries, sockets);
        self.delays.record(delay, sockets);
    }

    /// Counts a socket that opened.
    pub fn count_open(&self, dialect: &str) {
        self.count(Count::Opened);
        self.change_sockets(dialect, 1);
    }

    /// Counts a socket that was closed with this code.
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

    /// Open sockets by who speaks over them.
    pub fn sockets(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.socket_dialects.iter().zip(&self.sockets).map(|(name, open)| (*name, open.load(Ordering::Relaxed)))
    }

    /// Everything that only grows, as it is now.
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
    fn tables_are_in_the_order_of_what_they_name() {
        assert!(COUNTS.iter().enumerate().all(|(index, (count, ..))| *count as usize == index));
        assert!(GAUGES.iter().enumerate().all(|(index, (gauge, ..))| *gauge as usize == index));
    }

    #[test]
    fn close_codes_have_a_bounded_number_of_places() {
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
    fn errors_of_routes_are_bounded() {
        let metrics = Metrics::new(&[], &[]);
        for number in 0..MAX_ERRORS + 5 {
            metrics.count_error(format!("GET /{number}"), 404);
        }
        let errors = metrics.totals().errors;
        assert_eq!((errors.len(), errors[&(OTHER_ERRORS.to_owned(), 404)]), (MAX_ERRORS + 1, 5));
    }
}
