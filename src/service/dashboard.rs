//! What the operators' dashboard shows, over all nodes or of one. For administrators.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::access::{Action, authorise};
use super::range::Range;
use super::series::{Figured, View};
use crate::domain::{Caller, Error, Result, RoomId, now_ms};
use crate::figures::{Figures, Gauge};
use crate::store::{NodeRow, ServerInfo, Stats, Store, StoredMinute};

/// Whoever asks within this time is shown the same picture.
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
pub struct Picture {
    /// When it was made, UTC milliseconds.
    pub now_ms: u64,
    /// What Redis says of itself.
    pub server: ServerInfo,
    /// The nodes that live.
    pub nodes: Vec<NodeRow>,
    /// Users, rooms and today's messages.
    pub stats: Stats,
    /// The figures over time.
    pub figured: Figured,
    /// The names of the rooms in `figured`; direct rooms have none.
    pub room_names: HashMap<RoomId, String>,
}

/// A picture while it is made or remembered: whoever asks for the same waits for it.
type Remembered = Arc<tokio::sync::Mutex<Option<(Instant, Arc<Picture>)>>>;

type Hour = Arc<Vec<StoredMinute>>;

/// The pictures that a node has made lately and what it has read for them, shared by its workers.
#[derive(Default)]
pub struct Gallery {
    places: Mutex<HashMap<Wanted, Remembered>>,
    /// Hours that are over, and when they were read.
    hours: Mutex<HashMap<u64, (Instant, Hour)>>,
}

impl Gallery {
    fn place(&self, wanted: &Wanted) -> Remembered {
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
    figures: Arc<Figures>,
    gallery: Arc<Gallery>,
}

impl Dashboard {
    pub(super) fn new(store: Store, figures: Arc<Figures>, gallery: Arc<Gallery>) -> Self {
        Self { store, figures, gallery }
    }

    /// What an administrator is shown; at most a second old. Ten who look on cost as much as one.
    ///
    /// # Errors
    /// `Forbidden`; `Unavailable`.
    pub async fn look(&self, caller: &Caller, wanted: &Wanted) -> Result<Arc<Picture>> {
        authorise(&self.store, caller, Action::SeeFigures).await?;
        let place = self.gallery.place(wanted);
        let mut remembered = place.lock().await;
        if let Some((made_at, picture)) = &*remembered
            && made_at.elapsed() < FRESH_FOR
        {
            return Ok(Arc::clone(picture));
        }
        let picture = Arc::new(self.make(wanted).await?);
        *remembered = Some((Instant::now(), Arc::clone(&picture)));
        Ok(picture)
    }

    /// Forgets what nobody has asked for lately; once a minute.
    pub fn forget_old(&self) {
        self.gallery.forget_old();
    }

    async fn make(&self, wanted: &Wanted) -> Result<Picture> {
        let now_ms = now_ms();
        let first_hour = wanted.range.first_minute(now_ms) / 60;
        let (mut hours, unknown) = self.gallery.hours(first_hour, now_ms / 3_600_000);
        let (read, stats) = tokio::join!(self.store.figures(&unknown, now_ms), self.store.stats());
        let ((server, nodes, read), stats) = (read?, stats?);
        let read: Vec<Hour> = read.into_iter().map(Arc::new).collect();
        self.gallery.keep_hours(unknown.into_iter().zip(read.iter().cloned()));
        hours.extend(read);
        // The node's own reports are as fresh as this while someone looks on.
        self.figures.set(Gauge::OnlineUsers, stats.online_users);
        self.figures.set(Gauge::ActiveRooms, stats.active_rooms);
        let figured = self.add_up(now_ms, wanted.clone(), &nodes, hours).await?;
        let rooms: Vec<RoomId> = figured.rooms.iter().map(|(room, _)| *room).collect();
        let names = self.store.room_names(&rooms).await?;
        let room_names = names.into_iter().map(|(room, _, name)| (room, name)).collect();
        Ok(Picture { now_ms, server, nodes, stats, figured, room_names })
    }

    /// Adds everything up: a day takes milliseconds, in which a worker would do nothing else.
    async fn add_up(&self, now_ms: u64, wanted: Wanted, nodes: &[NodeRow], hours: Vec<Hour>) -> Result<Figured> {
        let figures = Arc::clone(&self.figures);
        let living: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
        let adding = tokio::task::spawn_blocking(move || {
            let (range, node, socket_dialects) = (wanted.range, wanted.node.as_deref(), figures.socket_dialects());
            View { now_ms, range, node, socket_dialects, hours: &hours, living }.figured()
        });
        adding.await.map_err(Error::internal)
    }
}
