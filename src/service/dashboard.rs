//! The numbers of the operators' dashboard, for all nodes or one. Administrators only.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::access::{Action, authorise};
use super::objective::{HourInTime, Objective, objective, of_hour};
use super::range::Range;
use super::series::{Series, View};
use crate::domain::{Caller, Error, Kind, Result, RoomId};
use crate::metrics::{Gauge, Metrics};
use crate::store::{Incident, IncidentKind, LostNode, NodeRow, Reports, ServerInfo, Stats, Store, StoredHour};

/// How long a snapshot is reused.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long an hour that is over counts as read: a node that could not report for a while may still add to it.
const HOUR_FRESH_FOR: Duration = Duration::from_secs(60);
/// Maximum number of snapshots kept, one for each selection.
const MAX_SNAPSHOTS: u64 = 64;
/// Hours kept at once. The longest range has 25.
const MAX_HOURS: u64 = 32;
/// Hours of the objective, the current one included.
const DAY_HOURS: u64 = 24;
/// How long the deliveries of an hour to which no node adds any more are kept.
const DAY: Duration = Duration::from_hours(25);

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
    /// What happened lately, the latest first.
    pub incidents: Vec<Incident>,
    /// How far the objective of deliveries is met.
    pub objective: Objective,
    /// Users, rooms and today's messages.
    pub stats: Stats,
    /// The metrics over time.
    pub series: Series,
    /// The names of the rooms in `series`; direct rooms have none.
    pub room_names: HashMap<RoomId, String>,
}

type Hour = Arc<StoredHour>;

/// The node's recent snapshots and the hours that it read for them, shared by its workers.
pub struct SnapshotCache {
    snapshots: Cache<Wanted, Arc<DashboardSnapshot>>,
    /// Hours that are over.
    hours: Cache<u64, Hour>,
    /// The deliveries of hours to which no node adds any more, in time or not. Small, so that a whole day is read once.
    in_time: Cache<u64, Arc<HourInTime>>,
}

impl Default for SnapshotCache {
    fn default() -> Self {
        Self {
            snapshots: Cache::builder().max_capacity(MAX_SNAPSHOTS).time_to_live(FRESH_FOR).build(),
            hours: Cache::builder().max_capacity(MAX_HOURS).time_to_live(HOUR_FRESH_FOR).build(),
            in_time: Cache::builder().max_capacity(MAX_HOURS).time_to_live(DAY).build(),
        }
    }
}

impl SnapshotCache {
    /// The cached ones of these hours, and the hours to read: always the current and the previous one, and those that were
    /// read too long ago.
    async fn hours(&self, wanted: BTreeSet<u64>, current: u64) -> (Vec<(u64, Hour)>, Vec<u64>) {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for hour in wanted {
            let is_over = hour + 1 < current;
            match if is_over { self.hours.get(&hour).await } else { None } {
                Some(metrics) => known.push((hour, metrics)),
                None => unknown.push(hour),
            }
        }
        (known, unknown)
    }

    /// Keeps hours that were read, from one on: those of which only the deliveries are added up are not read again.
    async fn keep(&self, first: u64, hours: Vec<u64>, read: Vec<StoredHour>) -> Vec<(u64, Hour)> {
        let read: Vec<(u64, Hour)> = hours.into_iter().zip(read.into_iter().map(Arc::new)).collect();
        for (hour, metrics) in read.iter().filter(|(hour, _)| *hour >= first) {
            self.hours.insert(*hour, Arc::clone(metrics)).await;
        }
        read
    }

    /// Adds up the deliveries of an hour, and keeps them if no node adds any more.
    async fn add_up(&self, hour: u64, metrics: &StoredHour, current: u64) -> Arc<HourInTime> {
        let in_time = Arc::new(of_hour(metrics));
        // A node that could not report stores up to an hour later.
        if hour + 2 < current {
            self.in_time.insert(hour, Arc::clone(&in_time)).await;
        }
        in_time
    }

    /// The known deliveries of the last day by hour, and the hours of which they are not known.
    async fn in_time(&self, current: u64) -> (Vec<Arc<HourInTime>>, BTreeSet<u64>) {
        let (mut known, mut unknown) = (Vec::new(), BTreeSet::new());
        for hour in (current + 1).saturating_sub(DAY_HOURS)..=current {
            match self.in_time.get(&hour).await {
                Some(in_time) => known.push(in_time),
                None => {
                    unknown.insert(hour);
                }
            }
        }
        (known, unknown)
    }
}

/// Adds the nodes whose loss is not recorded yet.
fn with_lost(mut incidents: Vec<Incident>, lost: &[LostNode]) -> Vec<Incident> {
    for LostNode { id, seen_ms } in lost {
        let new = Incident { at_ms: *seen_ms, kind: IncidentKind::Lost, subject: id.clone(), turn: 0 };
        if !incidents.contains(&new) {
            incidents.push(new);
        }
    }
    incidents.sort_by_key(|incident| Reverse(incident.at_ms));
    incidents
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
        let (first_hour, current) = (wanted.range.first_minute(now_ms) / 60, now_ms / 3_600_000);
        let (mut day, to_add_up) = self.cache.in_time(current).await;
        let needed = (first_hour..=current).chain(to_add_up.iter().copied()).collect();
        let (mut hours, unknown) = self.cache.hours(needed, current).await;
        let (read, stats) = tokio::join!(self.store.metrics(&unknown, now_ms), self.store.stats());
        let (Reports { server, nodes, lost, incidents, hours: read }, stats) = (read?, stats?);
        let first_kept = first_hour.min(current.saturating_sub(2));
        hours.extend(self.cache.keep(first_kept, unknown, read).await);
        for (hour, metrics) in hours.iter().filter(|(hour, _)| to_add_up.contains(hour)) {
            day.push(self.cache.add_up(*hour, metrics, current).await);
        }
        let hours = hours.into_iter().map(|(_, metrics)| metrics).collect();
        let incidents = with_lost(incidents, &lost);
        // Keeps the node's own gauges fresh while the dashboard is open.
        self.metrics.set(Gauge::OnlineUsers, stats.online_users);
        self.metrics.set(Gauge::ActiveRooms, stats.active_rooms);
        let (series, objective) = self.add_up(now_ms, wanted.clone(), &nodes, hours, day).await?;
        let rooms: Vec<RoomId> = series.rooms.iter().map(|(room, _)| *room).collect();
        let names = self.store.room_names_partly(&rooms).await?;
        let room_names = names.items.into_iter().map(|(room, _, name)| (room, name)).collect();
        Ok(DashboardSnapshot { now_ms, server, nodes, lost, incidents, objective, stats, series, room_names })
    }

    /// Aggregates the minutes off the async threads: a day takes milliseconds.
    async fn add_up(
        &self,
        now_ms: u64,
        wanted: Wanted,
        nodes: &[NodeRow],
        hours: Vec<Hour>,
        day: Vec<Arc<HourInTime>>,
    ) -> Result<(Series, Objective)> {
        let metrics = Arc::clone(&self.metrics);
        let living: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
        let adding = tokio::task::spawn_blocking(move || {
            let (range, node, socket_dialects) = (wanted.range, wanted.node.as_deref(), metrics.socket_dialects());
            let view = View { now_ms, range, node, socket_dialects, hours: &hours, living };
            (view.to_series(), objective(node, view.last_hour(), day.iter().map(Arc::as_ref)))
        });
        adding.await.map_err(Error::internal)
    }
}
