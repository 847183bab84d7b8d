//! What a node tells about itself: every few seconds its row and the metrics of the present minute, for the
//! dashboard; the same goes into the metrics that `/metrics` shows.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::debug;

use super::process_usage::ProcessUsage;
use crate::domain::now_ms;
use crate::edge::Stopping;
use crate::fanout::FollowedRooms;
use crate::metrics::{Gauge, Load, Metrics, Minute, Totals};
use crate::store::{NodeRow, Store};

/// The name of the reporter's task.
pub(super) const REPORTER: &str = "reporter";
/// How often metrics are noted when nothing is reported.
const NOTED_EVERY_MS: u64 = 2000;
/// Users online and the like are asked for this often.
const SURVEYED_EVERY: Duration = Duration::from_secs(60);
/// Minutes that wait while Redis is away.
const MAX_WAITING: usize = 60;

/// Who reports, and about what.
pub(super) struct Reporter {
    pub(super) id: String,
    /// Where the node listens.
    pub(super) address: String,
    /// Milliseconds between reports; 0 is none.
    pub(super) every_ms: u64,
    pub(super) store: Store,
    pub(super) followed_rooms: FollowedRooms,
    pub(super) stopping: Arc<Stopping>,
    pub(super) metrics: Arc<Metrics>,
}

/// The minute that passes, and those before it that are not stored yet.
struct Passing {
    minute: u64,
    /// What had been counted when it began.
    begun: Totals,
    rooms: HashMap<u32, u64>,
    waiting: Vec<(u64, Minute)>,
}

impl Reporter {
    /// Reports until `end` comes, then once more, and takes the node's row away.
    pub(super) async fn run(self, mut end: oneshot::Receiver<()>) {
        let started_ms = now_ms();
        let begun = self.metrics.totals();
        let mut passing = Passing { minute: started_ms / 60_000, begun, rooms: HashMap::new(), waiting: Vec::new() };
        let mut usage = ProcessUsage::default();
        let mut surveyed_at: Option<Instant> = None;
        self.metrics.set(Gauge::Started, started_ms);
        let pause = Duration::from_millis(if self.every_ms == 0 { NOTED_EVERY_MS } else { self.every_ms });
        let mut is_last = false;
        loop {
            self.metrics.set(Gauge::DeliveryUp, self.followed_rooms.is_up().into());
            let load = self.load(usage.note(&self.metrics));
            if self.every_ms == 0 {
                self.metrics.set(Gauge::Ready, self.is_ready().into());
                drop(self.store.take_room_messages()); // kept for nobody
            } else {
                if surveyed_at.is_none_or(|at| at.elapsed() >= SURVEYED_EVERY) && self.survey().await {
                    surveyed_at = Some(Instant::now());
                }
                let row = self.row(started_ms, &load);
                let present = self.pass(&mut passing, load);
                self.tell(&row, &mut passing, &present).await;
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

    async fn leave(&self) {
        if self.every_ms == 0 {
            return;
        }
        if let Err(error) = self.store.take_leave(&self.id).await {
            debug!(%error, "the dashboard shows this node until its lease ends");
        }
    }

    fn is_ready(&self) -> bool {
        self.followed_rooms.is_up() && !self.stopping.is_draining()
    }

    /// Asks for what no node counts by itself.
    async fn survey(&self) -> bool {
        match tokio::try_join!(self.store.stats(), self.store.server_info()) {
            Ok((stats, server)) => {
                self.metrics.set(Gauge::OnlineUsers, stats.online_users);
                self.metrics.set(Gauge::ActiveRooms, stats.active_rooms);
                self.metrics.set(Gauge::RedisMemory, server.memory_bytes);
                self.metrics.set(Gauge::RedisLimit, server.memory_limit_bytes);
                true
            }
            Err(error) => {
                debug!(%error, "users and rooms not counted");
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
            seen_ms: now_ms(),
            address: self.address.clone(),
            is_ready: self.is_ready(),
            cpu_percent: load.cpu_basis_points as f64 / 100.0,
            memory_bytes: load.memory_bytes,
            sockets: load.sockets.values().sum(),
            queued_bytes: load.queued_bytes,
            lag_ms: self.metrics.get(Gauge::RoundTrip) as f64 / 1000.0,
        }
    }

    /// The present minute so far. One that has ended is put aside; what was counted since the last report still
    /// belongs to it.
    fn pass(&self, passing: &mut Passing, load: Load) -> Minute {
        for (room, messages) in self.store.take_room_messages() {
            *passing.rooms.entry(room.number()).or_default() += messages;
        }
        let totals = self.metrics.totals();
        let mut present = totals.since(&passing.begun);
        present.set_rooms(passing.rooms.iter().map(|(room, messages)| (*room, *messages)));
        present.load = load.clone();
        let minute = now_ms() / 60_000;
        if minute == passing.minute {
            return present;
        }
        passing.waiting.push((passing.minute, present));
        let excess = passing.waiting.len().saturating_sub(MAX_WAITING);
        passing.waiting.drain(..excess);
        (passing.minute, passing.begun) = (minute, totals);
        passing.rooms.clear();
        Minute::begun(load)
    }

    async fn tell(&self, row: &NodeRow, passing: &mut Passing, present: &Minute) {
        let waiting = passing.waiting.iter().map(|(minute, metrics)| (*minute, metrics));
        let minutes: Vec<(u64, &Minute)> = waiting.chain([(passing.minute, present)]).collect();
        let asked_at = Instant::now();
        let outcome = self.store.report(row, &minutes, self.every_ms).await;
        self.metrics.set(Gauge::Ready, (outcome.is_ok() && self.is_ready()).into());
        match outcome {
            Ok(()) => {
                self.metrics.set(Gauge::RoundTrip, u64::try_from(asked_at.elapsed().as_micros()).unwrap_or(u64::MAX));
                passing.waiting.clear();
            }
            // The next report says all of it again.
            Err(error) => debug!(%error, "not reported"),
        }
    }
}

/// A node's id: short, because it stands in every minute of its metrics.
pub(super) fn node_id() -> String {
    format!("{:08x}", fastrand::u32(..))
}

/// Where operators find a node: one that listens on all addresses is known by its machine's name.
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
