//! A worker's hub: which of its connections look at which rooms.
//!
//! A worker is one thread, so nothing here is locked. An event comes once per worker; it is printed once per kind
//! of frame; everything queued for a connection leaves in one write. A connection that takes its frames too slowly
//! is left behind and read to from the stream later ([`super::catch_up`]); it delays nobody.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;
use tokio::task::spawn_local;

use super::connection::{Closed, Connection, ConnectionId, NewConnection};
use super::followed_rooms::{FollowedRooms, WorkerEvent, WorkerQueue};
use crate::domain::{EntryId, PresenceChange, RoomEvent, RoomHead, RoomId, Seq, UserId};
use crate::metrics::{CUT, Count, Gauge, Metrics};
use crate::store::Store;

/// Items taken from the queue before what they queued is written.
const EVENTS_AT_ONCE: usize = 256;
const TICK: Duration = Duration::from_secs(1);
/// A close frame may wait for this long behind what is queued.
const CLOSING: Duration = Duration::from_secs(2);

/// RFC 6455, §7.4.1: the connection did not take its frames, or the node could not; it may come back and resume.
pub(super) const TRY_AGAIN_LATER: u16 = 1013;
pub(super) const TOO_SLOW: &str = "too slow, come back and resume";

/// A room that connections of this worker look at.
pub(super) struct Room {
    pub(super) head: RoomHead,
    pub(super) connections: Vec<usize>,
    /// The last message that this worker has handed on.
    pub(super) last: EntryId,
    /// Messages handed on that are not noted as delivered yet.
    pub(super) pushed: Option<(Seq, Seq)>,
    pub(super) is_marking: bool,
    /// Until when it counts as too large for receipts.
    pub(super) unmarked_until: Option<Instant>,
    pub(super) presence: Vec<PresenceChange>,
}

pub(super) struct HubState {
    pub(super) worker: usize,
    pub(super) followed_rooms: FollowedRooms,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    pub(super) base_url: String,
    /// A connection may be behind for this long.
    lagging: Duration,
    pub(super) connections: Slab<Connection>,
    pub(super) rooms: HashMap<RoomId, Room>,
    /// Rooms that connections are about to look at.
    pub(super) pending: HashMap<RoomId, usize>,
    pub(super) users: HashMap<UserId, Vec<usize>>,
    /// Seats with something to write.
    pub(super) dirty: Vec<usize>,
    pub(super) scratch: Vec<u8>,
    connections_so_far: u64,
    /// What waited for all connections when it was last noted.
    queued_bytes: u64,
    /// Rooms in which messages were handed on since they were last noted as delivered.
    pub(super) unmarked: Vec<RoomId>,
    pub(super) presence: Vec<RoomId>,
}

/// A handle to a worker's hub; clones are of the same.
#[derive(Clone)]
pub struct Hub(pub(super) Rc<RefCell<HubState>>);

impl Hub {
    /// A hub for the worker whose thread this is, inside its runtime. Paths of ours get `base_url` in front; who is
    /// behind for longer than `lagging` is closed.
    pub fn start(followed_rooms: &FollowedRooms, store: Store, base_url: &str, lagging: Duration) -> Self {
        let queue = followed_rooms.add_worker();
        let hub = Self(Rc::new(RefCell::new(HubState {
            worker: queue.worker,
            followed_rooms: followed_rooms.clone(),
            store,
            metrics: Arc::clone(followed_rooms.metrics()),
            base_url: base_url.trim_end_matches('/').to_owned(),
            lagging,
            connections: Slab::new(),
            rooms: HashMap::new(),
            pending: HashMap::new(),
            users: HashMap::new(),
            dirty: Vec::new(),
            scratch: Vec::new(),
            connections_so_far: 0,
            queued_bytes: 0,
            unmarked: Vec::new(),
            presence: Vec::new(),
        })));
        spawn_local(listen(Rc::downgrade(&hub.0), queue));
        spawn_local(tend(Rc::downgrade(&hub.0)));
        hub
    }

    /// Takes a connection in. It looks at no room yet, but changes of its user's rooms count from now on.
    pub fn register(&self, new: NewConnection) -> (ConnectionId, Closed) {
        let mut state = self.0.borrow_mut();
        state.connections_so_far += 1;
        let number = state.connections_so_far;
        let user = new.user;
        let connection = Connection::new(number, new);
        let closed = connection.closed.clone();
        let slot = state.connections.insert(connection);
        state.users.entry(user).or_default().push(slot);
        (ConnectionId { slot, number }, closed)
    }

    /// The connection is the hub's from now on: frames may be written.
    pub fn open(&self, id: ConnectionId) {
        self.0.borrow_mut().open(id);
        self.flush_one(id);
        self.catch_up(id);
    }

    /// Whether a connection looks at a room.
    pub fn is_subscribed(&self, id: ConnectionId, room: RoomId) -> bool {
        self.0.borrow_mut().connection(id).is_some_and(|connection| connection.rooms.contains(&room))
    }

    /// The rooms that a connection looks at.
    pub fn rooms(&self, id: ConnectionId) -> Vec<RoomId> {
        self.0.borrow_mut().connection(id).map(|connection| connection.rooms.clone()).unwrap_or_default()
    }

    /// Sends a frame to one connection, behind what is queued.
    pub fn send(&self, id: ConnectionId, frame: Bytes) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            connection.send_queue.force(frame);
        }
        self.flush_one(id);
    }

    /// Shows a message again to one connection, in its place: behind what came before it in the room. One that the
    /// room has not come to on this node is not shown, because it is about to come.
    pub fn resend(&self, id: ConnectionId, event: RoomEvent) {
        let (followed_rooms, worker) = {
            let state = self.0.borrow();
            (state.followed_rooms.clone(), state.worker)
        };
        if self.is_subscribed(id, event.room.id) {
            return followed_rooms.resend(worker, id, event);
        }
        self.0.borrow_mut().resend_now(id, &event);
        self.flush_one(id);
    }

    /// Bytes that wait for a connection.
    pub fn queued_bytes(&self, id: ConnectionId) -> usize {
        self.0.borrow_mut().connection(id).map_or(0, |connection| connection.send_queue.queued_bytes())
    }

    /// Closes a connection with a code, behind what is queued.
    pub fn close(&self, id: ConnectionId, code: u16, reason: &str) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            connection.close(code, reason);
        }
        self.flush_one(id);
    }

    /// The same for a connection that was cut; it may still listen.
    pub fn close_cut(&self, id: ConnectionId, code: u16) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            connection.ended_with.get_or_insert(CUT);
        }
        self.close(id, code, "");
    }

    /// The connection is gone.
    pub fn leave(&self, id: ConnectionId) {
        let mut state = self.0.borrow_mut();
        let Some(connection) = state.connection(id) else { return };
        let (rooms, user) = (std::mem::take(&mut connection.rooms), connection.user);
        if connection.was_open {
            let (dialect, code) = (connection.encoder.key.dialect, connection.ended_with.unwrap_or(CUT));
            state.metrics.count_close(dialect, code);
        }
        for room in rooms {
            state.remove_from_room(id.slot, room);
        }
        if let Some(slots) = state.users.get_mut(&user) {
            slots.retain(|slot| *slot != id.slot);
            if slots.is_empty() {
                state.users.remove(&user);
            }
        }
        state.connections.remove(id.slot);
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.0.borrow().connections.len()
    }

    fn handle(&self, event: WorkerEvent) {
        match event {
            WorkerEvent::Room(event) => self.0.borrow_mut().deliver(&event),
            WorkerEvent::Resend(id, event) => self.0.borrow_mut().resend_now(id, &event),
            WorkerEvent::Gap(room) => self.0.borrow_mut().close_room(room),
            WorkerEvent::User(event) => self.take_user_event(&event),
            WorkerEvent::Reconnected => {
                spawn_local(super::catch_up::refresh(self.clone()));
            }
        }
    }
}

/// Takes what the node hands out, for as long as the hub lives.
async fn listen(hub: Weak<RefCell<HubState>>, mut queue: WorkerQueue) {
    let mut events = Vec::with_capacity(EVENTS_AT_ONCE);
    while queue.events.recv_many(&mut events, EVENTS_AT_ONCE).await > 0 {
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        if queue.is_overrun.swap(false, Ordering::AcqRel) {
            tracing::error!("this worker does not keep up with its rooms, its connections are closed and resume");
            hub.0.borrow_mut().close_all(TRY_AGAIN_LATER, "the server was too slow, come back and resume");
        }
        for event in events.drain(..) {
            hub.handle(event);
        }
        hub.flush();
        hub.mark_delivered();
        tokio::task::yield_now().await;
    }
}

/// Tells gathered changes of presence and ends connections that had their time.
async fn tend(hub: Weak<RefCell<HubState>>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        hub.0.borrow_mut().tell_presence();
        hub.0.borrow_mut().end_overdue();
        hub.flush();
    }
}

impl HubState {
    pub(super) fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(id.slot).filter(|connection| connection.number == id.number)
    }

    pub(super) fn connections_of(&self, user: UserId) -> Vec<ConnectionId> {
        let slots = self.users.get(&user).map(Vec::as_slice).unwrap_or_default();
        slots
            .iter()
            .filter_map(|slot| Some(ConnectionId { slot: *slot, number: self.connections.get(*slot)?.number }))
            .collect()
    }

    fn open(&mut self, id: ConnectionId) {
        let Some(connection) = self.connection(id) else { return };
        connection.send_queue.is_open = true;
        connection.was_open = true;
        let dialect = connection.encoder.key.dialect;
        self.metrics.count_open(dialect);
    }

    /// Closes who looks at a room of which something is gone before it could be handed on.
    fn close_room(&mut self, id: RoomId) {
        let slots = self.rooms.get(&id).map(|room| room.connections.clone()).unwrap_or_default();
        for slot in slots {
            if let Some(connection) = self.connections.get_mut(slot) {
                connection.close(TRY_AGAIN_LATER, "messages are gone, come back and read anew");
                self.dirty.push(slot);
            }
        }
    }

    fn close_all(&mut self, code: u16, reason: &str) {
        let slots: Vec<usize> = self.connections.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(connection) = self.connections.get_mut(slot) {
                connection.close(code, reason);
                self.dirty.push(slot);
            }
        }
    }

    /// Ends connections that do not take their close frame, closes those that are behind for too long. Notes how
    /// much waits for all of them.
    fn end_overdue(&mut self) {
        let mut queued_bytes = 0;
        for (slot, connection) in &mut self.connections {
            if connection.closing_since.is_some_and(|since| since.elapsed() > CLOSING) {
                connection.closed.end();
            }
            queued_bytes += connection.send_queue.queued_bytes() as u64;
            if connection.backlogs.is_empty() {
                connection.lagging_since = None;
            }
            if connection.lagging_since.is_some_and(|since| since.elapsed() > self.lagging) {
                connection.close(TRY_AGAIN_LATER, TOO_SLOW);
                self.metrics.count(Count::ClosedSlow);
                self.dirty.push(slot);
            }
        }
        self.metrics.change(Gauge::QueuedBytes, self.queued_bytes, queued_bytes);
        self.queued_bytes = queued_bytes;
    }
}
