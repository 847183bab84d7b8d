//! A worker's hub: its connections, and the rooms to which they are subscribed.
//!
//! A worker is one thread, so nothing here is locked. Each event arrives once per worker and is encoded once per
//! [`FrameKey`](super::FrameKey); everything queued for a connection leaves in one write. A connection that takes its
//! frames too slowly gets a backlog and is caught up from the stream later ([`super::catch_up`]); it delays no other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use foldhash::{HashMap, HashSet};
use slab::Slab;
use socket2::SockRef;

use super::connection::{Closed, Connection, ConnectionId, NewConnection};
use super::followed_rooms::FollowedRooms;
use super::pushes::Pushes;
use super::recent_amendments::RecentAmendments;
use super::turns::Turns;
use crate::domain::{ChangedProfile, EntryId, PresenceChange, RoomEvent, RoomHead, RoomId, Seq, UserId};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::websocket::{CUT, Close};

/// A room with subscribed connections of this worker.
pub(super) struct Room {
    pub(super) head: RoomHead,
    /// Slots of the subscribed connections.
    pub(super) connections: Vec<usize>,
    /// The last message that this worker has queued; at first, the last that the node had delivered.
    pub(super) last: EntryId,
    /// The first and last queued message that is not recorded as delivered yet.
    pub(super) unrecorded: Option<(Seq, Seq)>,
    /// Whether a task records what is delivered.
    pub(super) is_recording: bool,
    /// Until when the room counts as too large for receipts.
    pub(super) too_large_until: Option<Instant>,
    /// Changes of presence since the last tick.
    pub(super) presence: Vec<PresenceChange>,
}

impl Room {
    pub(super) fn new(head: RoomHead, last: EntryId) -> Self {
        Self {
            head,
            connections: Vec::new(),
            last,
            unrecorded: None,
            is_recording: false,
            too_large_until: None,
            presence: Vec::new(),
        }
    }
}

/// The users whose presence changed while states were being read. What was read of them may be older.
#[derive(Default)]
pub(super) struct ChangedMeanwhile {
    readings: usize,
    users: HashSet<UserId>,
}

impl ChangedMeanwhile {
    pub(super) fn note(&mut self, user: UserId) {
        if self.readings > 0 {
            self.users.insert(user);
        }
    }

    pub(super) fn has(&self, user: UserId) -> bool {
        self.users.contains(&user)
    }

    pub(super) fn begin(&mut self) {
        self.readings += 1;
    }

    pub(super) fn end(&mut self) {
        self.readings -= 1;
        if self.readings == 0 {
            self.users.clear();
        }
    }
}

/// What a hub knows. Only the files of this folder reach into it.
pub(super) struct HubState {
    /// The number under which the followed rooms know this worker.
    pub(super) worker: usize,
    pub(super) followed_rooms: FollowedRooms,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    /// Prefix of the server's own paths in what is encoded.
    pub(super) base_url: String,
    /// How long a connection may lag before it is closed.
    pub(super) max_lag: Duration,
    pub(super) connections: Slab<Connection>,
    /// The address of the connection that was registered last, which nearly all others share.
    reader_url: Rc<str>,
    pub(super) rooms: HashMap<RoomId, Room>,
    /// Rooms that connections are about to subscribe to, and how many.
    pub(super) pending: HashMap<RoomId, usize>,
    /// Slots of each user's connections.
    pub(super) users: HashMap<UserId, Vec<usize>>,
    /// Slots of connections with something to write.
    pub(super) dirty: Vec<usize>,
    /// Buffer in which frames are joined.
    pub(super) scratch: Vec<u8>,
    /// Connections registered so far.
    registered: u64,
    /// Bytes queued for all connections at the last tick.
    pub(super) queued_bytes: u64,
    /// Rooms with messages that are not recorded as delivered yet.
    pub(super) unrecorded: Vec<RoomId>,
    /// Rooms with changes of presence since the last tick.
    pub(super) presence: Vec<RoomId>,
    /// Changes of profiles since the last tick.
    pub(super) profiles: BTreeMap<UserId, ChangedProfile>,
    pub(super) changed_meanwhile: ChangedMeanwhile,
    pub(super) turns: Turns,
    pub(super) pushes: Pushes,
    pub(super) recent_amendments: RecentAmendments,
}

/// A handle to a worker's hub. Clones share the hub.
#[derive(Clone)]
pub struct Hub(pub(super) Rc<RefCell<HubState>>);

impl Hub {
    pub(super) fn new(
        worker: usize,
        followed_rooms: &FollowedRooms,
        store: Store,
        base_url: &str,
        max_lag: Duration,
    ) -> Self {
        Self(Rc::new(RefCell::new(HubState {
            worker,
            followed_rooms: followed_rooms.clone(),
            store,
            metrics: Arc::clone(followed_rooms.metrics()),
            base_url: base_url.trim_end_matches('/').to_owned(),
            max_lag,
            connections: Slab::new(),
            reader_url: Rc::default(),
            rooms: HashMap::default(),
            pending: HashMap::default(),
            users: HashMap::default(),
            dirty: Vec::new(),
            scratch: Vec::new(),
            registered: 0,
            queued_bytes: 0,
            unrecorded: Vec::new(),
            presence: Vec::new(),
            profiles: BTreeMap::new(),
            changed_meanwhile: ChangedMeanwhile::default(),
            turns: Turns::default(),
            pushes: Pushes::default(),
            recent_amendments: RecentAmendments::default(),
        })))
    }

    /// The turns of this worker's connections.
    pub fn turns(&self) -> Turns {
        self.0.borrow().turns.clone()
    }

    /// Returns the address of a new connection, shared with the one before if that has the same.
    pub fn shared_url(&self, url: &str) -> Rc<str> {
        let mut state = self.0.borrow_mut();
        if *state.reader_url != *url {
            state.reader_url = url.into();
        }
        Rc::clone(&state.reader_url)
    }

    /// Registers a connection. It is subscribed to no room yet, but records changes of its user's rooms.
    pub fn register(&self, new: NewConnection) -> (ConnectionId, Closed) {
        let mut state = self.0.borrow_mut();
        state.registered += 1;
        let number = state.registered;
        let user = new.user;
        let connection = Connection::new(number, new);
        let closed = connection.closed.clone();
        let slot = state.connections.insert(connection);
        // Most users have one.
        state.users.entry(user).or_insert_with(|| Vec::with_capacity(1)).push(slot);
        (ConnectionId { slot, number }, closed)
    }

    /// Starts writing to a connection: the handshake is answered, and the socket belongs to the hub.
    pub fn open(&self, id: ConnectionId) {
        self.0.borrow_mut().open(id);
        self.flush_one(id);
        self.catch_up(id);
    }

    /// Whether a connection is subscribed to a room.
    pub fn is_subscribed(&self, id: ConnectionId, room: RoomId) -> bool {
        self.0.borrow_mut().connection(id).is_some_and(|connection| connection.rooms.contains(&room))
    }

    /// The rooms to which a connection is subscribed.
    pub fn rooms(&self, id: ConnectionId) -> Vec<RoomId> {
        self.0.borrow_mut().connection(id).map(|connection| connection.rooms.clone()).unwrap_or_default()
    }

    /// All connections.
    pub fn connections(&self) -> Vec<ConnectionId> {
        let state = self.0.borrow();
        state.connections.iter().map(|(slot, connection)| ConnectionId { slot, number: connection.number }).collect()
    }

    /// Sends a frame to one connection, behind what is queued.
    pub fn send(&self, id: ConnectionId, frame: Bytes) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            connection.send_queue.force(frame);
        }
        self.flush_one(id);
    }

    /// Sends a message to one connection again, in its place: behind the room's earlier messages. Does nothing for a
    /// message that this node has not delivered yet, because it will be.
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

    /// Bytes queued for a connection.
    pub fn queued_bytes(&self, id: ConnectionId) -> usize {
        self.0.borrow_mut().connection(id).map_or(0, |connection| connection.send_queue.queued_bytes())
    }

    /// Closes a connection, behind what is queued.
    pub fn close(&self, id: ConnectionId, close: &Close) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            connection.close(close);
        }
        self.flush_one(id);
    }

    /// Closes a connection whose client has disconnected. A close frame is sent all the same: the client may only have
    /// stopped sending.
    pub fn close_cut(&self, id: ConnectionId) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            connection.close_code.get_or_insert(CUT);
        }
        self.close(id, &Close::echo(None));
    }

    /// Cuts the connections of a user, or all, without a close frame, as a broken network does. Returns how many they are.
    pub fn cut(&self, user: Option<UserId>) -> usize {
        let state = self.0.borrow();
        let connections = state.connections.iter().map(|(_, connection)| connection);
        let chosen = connections.filter(|connection| user.is_none_or(|user| connection.user == user));
        // One that has ended already has nothing to be cut.
        chosen.filter(|it| SockRef::from(&**it.send_queue.stream()).shutdown(Shutdown::Both).is_ok()).count()
    }

    /// Removes a connection.
    pub fn remove(&self, id: ConnectionId) {
        let mut state = self.0.borrow_mut();
        let Some(connection) = state.connection(id) else { return };
        let (rooms, user) = (std::mem::take(&mut connection.rooms), connection.user);
        if connection.was_open {
            let (dialect, code) = (connection.encoder.key.dialect, connection.close_code.unwrap_or(CUT));
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

    /// Whether a user has a connection that is not closing.
    pub(super) fn is_here(&self, user: UserId) -> bool {
        let slots = self.users.get(&user).map(Vec::as_slice).unwrap_or_default();
        slots.iter().any(|slot| self.connections.get(*slot).is_some_and(|it| it.closing_since.is_none()))
    }

    fn open(&mut self, id: ConnectionId) {
        let Some(connection) = self.connection(id) else { return };
        connection.send_queue.is_open = true;
        connection.was_open = true;
        let dialect = connection.encoder.key.dialect;
        self.metrics.count_open(dialect);
    }

    /// Closes these connections.
    pub(super) fn close_slots(&mut self, slots: Vec<usize>, close: &Close) {
        for slot in slots {
            if let Some(connection) = self.connections.get_mut(slot) {
                connection.close(close);
                self.dirty.push(slot);
            }
        }
    }

    /// Closes all connections.
    pub(super) fn close_all(&mut self, close: &Close) {
        let slots = self.connections.iter().map(|(slot, _)| slot).collect();
        self.close_slots(slots, close);
    }
}
