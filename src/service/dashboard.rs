//! What the operators' dashboard shows, over all nodes or of one. For administrators.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::access::{Action, authorise};
use super::range::Range;
use super::series::{Series, View};
use crate::domain::{Caller, Error, Result, RoomId, now_ms};
use crate::metrics::{Gauge, Metrics};
use crate::store::{NodeRow, ServerInfo, Stats, Store, StoredMinute};

/// Whoever asks within this time is shown the same snapshot.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Hours that are over may still be added to: by a node that could not report for a while.
const HOUR_FRESH_FOR: Duration = Duration::from_secs(60);
/// Pictures that a node remembers; nodes that are asked about have ids of their own.
const MAX_REMEMBERED: usize = 64;

/// What is wanted: how far back, and of which node alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// How far back.
    pub range: Range,
    /// The node, or all of them.
    pub node: Option<String>,
}

/// What the dashboard shows.
#[derive(Clone, Debug)]
pub struct DashboardSnapshot {
    /// When it was made, UTC milliseconds.
    pub now_ms: u64,
    /// What Redis says of itself.
    pub server: ServerInfo,
    /// The nodes that live.
    pub nodes: Vec<NodeRow>,
    /// Users, rooms and today's messages.
    pub stats: Stats,
    /// The metrics over time.
    pub series: Series,
    /// The names of the rooms in `series`; direct rooms have none.
    pub room_names: HashMap<RoomId, String>,
}

/// A snapshot while it is made or remembered: whoever asks for the same waits for it.
type CachedSnapshot = Arc<tokio::sync::Mutex<Option<(Instant, Arc<DashboardSnapshot>)>>>;

type Hour = Arc<Vec<StoredMinute>>;

/// The pictures that a node has made lately and what it has read for them, shared by its workers.
#[derive(Default)]
pub struct SnapshotCache {
    places: Mutex<HashMap<Wanted, CachedSnapshot>>,
    /// Hours that are over, and when they were read.
    hours: Mutex<HashMap<u64, (Instant, Hour)>>,
}

impl SnapshotCache {
    fn place(&self, wanted: &Wanted) -> CachedSnapshot {
        let mut places = self.places.lock().expect("no panic while held");
        if places.len() >= MAX_REMEMBERED && !places.contains_key(wanted) {
            places.clear();
        }
        Arc::clone(places.entry(wanted.clone()).or_default())
    }

    /// The hours of a range that are known, and those to be read: the present one and the one before it always, the
    /// others when they were read a while ago.
    fn hours(&self, first: u64, present: u64) -> (Vec<Hour>, Vec<u64>) {
        let hours = self.hours.lock().expect("no panic while held");
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for hour in first..=present {
            match hours.get(&hour).filter(|(read_at, _)| hour + 1 < present && read_at.elapsed() < HOUR_FRESH_FOR) {
                Some((_, minutes)) => known.push(Arc::clone(minutes)),
                None => unknown.push(hour),
            }
        }
        (known, unknown)
    }

    fn keep_hours(&self, read: impl Iterator<Item = (u64, Hour)>) {
        let mut hours = self.hours.lock().expect("no panic while held");
        hours.extend(read.map(|(hour, minutes)| (hour, (Instant::now(), minutes))));
    }

    fn forget_old(&self) {
        let mut hours = self.hours.lock().expect("no panic while held");
        hours.retain(|_, (read_at, _)| read_at.elapsed() < HOUR_FRESH_FOR);
        if hours.is_empty() {
            self.places.lock().expect("no panic while held").clear();
        }
    }
}

/// The operators' dashboard.
pub struct Dashboard {
    store: Store,
    metrics: Arc<Metrics>,
    snapshots: Arc<SnapshotCache>,
}

impl Dashboard {
    pub(super) fn new(store: Store, metrics: Arc<Metrics>, snapshots: Arc<SnapshotCache>) -> Self {
        Self { store, metrics, snapshots }
    }

    /// What an administrator is shown; at most a second old. Ten who look on cost as much as one.
    ///
    /// # Errors
    /// `Forbidden`; `Unavailable`.
    pub async fn snapshot(&self, caller: &Caller, wanted: &Wanted) -> Result<Arc<DashboardSnapshot>> {
        authorise(&self.store, caller, Action::SeeFigures).await?;
        let place = self.snapshots.place(wanted);
        let mut remembered = place.lock().await;
        if let Some((made_at, snapshot)) = &*remembered
            && made_at.elapsed() < FRESH_FOR
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(self.make(wanted).await?);
        *remembered = Some((Instant::now(), Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// Forgets what nobody has asked for lately; once a minute.
    pub fn forget_old(&self) {
        self.snapshots.forget_old();
    }

    async fn make(&self, wanted: &Wanted) -> Result<DashboardSnapshot> {
        let now_ms = now_ms();
        let first_hour = wanted.range.first_minute(now_ms) / 60;
        let (mut hours, unknown) = self.snapshots.hours(first_hour, now_ms / 3_600_000);
        let (read, stats) = tokio::join!(self.store.metrics(&unknown, now_ms), self.store.stats());
        let ((server, nodes, read), stats) = (read?, stats?);
        let read: Vec<Hour> = read.into_iter().map(Arc::new).collect();
        self.snapshots.keep_hours(unknown.into_iter().zip(read.iter().cloned()));
        hours.extend(read);
        // The node's own reports are as fresh as this while someone looks on.
        self.metrics.set(Gauge::OnlineUsers, stats.online_users);
        self.metrics.set(Gauge::ActiveRooms, stats.active_rooms);
        let series = self.add_up(now_ms, wanted.clone(), &nodes, hours).await?;
        let rooms: Vec<RoomId> = series.rooms.iter().map(|(room, _)| *room).collect();
        let names = self.store.room_names(&rooms).await?;
        let room_names = names.into_iter().map(|(room, _, name)| (room, name)).collect();
        Ok(DashboardSnapshot { now_ms, server, nodes, stats, series, room_names })
    }

    /// Adds everything up: a day takes milliseconds, in which a worker would do nothing else.
    async fn add_up(&self, now_ms: u64, wanted: Wanted, nodes: &[NodeRow], hours: Vec<Hour>) -> Result<Series> {
        let metrics = Arc::clone(&self.metrics);
        let living: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
        let adding = tokio::task::spawn_blocking(move || {
            let (range, node, socket_dialects) = (wanted.range, wanted.node.as_deref(), metrics.socket_dialects());
            View { now_ms, range, node, socket_dialects, hours: &hours, living }.to_series()
        });
        adding.await.map_err(Error::internal)
    }
}
