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
use super::sequencer::Sequencer;
use crate::domain::{
    EntryId, Error, Event, Kind, Limit, Result, RoomEvent, RoomHead, RoomId, RoomKind, Watermark, now_ms,
};
use crate::metrics::{Count, Metrics};
use crate::store::{PubSubEvent, Store, Subscriber, UserEvent};

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
const QUEUED_EVENTS: usize = 65_536;
/// Clocks of nodes and Redis may differ, and a deletion may be older than the loss that hid it.
const DELETIONS_OVERLAP_MS: u64 = 60_000;

/// What a worker's hub gets.
#[derive(Clone, Debug)]
pub(super) enum WorkerEvent {
    /// Something happened in a room.
    Room(Arc<RoomEvent>),
    /// One connection is to see a message again.
    Resend(ConnectionId, Arc<RoomEvent>),
    /// What a room's connections have missed is no longer kept.
    Gap(RoomId),
    /// Something happened to a user.
    User(Arc<UserEvent>),
    /// Events of users may have been missed.
    Reconnected,
}

/// The receiving end of a worker's queue.
pub(super) struct WorkerQueue {
    pub(super) worker: usize,
    pub(super) events: mpsc::Receiver<WorkerEvent>,
    /// Set when an event found no room.
    pub(super) is_overrun: Arc<AtomicBool>,
}

struct Worker {
    events: mpsc::Sender<WorkerEvent>,
    is_overrun: Arc<AtomicBool>,
}

struct FollowedRoom {
    sequencer: Sequencer,
    head: Option<RoomHead>,
    /// Workers with sockets that look at it.
    workers: Vec<usize>,
    /// Workers that wait until it is followed.
    waiting: Vec<oneshot::Sender<Result<RoomHead>>>,
    polled_at: Option<Instant>,
    quiet_since: Instant,
    /// Which reading is under way: a later one makes it void.
    reading: u64,
}

struct Shared {
    rooms: Mutex<HashMap<RoomId, FollowedRoom>>,
    workers: Mutex<Vec<Worker>>,
    subscriber: Subscriber,
    store: Store,
    readings: AtomicU64,
    lost_at_ms: AtomicU64,
    metrics: Arc<Metrics>,
}

/// The rooms that a node follows. Clones share them.
#[derive(Clone)]
pub struct FollowedRooms(Arc<Shared>);

impl FollowedRooms {
    /// No rooms yet. The store must be one of the runtime that [`Self::take`] is called on.
    pub fn new(subscriber: Subscriber, store: Store, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Shared {
            rooms: Mutex::default(),
            workers: Mutex::default(),
            subscriber,
            store,
            readings: AtomicU64::new(0),
            lost_at_ms: AtomicU64::new(0),
            metrics,
        }))
    }

    /// What the node counts.
    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Whether pub/sub delivery works.
    pub fn is_up(&self) -> bool {
        self.0.subscriber.is_up()
    }

    /// How far a public room has come, when this node knows; asking keeps the room followed. `None` says
    /// nothing about the room: read it from the store.
    pub fn watermark(&self, room: RoomId) -> Option<Watermark> {
        if !self.0.subscriber.is_up() {
            return None;
        }
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let followed = rooms.get_mut(&room)?;
        followed.polled_at = Some(Instant::now());
        followed.sequencer.current().filter(|_| followed.head.is_some_and(|head| head.kind == RoomKind::Public))
    }

    /// Begins to follow a room that someone polls and may read.
    pub fn follow_for_polls(&self, room: RoomId) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if rooms.len() >= MAX_POLLED || rooms.contains_key(&room) || !self.0.subscriber.subscribe(room) {
            return;
        }
        rooms.insert(room, FollowedRoom { polled_at: Some(Instant::now()), ..FollowedRoom::new() });
    }

    /// A queue for one more worker.
    pub(super) fn add_worker(&self) -> WorkerQueue {
        let (sender, events) = mpsc::channel(QUEUED_EVENTS);
        let is_overrun = Arc::new(AtomicBool::new(false));
        let mut workers = self.0.workers.lock().expect("no panic while held");
        workers.push(Worker { events: sender, is_overrun: Arc::clone(&is_overrun) });
        WorkerQueue { worker: workers.len() - 1, events, is_overrun }
    }

    /// Follows a room for a worker: from the call on its events go to the worker, without a gap once this
    /// returns.
    ///
    /// # Errors
    /// `RoomNotFound`; `Unavailable`.
    pub(super) async fn follow(&self, room: RoomId, worker: usize) -> Result<RoomHead> {
        let waiting = {
            let mut rooms = self.0.rooms.lock().expect("no panic while held");
            let followed = match rooms.entry(room) {
                Entry::Occupied(followed) => followed.into_mut(),
                Entry::Vacant(_) if !self.0.subscriber.subscribe(room) => {
                    return Err(Error::Unavailable("too many subscriptions at once".into()));
                }
                Entry::Vacant(place) => place.insert(FollowedRoom::new()),
            };
            if !followed.workers.contains(&worker) {
                followed.workers.push(worker);
            }
            if let (Some(head), Some(_)) = (followed.head, followed.sequencer.current()) {
                return Ok(head);
            }
            let (tell, told) = oneshot::channel();
            // Without those that have given up waiting, however long the room cannot be read.
            if followed.waiting.len() == followed.waiting.capacity() {
                followed.waiting.retain(|tell| !tell.is_closed());
            }
            followed.waiting.push(tell);
            told
        };
        waiting.await.unwrap_or(Err(Error::RoomNotFound))
    }

    /// A worker has no more sockets that look at a room.
    pub(super) fn unfollow(&self, room: RoomId, worker: usize) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if let Some(followed) = rooms.get_mut(&room) {
            followed.workers.retain(|other| *other != worker);
            followed.quiet_since = Instant::now();
        }
    }

    /// Hands a worker a message that one of its connections is to see again, behind what the room's workers were
    /// handed so far. Nothing for a message that they are still to be handed.
    pub(super) fn resend(&self, worker: usize, id: ConnectionId, event: RoomEvent) {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        let last = rooms.get(&event.room.id).and_then(|followed| followed.sequencer.last());
        let is_to_come = match &event.what {
            Event::Message(message) => last.is_some_and(|last| last.seq < message.id.entry.seq),
            _ => false,
        };
        if is_to_come {
            return;
        }
        if let Some(worker) = self.0.workers.lock().expect("no panic while held").get(worker) {
            worker.send(WorkerEvent::Resend(id, Arc::new(event)));
        }
    }

    /// Takes a delivery of the feed. Never waits.
    pub fn handle(&self, event: PubSubEvent) {
        match event {
            PubSubEvent::Connected => {
                tokio::spawn(restore(self.0.store.clone()));
                self.send_to_all(&WorkerEvent::Reconnected);
            }
            PubSubEvent::Subscribed(room) => self.begin_reading(room),
            PubSubEvent::Room(room, what) => self.handle_event(room, what),
            PubSubEvent::User(event) => self.send_to_all(&WorkerEvent::User(Arc::new(event))),
            PubSubEvent::Lost => {
                let mut rooms = self.0.rooms.lock().expect("no panic while held");
                if rooms.values().any(|followed| followed.sequencer.current().is_some()) {
                    self.0.lost_at_ms.store(now_ms(), Ordering::Release);
                }
                rooms.values_mut().for_each(|followed| {
                    followed.sequencer.lose();
                    followed.reading = 0;
                });
            }
        }
    }

    fn handle_event(&self, room: RoomId, what: Event) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(followed) = rooms.get_mut(&room) else { return };
        let mut out = Vec::with_capacity(1);
        if followed.sequencer.accept(what, &mut out) {
            self.spawn_reading(room, followed);
        }
        self.deliver(followed, out);
    }

    /// Hands events to the workers, under the lock, so that their order is the room's.
    fn deliver(&self, followed: &FollowedRoom, events: Vec<Event>) {
        let Some(head) = followed.head.filter(|_| !followed.workers.is_empty()) else { return };
        for what in events {
            self.send_to_followers(followed, &WorkerEvent::Room(Arc::new(RoomEvent { room: head, what })));
        }
    }

    /// Hands an event to the workers that look at a room.
    fn send_to_followers(&self, followed: &FollowedRoom, event: &WorkerEvent) {
        let workers = self.0.workers.lock().expect("no panic while held");
        for worker in followed.workers.iter().filter_map(|worker| workers.get(*worker)) {
            worker.send(event.clone());
        }
    }

    fn send_to_all(&self, event: &WorkerEvent) {
        for worker in &*self.0.workers.lock().expect("no panic while held") {
            worker.send(event.clone());
        }
    }

    fn begin_reading(&self, room: RoomId) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if let Some(followed) = rooms.get_mut(&room) {
            followed.sequencer.begin_reading();
            self.spawn_reading(room, followed);
        }
    }

    fn spawn_reading(&self, room: RoomId, followed: &mut FollowedRoom) {
        followed.reading = self.0.readings.fetch_add(1, Ordering::AcqRel) + 1;
        tokio::spawn(self.clone().read(room, followed.reading));
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
                    if !self.apply_found(room, reading, found) {
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
        let followed = rooms.get(&room).filter(|followed| followed.reading == reading)?;
        Some(followed.sequencer.last())
    }

    /// Delivers what was read. `true` when more must be read.
    fn apply_found(&self, room: RoomId, reading: u64, found: Found) -> bool {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(followed) = rooms.get_mut(&room).filter(|followed| followed.reading == reading) else { return false };
        let mut out = Vec::new();
        let needs_more = match found {
            Found::State(head, state) => {
                followed.head = Some(head);
                followed.sequencer.begin(state, &mut out)
            }
            Found::Tail(tail) => {
                let since_ms = self.0.lost_at_ms.load(Ordering::Acquire).saturating_sub(DELETIONS_OVERLAP_MS);
                if !tail.is_gapless {
                    self.send_to_followers(followed, &WorkerEvent::Gap(room));
                }
                if !tail.is_gapless || !tail.messages.is_empty() {
                    self.0.metrics.count(Count::GapRepairs);
                }
                followed.sequencer.repair(tail, since_ms, &mut out)
            }
        };
        self.deliver(followed, out);
        if let (false, Some(head)) = (needs_more, followed.head) {
            for waiting in followed.waiting.drain(..) {
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
        let Some(followed) = rooms.get_mut(&room).filter(|followed| followed.reading == reading) else { return true };
        if followed.head.is_some() && !followed.workers.is_empty() {
            return false;
        }
        if self.0.subscriber.unsubscribe(room) {
            rooms.remove(&room);
        }
        true
    }

    /// Lets rooms go that nobody looks at any more, for ever.
    pub async fn sweep(self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let mut rooms = self.0.rooms.lock().expect("no panic while held");
            rooms.retain(|room, followed| {
                let is_polled = followed.polled_at.is_some_and(|at| at.elapsed() < POLLED_FOR);
                let is_wanted = is_polled || !followed.workers.is_empty() || followed.quiet_since.elapsed() < GRACE;
                is_wanted || !self.0.subscriber.unsubscribe(*room)
            });
        }
    }
}

/// What a reading found.
enum Found {
    State(RoomHead, Watermark),
    Tail(crate::domain::Tail),
}

impl FollowedRoom {
    fn new() -> Self {
        Self {
            sequencer: Sequencer::new(),
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
    fn send(&self, event: WorkerEvent) {
        if self.events.try_send(event).is_err() {
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
