//! The rooms that a node follows: those that its sockets look at and those that its clients poll.
//!
//! A followed room is subscribed. Its events reach the workers in the order of the room and without gaps: after
//! every subscription, and when a seq jumps, what is missing is read once for the whole node.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::connection::ConnectionId;
use super::order::Order;
use crate::domain::{
    EntryId, Error, Event, Kind, Limit, Result, RoomEvent, RoomHead, RoomId, RoomKind, Watermark, now_ms,
};
use crate::figures::{Count, Figures};
use crate::store::{Delivery, Feed, Store, UserEvent};

/// A room that nobody polled for this long is no longer followed for that.
const POLLED_FOR: Duration = Duration::from_secs(60);
/// A room that the last socket left is followed on for this long.
const GRACE: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Most rooms that are followed only because they are polled; polls of others go to Redis.
const MAX_POLLED: usize = 50_000;
/// Entries read at once to fill a gap.
const GAP_PAGE: Limit = Limit::of(1000);
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// What waits for a worker; beyond, its connections are closed and resume.
const QUEUED_ITEMS: usize = 65_536;
/// Clocks of nodes and Redis may differ, and a deletion may be older than the loss that hid it.
const DELETIONS_OVERLAP_MS: u64 = 60_000;

/// What a worker's hub gets.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Something happened in a room.
    Room(Arc<RoomEvent>),
    /// One connection is to see a message again.
    Again(ConnectionId, Arc<RoomEvent>),
    /// What a room's connections have missed is no longer kept.
    Gap(RoomId),
    /// Something happened to a user.
    User(Arc<UserEvent>),
    /// Events of users may have been missed.
    Reconnected,
}

/// The receiving end of a worker's queue.
pub(super) struct Inlet {
    pub(super) worker: usize,
    pub(super) items: mpsc::Receiver<Item>,
    /// Set when an item found no room.
    pub(super) is_overrun: Arc<AtomicBool>,
}

struct Worker {
    items: mpsc::Sender<Item>,
    is_overrun: Arc<AtomicBool>,
}

struct LiveRoom {
    order: Order,
    head: Option<RoomHead>,
    /// Workers with sockets that look at it.
    workers: Vec<usize>,
    /// Workers that wait until it is live.
    waiting: Vec<oneshot::Sender<Result<RoomHead>>>,
    polled_at: Option<Instant>,
    quiet_since: Instant,
    /// Which reading is under way: a later one makes it void.
    reading: u64,
}

struct Inner {
    rooms: Mutex<HashMap<RoomId, LiveRoom>>,
    workers: Mutex<Vec<Worker>>,
    feed: Feed,
    store: Store,
    readings: AtomicU64,
    lost_at_ms: AtomicU64,
    figures: Arc<Figures>,
}

/// The rooms that a node follows. Clones share them.
#[derive(Clone)]
pub struct Fanout(Arc<Inner>);

impl Fanout {
    /// No rooms yet. The store must be one of the runtime that [`Self::take`] is called on.
    pub fn new(feed: Feed, store: Store, figures: Arc<Figures>) -> Self {
        Self(Arc::new(Inner {
            rooms: Mutex::default(),
            workers: Mutex::default(),
            feed,
            store,
            readings: AtomicU64::new(0),
            lost_at_ms: AtomicU64::new(0),
            figures,
        }))
    }

    /// What the node counts.
    pub(super) fn figures(&self) -> &Arc<Figures> {
        &self.0.figures
    }

    /// Whether pub/sub delivery works.
    pub fn is_up(&self) -> bool {
        self.0.feed.is_up()
    }

    /// How far a public room has come, when this node knows; asking keeps the room followed. `None` says
    /// nothing about the room: read it from the store.
    pub fn watermark(&self, room: RoomId) -> Option<Watermark> {
        if !self.0.feed.is_up() {
            return None;
        }
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let live = rooms.get_mut(&room)?;
        live.polled_at = Some(Instant::now());
        live.order.current().filter(|_| live.head.is_some_and(|head| head.kind == RoomKind::Public))
    }

    /// Begins to follow a room that someone polls and may read.
    pub fn watch(&self, room: RoomId) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if rooms.len() >= MAX_POLLED || rooms.contains_key(&room) || !self.0.feed.subscribe(room) {
            return;
        }
        rooms.insert(room, LiveRoom { polled_at: Some(Instant::now()), ..LiveRoom::new() });
    }

    /// A queue for one more worker.
    pub(super) fn add_worker(&self) -> Inlet {
        let (sender, items) = mpsc::channel(QUEUED_ITEMS);
        let is_overrun = Arc::new(AtomicBool::new(false));
        let mut workers = self.0.workers.lock().expect("no panic while held");
        workers.push(Worker { items: sender, is_overrun: Arc::clone(&is_overrun) });
        Inlet { worker: workers.len() - 1, items, is_overrun }
    }

    /// Follows a room for a worker: from the call on its events go to the worker, without a gap once this
    /// returns.
    ///
    /// # Errors
    /// `RoomNotFound`; `Unavailable`.
    pub(super) async fn enter(&self, room: RoomId, worker: usize) -> Result<RoomHead> {
        let waiting = {
            let mut rooms = self.0.rooms.lock().expect("no panic while held");
            let live = match rooms.entry(room) {
                Entry::Occupied(live) => live.into_mut(),
                Entry::Vacant(_) if !self.0.feed.subscribe(room) => {
                    return Err(Error::Unavailable("too many subscriptions at once".into()));
                }
                Entry::Vacant(place) => place.insert(LiveRoom::new()),
            };
            if !live.workers.contains(&worker) {
                live.workers.push(worker);
            }
            if let (Some(head), Some(_)) = (live.head, live.order.current()) {
                return Ok(head);
            }
            let (tell, told) = oneshot::channel();
            // Without those that have given up waiting, however long the room cannot be read.
            if live.waiting.len() == live.waiting.capacity() {
                live.waiting.retain(|tell| !tell.is_closed());
            }
            live.waiting.push(tell);
            told
        };
        waiting.await.unwrap_or(Err(Error::RoomNotFound))
    }

    /// A worker has no more sockets that look at a room.
    pub(super) fn exit(&self, room: RoomId, worker: usize) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if let Some(live) = rooms.get_mut(&room) {
            live.workers.retain(|other| *other != worker);
            live.quiet_since = Instant::now();
        }
    }

    /// Hands a worker a message that one of its connections is to see again, behind what the room's workers were
    /// handed so far. Nothing for a message that they are still to be handed.
    pub(super) fn show_again(&self, worker: usize, id: ConnectionId, event: RoomEvent) {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        let last = rooms.get(&event.room.id).and_then(|live| live.order.last());
        let is_to_come = match &event.what {
            Event::Message(message) => last.is_some_and(|last| last.seq < message.id.entry.seq),
            _ => false,
        };
        if is_to_come {
            return;
        }
        if let Some(worker) = self.0.workers.lock().expect("no panic while held").get(worker) {
            worker.send(Item::Again(id, Arc::new(event)));
        }
    }

    /// Takes a delivery of the feed. Never waits.
    pub fn take(&self, delivery: Delivery) {
        match delivery {
            Delivery::Connected => {
                tokio::spawn(restore(self.0.store.clone()));
                self.tell_all(&Item::Reconnected);
            }
            Delivery::Subscribed(room) => self.begin_reading(room),
            Delivery::Room(room, what) => self.take_event(room, what),
            Delivery::User(event) => self.tell_all(&Item::User(Arc::new(event))),
            Delivery::Lost => {
                let mut rooms = self.0.rooms.lock().expect("no panic while held");
                if rooms.values().any(|live| live.order.current().is_some()) {
                    self.0.lost_at_ms.store(now_ms(), Ordering::Release);
                }
                rooms.values_mut().for_each(|live| {
                    live.order.lose();
                    live.reading = 0;
                });
            }
        }
    }

    fn take_event(&self, room: RoomId, what: Event) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(live) = rooms.get_mut(&room) else { return };
        let mut out = Vec::with_capacity(1);
        if live.order.take(what, &mut out) {
            self.spawn_reading(room, live);
        }
        self.deliver(live, out);
    }

    /// Hands events to the workers, under the lock, so that their order is the room's.
    fn deliver(&self, live: &LiveRoom, events: Vec<Event>) {
        let Some(head) = live.head.filter(|_| !live.workers.is_empty()) else { return };
        for what in events {
            self.tell(live, &Item::Room(Arc::new(RoomEvent { room: head, what })));
        }
    }

    /// Hands an item to the workers that look at a room.
    fn tell(&self, live: &LiveRoom, item: &Item) {
        let workers = self.0.workers.lock().expect("no panic while held");
        for worker in live.workers.iter().filter_map(|worker| workers.get(*worker)) {
            worker.send(item.clone());
        }
    }

    fn tell_all(&self, item: &Item) {
        for worker in &*self.0.workers.lock().expect("no panic while held") {
            worker.send(item.clone());
        }
    }

    fn begin_reading(&self, room: RoomId) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if let Some(live) = rooms.get_mut(&room) {
            live.order.begin_reading();
            self.spawn_reading(room, live);
        }
    }

    fn spawn_reading(&self, room: RoomId, live: &mut LiveRoom) {
        live.reading = self.0.readings.fetch_add(1, Ordering::AcqRel) + 1;
        tokio::spawn(self.clone().read(room, live.reading));
    }

    /// Reads what a room's subscribers may have missed, until nothing is missing or the reading is void.
    async fn read(self, room: RoomId, reading: u64) {
        loop {
            let Some(last) = self.reading_from(room, reading) else { return };
            let found = match last {
                Some(last) => self.0.store.tail(room, last, GAP_PAGE).await.map(Found::Tail),
                None => self.0.store.room_state(room).await.map(|(head, state)| Found::State(head, state)),
            };
            match found {
                Ok(found) => {
                    if !self.take_found(room, reading, found) {
                        return;
                    }
                }
                Err(error) if error.kind() == Kind::NotFound => {
                    if self.forget(room, reading) {
                        return;
                    }
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => {
                    debug!(room.id = %room, %error, "room not read, trying again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// The message from which to read (`None`: from the present), if this reading is still wanted.
    fn reading_from(&self, room: RoomId, reading: u64) -> Option<Option<EntryId>> {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        let live = rooms.get(&room).filter(|live| live.reading == reading)?;
        Some(live.order.last())
    }

    /// Delivers what was read. `true` when more must be read.
    fn take_found(&self, room: RoomId, reading: u64, found: Found) -> bool {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(live) = rooms.get_mut(&room).filter(|live| live.reading == reading) else { return false };
        let mut out = Vec::new();
        let needs_more = match found {
            Found::State(head, state) => {
                live.head = Some(head);
                live.order.begin(state, &mut out)
            }
            Found::Tail(tail) => {
                let since_ms = self.0.lost_at_ms.load(Ordering::Acquire).saturating_sub(DELETIONS_OVERLAP_MS);
                if !tail.is_gapless {
                    self.tell(live, &Item::Gap(room));
                }
                if !tail.is_gapless || !tail.messages.is_empty() {
                    self.0.figures.count(Count::GapRepairs);
                }
                live.order.repair(tail, since_ms, &mut out)
            }
        };
        self.deliver(live, out);
        if let (false, Some(head)) = (needs_more, live.head) {
            for waiting in live.waiting.drain(..) {
                // Who waited may have gone.
                drop(waiting.send(Ok(head)));
            }
        }
        needs_more
    }

    /// A room that does not exist: whoever waits is told, and nobody follows it. `false` when sockets have looked
    /// at it before: Redis came back without it, and it may come back, too.
    fn forget(&self, room: RoomId, reading: u64) -> bool {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(live) = rooms.get_mut(&room).filter(|live| live.reading == reading) else { return true };
        if live.head.is_some() && !live.workers.is_empty() {
            return false;
        }
        if self.0.feed.unsubscribe(room) {
            rooms.remove(&room);
        }
        true
    }

    /// Lets rooms go that nobody looks at any more, for ever.
    pub async fn sweep(self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let mut rooms = self.0.rooms.lock().expect("no panic while held");
            rooms.retain(|room, live| {
                let is_polled = live.polled_at.is_some_and(|at| at.elapsed() < POLLED_FOR);
                let is_wanted = is_polled || !live.workers.is_empty() || live.quiet_since.elapsed() < GRACE;
                is_wanted || !self.0.feed.unsubscribe(*room)
            });
        }
    }
}

/// What a reading found.
enum Found {
    State(RoomHead, Watermark),
    Tail(crate::domain::Tail),
}

impl LiveRoom {
    fn new() -> Self {
        Self {
            order: Order::new(),
            head: None,
            workers: Vec::new(),
            waiting: Vec::new(),
            polled_at: None,
            quiet_since: Instant::now(),
            reading: 0,
        }
    }
}

impl Worker {
    fn send(&self, item: Item) {
        if self.items.try_send(item).is_err() {
            self.is_overrun.store(true, Ordering::Release);
        }
    }
}

/// Redis may have come back empty: the room that always exists is made again.
async fn restore(store: Store) {
    if let Err(error) = store.ensure_global_room().await {
        warn!(%error, "the global room was not made sure of");
    }
}
