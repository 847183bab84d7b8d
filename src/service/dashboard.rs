//! The numbers of the operators' dashboard, for all nodes or one. Administrators only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::access::{Action, authorise};
use super::range::Range;
use super::series::{Series, View};
use crate::domain::{Caller, Error, Kind, Result, RoomId};
use crate::metrics::{Gauge, Metrics};
use crate::store::{LostNode, NodeRow, Reports, ServerInfo, Stats, Store, StoredMinute};

/// How long a snapshot is reused.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long an hour that is over counts as read: a node that could not report for a while may still add to it.
const HOUR_FRESH_FOR: Duration = Duration::from_secs(60);
/// Most snapshots kept, one for each selection.
const MAX_SNAPSHOTS: u64 = 64;
/// Hours kept at once. The longest range has 25.
const MAX_HOURS: u64 = 32;

/// A selection of metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The range of time.
    pub range: Range,
    /// One node; all nodes when absent.
    pub node: Option<String>,
}

/// Everything that the dashboard shows at one time.
#[derive(Clone, Debug)]
pub struct DashboardSnapshot {
    /// When it was made, UTC milliseconds.
    pub now_ms: u64,
    /// The state of Redis.
    pub server: ServerInfo,
    /// The nodes that are alive.
    pub nodes: Vec<NodeRow>,
    /// The nodes that were lost within the last hour.
    pub lost: Vec<LostNode>,
    /// Users, rooms and today's messages.
    pub stats: Stats,
    /// The metrics over time.
    pub series: Series,
    /// The names of the rooms in `series`; direct rooms have none.
    pub room_names: HashMap<RoomId, String>,
}

type Hour = Arc<Vec<StoredMinute>>;

/// The node's recent snapshots and the hours that it read for them, shared by its workers.
pub struct SnapshotCache {
    snapshots: Cache<Wanted, Arc<DashboardSnapshot>>,
    /// Hours that are over.
    hours: Cache<u64, Hour>,
}

impl Default for SnapshotCache {
    fn default() -> Self {
        Self {
            snapshots: Cache::builder().max_capacity(MAX_SNAPSHOTS).time_to_live(FRESH_FOR).build(),
            hours: Cache::builder().max_capacity(MAX_HOURS).time_to_live(HOUR_FRESH_FOR).build(),
        }
    }
}

impl SnapshotCache {
    /// The cached hours of a range, and the hours to read: always the current and the previous one, and those that were
    /// read too long ago.
    async fn hours(&self, first: u64, current: u64) -> (Vec<Hour>, Vec<u64>) {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for hour in first..=current {
            let is_over = hour + 1 < current;
            match if is_over { self.hours.get(&hour).await } else { None } {
                Some(minutes) => known.push(minutes),
                None => unknown.push(hour),
            }
        }
        (known, unknown)
    }
}

/// The operators' dashboard.
pub struct Dashboard {
    store: Store,
    metrics: Arc<Metrics>,
    cache: Arc<SnapshotCache>,
}

impl Dashboard {
    pub(super) fn new(store: Store, metrics: Arc<Metrics>, cache: Arc<SnapshotCache>) -> Self {
        Self { store, metrics, cache }
    }

    /// A snapshot, at most a second old. Concurrent requests for the same selection share one computation.
    ///
    /// # Errors
    /// `Forbidden`; `Unavailable`.
    pub async fn snapshot(&self, caller: &Caller, wanted: &Wanted) -> Result<Arc<DashboardSnapshot>> {
        authorise(&self.store, caller, Action::SeeFigures).await?;
        let snapshot = async { self.make(wanted).await.map(Arc::new) };
        let shared = self.cache.snapshots.try_get_with_by_ref(wanted, snapshot).await;
        shared.map_err(|cause: Arc<Error>| match cause.kind() {
            Kind::Unavailable => Error::Unavailable(cause.to_string().into()),
            _ => Error::internal(cause.to_string()),
        })
    }

    async fn make(&self, wanted: &Wanted) -> Result<DashboardSnapshot> {
        let now_ms = self.store.now_ms();
        let first_hour = wanted.range.first_minute(now_ms) / 60;
        let (mut hours, unknown) = self.cache.hours(first_hour, now_ms / 3_600_000).await;
        let (read, stats) = tokio::join!(self.store.metrics(&unknown, now_ms), self.store.stats());
        let (Reports { server, nodes, lost, hours: read }, stats) = (read?, stats?);
        let read: Vec<Hour> = read.into_iter().map(Arc::new).collect();
        for (hour, minutes) in unknown.into_iter().zip(&read) {
            self.cache.hours.insert(hour, Arc::clone(minutes)).await;
        }
        hours.extend(read);
        // Keeps the node's own gauges fresh while the dashboard is open.
        self.metrics.set(Gauge::OnlineUsers, stats.online_users);
        self.metrics.set(Gauge::ActiveRooms, stats.active_rooms);
        let series = self.add_up(now_ms, wanted.clone(), &nodes, hours).await?;
        let rooms: Vec<RoomId> = series.rooms.iter().map(|(room, _)| *room).collect();
        let names = self.store.room_names_partly(&rooms).await?;
        let room_names = names.items.into_iter().map(|(room, _, name)| (room, name)).collect();
        Ok(DashboardSnapshot { now_ms, server, nodes, lost, stats, series, room_names })
    }

    /// Aggregates the minutes off the async threads: a day takes milliseconds.
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
