//! The present state of presence. A new connection is sent who is online in its rooms; all connections are told who is
//! online and who is not after announcements may have been lost. In between, announcements keep them informed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::task::spawn_local;
use tracing::debug;

use super::connection::{Connection, ConnectionId};
use super::delivery::MAX_PRESENCE;
use super::encode::Style;
use super::hub::{Hub, HubState};
use crate::domain::{Event, PresenceChange, Result, RoomEvent, RoomHead, RoomId, RoomKind, UserId, UserRef};
use crate::store::Store;

/// Rooms with more members have no present state, only announcements. Not more than are announced at once.
const MAX_MEMBERS: usize = MAX_PRESENCE;
/// Maximum number of rooms, direct ones aside, whose state a new connection is sent.
const MAX_SHOWN_ROOMS: usize = 100;
/// When a new connection is sent the state: many reconnect at the same moment, and these reads can wait.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// Rooms whose state is read at once.
const ROOMS_AT_ONCE: usize = 100;
const RETRY_PAUSE: Duration = Duration::from_millis(500);

type RoomStates = Vec<(RoomHead, Vec<PresenceChange>)>;

impl Hub {
    /// Sends a new connection who is online in its rooms, if its dialect shows presence. Does not wait. The connection
    /// must be subscribed to the rooms, so that it misses no change.
    pub fn show_presence(&self, id: ConnectionId) {
        if self.0.borrow().shown_rooms(id).is_empty() {
            return;
        }
        let hub = self.clone();
        spawn_local(async move {
            tokio::time::sleep(SHOWN_AFTER).await;
            let rooms = hub.0.borrow().shown_rooms(id);
            for some in rooms.chunks(ROOMS_AT_ONCE) {
                hub.read_presence(some, |state, states| state.queue_presence(id, states)).await;
                hub.flush_one(id);
            }
        });
    }

    /// Sends all connections the state of their rooms: announcements may have been lost.
    pub(super) async fn refresh_presence(&self) {
        let rooms = self.0.borrow().rooms_that_show_presence();
        for some in rooms.chunks(ROOMS_AT_ONCE) {
            self.read_presence(some, HubState::gather_states).await;
        }
    }

    /// Reads the state of rooms, until it succeeds, and passes it on without users whose presence changed meanwhile.
    async fn read_presence(&self, rooms: &[RoomHead], pass_on: impl FnOnce(&mut HubState, RoomStates)) {
        let store = self.0.borrow().store.clone();
        let mut states = loop {
            self.0.borrow_mut().changed_meanwhile.begin();
            match read_states(&store, rooms).await {
                Ok(states) => break states,
                Err(error) => debug!(%error, "could not read who is online, trying again"),
            }
            self.0.borrow_mut().changed_meanwhile.end();
            tokio::time::sleep(RETRY_PAUSE).await;
        };
        let mut state = self.0.borrow_mut();
        let changed = &state.changed_meanwhile;
        states.iter_mut().for_each(|(_, users)| users.retain(|it| !changed.has(it.user.id)));
        pass_on(&mut state, states);
        state.changed_meanwhile.end();
    }
}

/// Reads the members of rooms and who of them is online.
async fn read_states(store: &Store, rooms: &[RoomHead]) -> Result<RoomStates> {
    let ids: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
    let members = store.connected_members(&ids, MAX_MEMBERS).await?;
    let users: HashSet<UserId> = members.iter().flatten().map(|(user, _)| *user).collect();
    let names = store.names(&users.into_iter().collect::<Vec<_>>()).await?;
    let names: HashMap<UserId, String> = names.into_iter().map(|user| (user.id, user.name)).collect();
    let change = |(id, is_online): (UserId, bool)| {
        let name = names.get(&id)?.clone();
        Some(PresenceChange { user: UserRef { id, name }, is_online })
    };
    let states = rooms.iter().zip(members).map(|(room, users)| (*room, users.into_iter().filter_map(change).collect()));
    Ok(states.collect())
}

impl HubState {
    /// The rooms of a connection whose state it is sent: direct ones, and some others.
    fn shown_rooms(&self, id: ConnectionId) -> Vec<RoomHead> {
        let Some(connection) = self.connections.get(id.slot).filter(|connection| connection.number == id.number) else {
            return Vec::new();
        };
        let rooms = connection.rooms.iter().filter_map(|room| self.rooms.get(room)).map(|room| room.head);
        let rooms = rooms.filter(|room| room.id != RoomId::GLOBAL && self.shows_presence(connection, *room));
        let (mut shown, others): (Vec<_>, Vec<_>) = rooms.partition(|room| room.kind == RoomKind::Direct);
        shown.extend(others.into_iter().take(MAX_SHOWN_ROOMS));
        shown
    }

    fn rooms_that_show_presence(&self) -> Vec<RoomHead> {
        let rooms = self.rooms.values().filter(|room| room.head.id != RoomId::GLOBAL);
        let shows = |slot: &usize, room| self.connections.get(*slot).is_some_and(|it| self.shows_presence(it, room));
        rooms.filter(|room| room.connections.iter().any(|slot| shows(slot, room.head))).map(|room| room.head).collect()
    }

    /// Whether a connection's dialect shows presence.
    fn shows_presence(&self, connection: &Connection, room: RoomHead) -> bool {
        let style = Style { is_extended: connection.encoder.key.is_extended, base_url: &self.base_url };
        let probe = RoomEvent { room, what: Event::Presence(Vec::new()) };
        (connection.encoder.encode)(&probe, style).is_some()
    }

    /// Queues for one connection who is online. Of direct rooms also who is not.
    fn queue_presence(&mut self, id: ConnectionId, states: RoomStates) {
        for (room, mut users) in states {
            let Some(connection) = self.connections.get(id.slot).filter(|it| it.number == id.number) else { return };
            let viewer = connection.user;
            users.retain(|it| it.user.id != viewer && (it.is_online || room.kind == RoomKind::Direct));
            if users.is_empty() || !connection.rooms.contains(&room.id) {
                continue;
            }
            let frame = self.encode_for(connection, &RoomEvent { room, what: Event::Presence(users) });
            if let (Some(frame), Some(connection)) = (frame, self.connection(id)) {
                // Best effort, as all presence.
                connection.send_queue.push(frame);
            }
        }
    }

    /// Gathers states for the next tick.
    fn gather_states(&mut self, states: RoomStates) {
        for (head, users) in states {
            let Some(room) = self.rooms.get_mut(&head.id) else { continue };
            room.presence.extend(users);
            self.presence.push(head.id);
        }
    }
}
