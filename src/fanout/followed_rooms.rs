//! The rooms that a node follows: those with subscribed connections, and those that clients poll.
//!
//! The node is subscribed to the channel of each followed room. Events reach the workers in the room's order and without
//! gaps: after every subscription, and whenever a seq jumps, the missing events are read once for the whole node.

use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::connection::ConnectionId;
use super::sequencer::Sequencer;
use super::tails::{MAX_MESSAGES, Tails};
use super::worker_queue::{WorkerEvent, WorkerQueue, Workers};
use crate::domain::{
    EntryId, Error, Event, HistoryPage, HistoryQuery, RecentMessages, Result, RoomEvent, RoomHead, RoomId, RoomKind,
    Seq, Watermark,
};
use crate::metrics::Metrics;
use crate::store::{NodeEvent, NodeTrace, PubSubEvent, Store, Subscriber};

/// How long a room is followed after it was last polled.
const POLLED_FOR: Duration = Duration::from_secs(60);
/// How long a room is followed after its last connection left.
const GRACE: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Maximum number of rooms that are followed only because they are polled. Polls of other rooms are answered by Redis.
const MAX_POLLED: usize = 50_000;

pub(super) struct FollowedRoom {
    pub(super) sequencer: Sequencer,
    /// Known after the first reading.
    pub(super) head: Option<RoomHead>,
    /// Workers with subscribed connections.
    pub(super) workers: Vec<usize>,
    /// Notified once the room's events arrive without a gap.
    pub(super) waiting: Vec<oneshot::Sender<Result<RoomHead>>>,
    polled_at: Option<Instant>,
    /// When the last worker left.
    quiet_since: Instant,
    /// The number of the read in progress; a later one cancels it. 0 for none.
    pub(super) reading: u64,
    /// When the subscription was lost, UTC milliseconds, until what was missed since has been read.
    pub(super) lost_at_ms: Option<u64>,
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
            lost_at_ms: None,
        }
    }

    fn is_wanted(&self) -> bool {
        let is_polled = self.polled_at.is_some_and(|at| at.elapsed() < POLLED_FOR);
        is_polled || !self.workers.is_empty() || self.quiet_since.elapsed() < GRACE
    }
}

/// What a node knows of the rooms that it follows. Only the files of this folder reach into it.
pub(super) struct Shared {
    pub(super) rooms: Mutex<HashMap<RoomId, FollowedRoom>>,
    /// Locked after `rooms` where both are.
    workers: Mutex<Workers>,
    /// Locked after `rooms` where both are.
    pub(super) tails: Tails,
    pub(super) subscriber: Subscriber,
    pub(super) store: Store,
    readings: AtomicU64,
    /// Whether the log says that Redis came back with less than before.
    pub(super) is_rewind_logged: AtomicBool,
    pub(super) metrics: Arc<Metrics>,
}

/// The rooms that a node follows. Clones share them.
#[derive(Clone)]
pub struct FollowedRooms(pub(super) Arc<Shared>);

impl FollowedRooms {
    /// Follows no room yet. The store must belong to the runtime on which [`Self::handle`] is called.
    pub fn new(subscriber: Subscriber, store: Store, metrics: Arc<Metrics>, tails: Tails) -> Self {
        Self(Arc::new(Shared {
            rooms: Mutex::default(),
            workers: Mutex::default(),
            tails,
            subscriber,
            store,
            readings: AtomicU64::new(0),
            is_rewind_logged: AtomicBool::new(false),
            metrics,
        }))
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Whether events arrive from Redis and all workers take them.
    pub fn is_up(&self) -> bool {
        self.0.subscriber.is_up() && self.workers(|workers| workers.are_up())
    }

    /// Whether Redis took a write within the last seconds.
    pub fn takes_writes(&self) -> bool {
        self.0.subscriber.takes_writes()
    }

    /// How far a public room has come, when this node knows; asking keeps the room followed. `None` says nothing about
    /// the room: read it from the store.
    pub fn watermark(&self, room: RoomId) -> Option<Watermark> {
        if !self.0.subscriber.is_up() {
            return None;
        }
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let followed = rooms.get_mut(&room)?;
        followed.polled_at = Some(Instant::now());
        followed.sequencer.current().filter(|_| followed.head.is_some_and(|head| head.kind == RoomKind::Public))
    }

    /// The last message of a room that this node has seen, when it follows the room. Redis may have lost it since.
    pub fn last_seen(&self, room: RoomId) -> Option<EntryId> {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        rooms.get(&room).and_then(|followed| followed.sequencer.last())
    }

    /// The newest messages of a followed room, if this node keeps them. Redis may have newer ones: compare with the
    /// room's state.
    pub fn recent(&self, room: RoomId) -> Option<Arc<RecentMessages>> {
        self.0.tails.get(room)
    }

    /// Keeps the newest messages of a room, if `page` has them, this node follows the room, and the page is of the state
    /// whose events the node has passed on. What follows is added as it arrives.
    pub fn keep_recent(&self, query: &HistoryQuery, page: &HistoryPage) {
        let is_short = page.messages.len() <= MAX_MESSAGES;
        let has_come_as_far = |rooms: &HashMap<RoomId, FollowedRoom>| {
            rooms.get(&query.room).is_some_and(|followed| followed.sequencer.current() == Some(page.watermark))
        };
        let rooms = || self.0.rooms.lock().expect("no panic while held");
        // Asks twice, because the lock is not for copying messages.
        if !self.0.tails.are_kept() || !is_short || !has_come_as_far(&rooms()) {
            return;
        }
        let Some(recent) = RecentMessages::of(query, page) else { return };
        let rooms = rooms();
        if has_come_as_far(&rooms) {
            self.0.tails.keep(query.room, recent);
        }
    }

    /// Starts following a room that a client polls. The caller has checked that the client may read it.
    pub fn follow_for_polls(&self, room: RoomId) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if rooms.len() >= MAX_POLLED || rooms.contains_key(&room) {
            return;
        }
        self.0.subscriber.subscribe(room);
        rooms.insert(room, FollowedRoom { polled_at: Some(Instant::now()), ..FollowedRoom::new() });
    }

    /// Adds a worker and returns its queue.
    pub(super) fn add_worker(&self) -> WorkerQueue {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let queue = self.workers(Workers::add);
        // The number may have belonged to a worker whose thread ended together with its connections.
        rooms.values_mut().for_each(|followed| followed.workers.retain(|worker| *worker != queue.worker));
        queue
    }

    /// Follows a room for a worker: from the call on its events go to the worker, without a gap once this returns.
    ///
    /// # Errors
    /// `RoomNotFound`; `Unavailable`.
    pub(super) async fn follow(&self, room: RoomId, worker: usize) -> Result<RoomHead> {
        let waiting = {
            let mut rooms = self.0.rooms.lock().expect("no panic while held");
            let followed = match rooms.entry(room) {
                Entry::Occupied(followed) => followed.into_mut(),
                Entry::Vacant(place) => {
                    self.0.subscriber.subscribe(room);
                    place.insert(FollowedRoom::new())
                }
            };
            if !followed.workers.contains(&worker) {
                followed.workers.push(worker);
            }
            if let (Some(head), Some(_)) = (followed.head, followed.sequencer.current()) {
                return Ok(head);
            }
            let (sender, waiting) = oneshot::channel();
            // Drops those that have given up, however long the room cannot be read.
            if followed.waiting.len() == followed.waiting.capacity() {
                followed.waiting.retain(|sender| !sender.is_closed());
            }
            followed.waiting.push(sender);
            waiting
        };
        waiting.await.unwrap_or(Err(Error::RoomNotFound))
    }

    /// Ends following a room for a worker without subscribed connections.
    pub(super) fn unfollow(&self, room: RoomId, worker: usize) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if let Some(followed) = rooms.get_mut(&room) {
            followed.workers.retain(|other| *other != worker);
            followed.quiet_since = Instant::now();
        }
    }

    /// Queues a message for one connection again, behind what its worker has received of the room so far. Does nothing
    /// for a message that the worker is still to receive.
    pub(super) fn resend(&self, worker: usize, id: ConnectionId, event: RoomEvent) {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        let last = rooms.get(&event.room.id).and_then(|followed| followed.sequencer.last());
        let is_to_come = match &event.what {
            Event::Message(message) => last.is_some_and(|last| last.seq < message.id.entry.seq),
            _ => false,
        };
        if !is_to_come {
            self.workers(|workers| workers.send(worker, WorkerEvent::Resend(id, Arc::new(event))));
        }
    }

    /// Handles what pub/sub brings. Never waits.
    pub fn handle(&self, event: PubSubEvent) {
        match event {
            PubSubEvent::Connected => {
                tokio::spawn(restore_global_room(self.0.store.clone()));
                self.workers(|workers| workers.send_to_all(&WorkerEvent::Reconnected));
            }
            PubSubEvent::Subscribed(room) => self.begin_reading(room),
            PubSubEvent::Room(room, what) => self.handle_event(room, what),
            PubSubEvent::User(event) => {
                self.workers(|workers| workers.send_to_all(&WorkerEvent::User(Arc::new(event))));
            }
            PubSubEvent::Node(NodeEvent::Asked { question, room, seq }) => {
                tokio::spawn(self.clone().answer_trace(question, room, seq));
            }
            PubSubEvent::Node(NodeEvent::Traced { message, parent }) => self.record_push(message, parent),
            PubSubEvent::Node(NodeEvent::Answered { .. }) => {}
            PubSubEvent::Lost(lost) => self.lose_subscriptions(&lost),
        }
    }

    fn lose_subscriptions(&self, lost: &[RoomId]) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let lost_at_ms = self.0.store.now_ms();
        for room in lost {
            let Some(followed) = rooms.get_mut(room) else { continue };
            self.0.tails.drop_tail(*room);
            followed.sequencer.lose();
            followed.reading = 0;
            followed.lost_at_ms.get_or_insert(lost_at_ms);
        }
        self.0.is_rewind_logged.store(false, Ordering::Release);
    }

    fn handle_event(&self, room: RoomId, what: Event) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(followed) = rooms.get_mut(&room) else { return };
        if matches!(what, Event::RoomRemoved(_)) {
            // Whatever is being read of the room: nothing is left to wait for.
            self.deliver(followed, vec![what]);
            self.0.tails.drop_tail(room);
            self.0.subscriber.unsubscribe(room);
            rooms.remove(&room);
            return;
        }
        let mut out = Vec::with_capacity(1);
        if followed.sequencer.accept(what, &mut out) {
            self.spawn_reading(room, followed);
        }
        self.0.tails.apply(room, &out);
        self.deliver(followed, out);
    }

    /// Queues events for the room's workers. Called under the lock of the rooms, so that the order is the room's.
    pub(super) fn deliver(&self, followed: &FollowedRoom, events: Vec<Event>) {
        let Some(head) = followed.head.filter(|_| !followed.workers.is_empty()) else { return };
        for what in events {
            self.send_to_followers(followed, &WorkerEvent::Room(Arc::new(RoomEvent { room: head, what })));
        }
    }

    pub(super) fn send_to_followers(&self, followed: &FollowedRoom, event: &WorkerEvent) {
        self.workers(|workers| followed.workers.iter().for_each(|worker| workers.send(*worker, event.clone())));
    }

    /// Whether this node follows a room, and whether a message has arrived.
    pub(super) fn standing(&self, room: RoomId, seq: Seq) -> NodeTrace {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(followed) = rooms.get(&room) else { return NodeTrace::default() };
        let has_arrived = followed.sequencer.last().is_some_and(|last| last.seq >= seq);
        NodeTrace { is_following: true, has_arrived, ..NodeTrace::default() }
    }

    /// Asks all workers a question. The answers end once each has answered or dropped it.
    pub(super) fn ask_workers<T>(&self, question: impl FnOnce(mpsc::Sender<T>) -> WorkerEvent) -> mpsc::Receiver<T> {
        self.workers(|workers| {
            let (sender, answers) = mpsc::channel(workers.count().max(1));
            workers.send_to_all(&question(sender));
            answers
        })
    }

    fn workers<T>(&self, call: impl FnOnce(&mut Workers) -> T) -> T {
        call(&mut self.0.workers.lock().expect("no panic while held"))
    }

    fn begin_reading(&self, room: RoomId) {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        if let Some(followed) = rooms.get_mut(&room) {
            followed.sequencer.begin_reading();
            self.spawn_reading(room, followed);
        }
    }

    fn spawn_reading(&self, room: RoomId, followed: &mut FollowedRoom) {
        self.0.tails.drop_tail(room);
        followed.reading = self.0.readings.fetch_add(1, Ordering::AcqRel) + 1;
        tokio::spawn(self.clone().read(room, followed.reading));
    }

    /// Runs forever: stops following rooms that are no longer needed.
    pub async fn sweep(self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let mut rooms = self.0.rooms.lock().expect("no panic while held");
            rooms.retain(|room, followed| {
                let is_wanted = followed.is_wanted();
                if !is_wanted {
                    self.0.tails.drop_tail(*room);
                    self.0.subscriber.unsubscribe(*room);
                }
                is_wanted
            });
        }
    }
}

/// Recreates the room that always exists: Redis may have come back empty.
async fn restore_global_room(store: Store) {
    if let Err(error) = store.ensure_global_room().await {
        warn!(%error, "could not recreate the global room");
    }
}
