//! Reports of a node about itself. Every few seconds it stores its row and the metrics of the current minute for the
//! dashboard, and updates the gauges that `/metrics` shows.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::incidents::Incidents;
use super::process_usage::ProcessUsage;
use crate::domain::{Error, Result};
use crate::edge::Stopping;
use crate::fanout::FollowedRooms;
use crate::metrics::{Gauge, Load, Metrics, Minute, RouteTotals, Routes, Totals};
use crate::store::{NodeRow, ROUTES_MINUTES, Report, Store};

/// The name of the reporter's task.
pub(super) const REPORTER: &str = "reporter";
/// Interval between updates of the gauges when reports are off.
const GAUGES_EVERY_MS: u64 = 2000;
/// Interval between readings of what is counted over all nodes.
const SURVEY_EVERY: Duration = Duration::from_secs(60);
/// Minutes kept for later while Redis is unavailable.
const MAX_PENDING: usize = 60;
/// Spans of ten minutes kept for later while Redis is unavailable.
const MAX_PENDING_ROUTES: usize = 6;

/// Reports about one node.
pub(super) struct Reporter {
    pub(super) id: String,
    /// The address that the dashboard shows.
    pub(super) address: String,
    /// Milliseconds between reports; 0 turns them off.
    pub(super) every_ms: u64,
    pub(super) store: Store,
    pub(super) followed_rooms: FollowedRooms,
    pub(super) stopping: Arc<Stopping>,
    pub(super) metrics: Arc<Metrics>,
}

/// The current minute, and earlier ones that are not stored yet.
struct MinuteLog {
    minute: u64,
    /// Totals at the beginning of the minute.
    totals_before: Totals,
    rooms: HashMap<u32, u64>,
    /// Ended minutes that are not stored yet, each with its number.
    pending: Vec<(u64, Minute)>,
    routes: RoutesLog,
}

/// The durations of requests in the current ten minutes, and in earlier ones that are not stored yet.
struct RoutesLog {
    slot: u64,
    /// Totals at the beginning of the ten minutes.
    totals_before: RouteTotals,
    pending: Vec<(u64, Routes)>,
}

impl RoutesLog {
    /// Returns the current ten minutes so far. What has ended moves to `pending`.
    fn update(&mut self, now_ms: u64, totals: RouteTotals) -> Routes {
        let current = totals.since(&self.totals_before);
        let slot = now_ms / 60_000 / ROUTES_MINUTES;
        if slot == self.slot {
            return current;
        }
        self.pending.push((self.slot, current));
        let excess = self.pending.len().saturating_sub(MAX_PENDING_ROUTES);
        self.pending.drain(..excess);
        (self.slot, self.totals_before) = (slot, totals);
        Routes::default()
    }
}

impl Reporter {
    /// Reports until `end` resolves, then reports once more and removes the node's row.
    pub(super) async fn run(self, mut end: oneshot::Receiver<()>) {
        let started_ms = self.store.now_ms();
        let mut log = self.begin_log(started_ms);
        let mut incidents = Incidents::of_start(&self.id, started_ms, &self.store, &self.metrics);
        let mut usage = ProcessUsage::default();
        let mut surveyed_at: Option<Instant> = None;
        self.metrics.set(Gauge::Started, started_ms);
        let pause = Duration::from_millis(if self.every_ms == 0 { GAUGES_EVERY_MS } else { self.every_ms });
        let mut is_last = false;
        loop {
            self.metrics.set(Gauge::DeliveryUp, self.followed_rooms.is_up().into());
            let load = self.load(usage.update(&self.metrics));
            if self.every_ms == 0 {
                self.metrics.set(Gauge::Ready, self.is_ready().into());
                drop(self.store.take_room_messages()); // without reports nothing reads them
            } else {
                if surveyed_at.is_none_or(|at| at.elapsed() >= SURVEY_EVERY) && self.survey(&mut incidents).await {
                    surveyed_at = Some(Instant::now());
                }
                incidents.look(&self.store, &self.metrics);
                let row = self.row(started_ms, &load);
                let current = self.update_minute(&mut log, load);
                self.report(&row, &mut log, &current).await;
                if is_last {
                    incidents.note_leaving(self.store.now_ms());
                }
                incidents.write(&self.store).await;
            }
            if is_last {
                return self.leave().await;
            }
            is_last = tokio::select! {
                _ = &mut end => true,
                () = tokio::time::sleep(pause) => false,
            };
        }
    }

    fn begin_log(&self, started_ms: u64) -> MinuteLog {
        let minute = started_ms / 60_000;
        let routes =
            RoutesLog { slot: minute / ROUTES_MINUTES, totals_before: self.metrics.routes(), pending: Vec::new() };
        let totals_before = self.metrics.totals();
        MinuteLog { minute, totals_before, rooms: HashMap::new(), pending: Vec::new(), routes }
    }

    /// Stores the node's first row, not ready yet, which begins its lease.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn register(&self) -> Result<()> {
        let row = NodeRow { is_ready: false, ..self.row(self.store.now_ms(), &self.load(0)) };
        self.store.report(&row, &Report { minutes: Vec::new(), routes: Vec::new() }, self.every_ms).await
    }

    /// Removes what the node stored about itself, after writing the activity that it has collected.
    pub(super) async fn leave(&self) {
        if let Err(error) = self.store.write_gathered().await {
            warn!(%error, "the counts and the activity of the last second are lost");
        }
        if self.every_ms == 0 {
            return;
        }
        if let Err(error) = self.store.take_leave(&self.id).await {
            debug!(%error, "the dashboard shows this node until its lease ends");
        }
    }

    fn is_ready(&self) -> bool {
        self.followed_rooms.is_up() && self.followed_rooms.takes_writes() && !self.stopping.is_draining()
    }

    /// Reads what is counted over all nodes, and which of them were lost. Returns whether that succeeded.
    async fn survey(&self, incidents: &mut Incidents) -> bool {
        let (stats, nodes) = tokio::join!(self.store.stats(), self.store.reporting_nodes());
        match stats.and_then(|stats| Ok((stats, nodes?))) {
            Ok((stats, (_, lost))) => {
                incidents.note_lost(lost);
                self.metrics.set(Gauge::OnlineUsers, stats.online_users);
                self.metrics.set(Gauge::ActiveRooms, stats.active_rooms);
                true
            }
            Err(error) => {
                debug!(%error, "could not read the numbers of users and rooms");
                false
            }
        }
    }

    fn load(&self, cpu_basis_points: u64) -> Load {
        let sockets = self.metrics.sockets().filter(|(_, open)| *open > 0);
        Load {
            sockets: sockets.map(|(dialect, open)| (dialect.to_owned(), open)).collect(),
            queued_bytes: self.metrics.get(Gauge::QueuedBytes),
            memory_bytes: self.metrics.get(Gauge::Memory),
            cpu_basis_points,
            online_users: self.metrics.get(Gauge::OnlineUsers),
            active_rooms: self.metrics.get(Gauge::ActiveRooms),
        }
    }

    fn row(&self, started_ms: u64, load: &Load) -> NodeRow {
        NodeRow {
            id: self.id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_ms,
            seen_ms: self.store.now_ms(),
            address: self.address.clone(),
            is_ready: self.is_ready(),
            cpu_percent: load.cpu_basis_points as f64 / 100.0,
            memory_bytes: load.memory_bytes,
            sockets: load.sockets.values().sum(),
            queued_bytes: load.queued_bytes,
            lag_ms: self.metrics.get(Gauge::RoundTrip) as f64 / 1000.0,
            clock_offset_ms: self.store.clock().offset_ms(),
        }
    }

    /// Returns the current minute so far. A minute that has ended moves to `pending`, and includes everything counted
    /// since the last report.
    fn update_minute(&self, log: &mut MinuteLog, load: Load) -> Minute {
        for (room, messages) in self.store.take_room_messages() {
            *log.rooms.entry(room.number()).or_default() += messages;
        }
        let totals = self.metrics.totals();
        let mut current = totals.since(&log.totals_before);
        current.set_rooms(log.rooms.iter().map(|(room, messages)| (*room, *messages)));
        current.load = load.clone();
        let minute = self.store.now_ms() / 60_000;
        if minute == log.minute {
            return current;
        }
        log.pending.push((log.minute, current));
        let excess = log.pending.len().saturating_sub(MAX_PENDING);
        log.pending.drain(..excess);
        (log.minute, log.totals_before) = (minute, totals);
        log.rooms.clear();
        Minute::begun(load)
    }

    async fn report(&self, row: &NodeRow, log: &mut MinuteLog, current: &Minute) {
        let current_routes = log.routes.update(self.store.now_ms(), self.metrics.routes());
        let pending = log.pending.iter().map(|(minute, metrics)| (*minute, metrics));
        let minutes = pending.chain([(log.minute, current)]).collect();
        let pending = log.routes.pending.iter().map(|(slot, routes)| (*slot, routes));
        let routes =
            pending.chain([(log.routes.slot, &current_routes)]).filter(|(_, routes)| !routes.0.is_empty()).collect();
        let sent_at = Instant::now();
        let outcome = self.store.report(row, &Report { minutes, routes }, self.every_ms).await;
        self.metrics.set(Gauge::Ready, (outcome.is_ok() && self.is_ready()).into());
        match outcome {
            Ok(()) => {
                self.metrics.set(Gauge::RoundTrip, u64::try_from(sent_at.elapsed().as_micros()).unwrap_or(u64::MAX));
                log.pending.clear();
                log.routes.pending.clear();
            }
            // The next report includes everything again.
            Err(error) => debug!(%error, "could not store the report"),
        }
    }
}

/// Generates a node's id. It is short, because every stored minute repeats it.
///
/// # Errors
/// The system has no random bytes. A generator of the process is no substitute: machines that are started together from
/// one image could draw the same id.
pub(super) fn node_id() -> Result<String> {
    getrandom::u32().map(|id| format!("{id:08x}")).map_err(|error| Error::internal(error.to_string()))
}

/// The address by which operators find a node: with the machine's name when the node listens on all addresses.
pub(super) fn shown_address(address: SocketAddr) -> String {
    if !address.ip().is_unspecified() {
        return address.to_string();
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => address.to_string(),
        name => format!("{name}:{}", address.port()),
    }
}
