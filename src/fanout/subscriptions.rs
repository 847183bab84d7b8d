//! Which connections are subscribed to which rooms: when a connection opens, when memberships change, and after events
//! about memberships may have been lost.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::spawn_local;
use tracing::debug;

use super::backlog::{Backlog, RoomChange};
use super::connection::ConnectionId;
use super::hub::{Hub, HubState, Room};
use crate::domain::{Error, Kind, Result, RoomHead, RoomId, Seq, UserId, UserRef};
use crate::store::UserEvent;

/// A connection is refused when its rooms are not followed by then; another node may do better.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_millis(1500);

impl Hub {
    /// Subscribes a new connection to its user's rooms. Once this returns, every message of these rooms reaches it.
    ///
    /// # Errors
    /// `Unavailable` when a room's events do not arrive.
    pub async fn subscribe_all(&self, id: ConnectionId, rooms: &[RoomId]) -> Result<()> {
        let pending: Vec<PendingSubscription> =
            rooms.iter().map(|room| PendingSubscription::new(self, *room)).collect();
        let followed = join_all(pending.iter().map(PendingSubscription::follow));
        let followed = tokio::time::timeout(SUBSCRIBE_TIMEOUT, followed).await;
        let followed = followed.map_err(|_| Error::Unavailable("events of rooms do not arrive".into()))?;
        let mut state = self.0.borrow_mut();
        for outcome in followed {
            match outcome {
                Ok(head) => state.subscribe(id, head, None),
                // The user's list may name a room that no longer exists.
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let changes = state.connection(id).and_then(|connection| connection.changes.take()).unwrap_or_default();
        drop(state);
        for change in changes {
            match change {
                RoomChange::Joined(room, ..) if self.is_subscribed(id, room) => {}
                RoomChange::Joined(room, since, since_ms) => {
                    self.join(id, Backlog { since_ms, ..Backlog::behind(room, since.previous()) });
                }
                RoomChange::Left(room) => self.0.borrow_mut().unsubscribe(id, room),
            }
        }
        Ok(())
    }

    /// Subscribes a connection to the room of a backlog, and then brings it what it misses.
    fn join(&self, id: ConnectionId, backlog: Backlog) {
        let room = backlog.room;
        match self.0.borrow_mut().connection(id) {
            Some(connection) if !connection.joining.contains(&room) => connection.joining.push(room),
            _ => return,
        }
        let hub = self.clone();
        spawn_local(async move {
            let pending = PendingSubscription::new(&hub, room);
            let head = pending.follow().await;
            {
                let mut state = hub.0.borrow_mut();
                let is_wanted = state.connection(id).is_some_and(|connection| connection.cancel_joining(room));
                match head {
                    Ok(head) if is_wanted => state.subscribe(id, head, Some(backlog)),
                    Ok(_) => {}
                    Err(error) => debug!(room.id = %room, %error, "could not subscribe a connection to a room"),
                }
            }
            drop(pending);
            hub.catch_up(id);
        });
    }

    pub(super) fn handle_user_event(&self, event: &UserEvent) {
        match event {
            UserEvent::Joined { user, room, since } => self.user_joined(*user, *room, *since),
            UserEvent::Left { user, room } => self.0.borrow_mut().user_left(*user, *room),
            UserEvent::Presence { user, is_online, rooms_and_name } => {
                let is_here = self.0.borrow().users.contains_key(user);
                self.0.borrow_mut().gather_presence(*user, *is_online || is_here, rooms_and_name);
                if is_here && !is_online {
                    self.correct_presence(*user, rooms_and_name.clone());
                }
            }
            UserEvent::Revoked { .. } | UserEvent::Renamed { .. } => {}
        }
    }

    /// Announces that a user is online after another node announced the opposite.
    fn correct_presence(&self, user: UserId, rooms_and_name: String) {
        let store = self.0.borrow().store.clone();
        spawn_local(async move {
            if let Err(error) = store.announce_presence(user, true, rooms_and_name).await {
                debug!(user.id = %user, %error, "could not announce that a user is online");
            }
        });
    }

    fn user_joined(&self, user: UserId, room: RoomId, since: Seq) {
        let ids = self.0.borrow_mut().note_change(user, RoomChange::Joined(room, since, 0));
        for id in ids.into_iter().filter(|id| !self.is_subscribed(*id, room)) {
            self.join(id, Backlog::behind(room, since.previous()));
        }
    }

    /// The users with a connection of this worker.
    pub(super) fn users(&self) -> Vec<UserId> {
        self.0.borrow().users.keys().copied().collect()
    }

    /// A user's connections and the rooms to which each is subscribed.
    pub(super) fn subscriptions_of(&self, user: UserId) -> Vec<(ConnectionId, Vec<RoomId>)> {
        let ids = self.0.borrow().connections_of(user);
        ids.into_iter().map(|id| (id, self.rooms(id))).collect()
    }

    /// Makes a user's subscriptions agree with their rooms as just read. `before` is [`Self::subscriptions_of`] from
    /// before the reading: what has changed since is newer than what was read. Messages of rooms that are new are sent
    /// from `since_ms` on.
    pub(super) fn reconcile(&self, before: &[(ConnectionId, Vec<RoomId>)], rooms: &[RoomId], since_ms: u64) {
        for (id, before) in before {
            for room in before.iter().filter(|room| !rooms.contains(room)) {
                self.0.borrow_mut().unsubscribe(*id, *room);
            }
            for room in rooms.iter().filter(|room| !before.contains(room)) {
                let mut state = self.0.borrow_mut();
                if let Some(changes) = state.connection(*id).and_then(|connection| connection.changes.as_mut()) {
                    changes.push(RoomChange::Joined(*room, Seq(1), since_ms));
                    continue;
                }
                drop(state);
                if !self.is_subscribed(*id, *room) {
                    self.join(*id, Backlog { since_ms, ..Backlog::behind(*room, Seq(0)) });
                }
            }
        }
    }
}

/// A room to which a connection is about to be subscribed. The room is followed for as long as this lives, even if the
/// connection ends first.
struct PendingSubscription {
    hub: Hub,
    room: RoomId,
}

impl PendingSubscription {
    fn new(hub: &Hub, room: RoomId) -> Self {
        *hub.0.borrow_mut().pending.entry(room).or_default() += 1;
        Self { hub: hub.clone(), room }
    }

    async fn follow(&self) -> Result<RoomHead> {
        let (followed_rooms, worker) = {
            let state = self.hub.0.borrow();
            (state.followed_rooms.clone(), state.worker)
        };
        followed_rooms.follow(self.room, worker).await
    }
}

impl Drop for PendingSubscription {
    fn drop(&mut self) {
        self.hub.0.borrow_mut().end_pending(self.room);
    }
}

impl HubState {
    /// Notes a change of membership with those connections of a user whose rooms are being read. Returns the others.
    fn note_change(&mut self, user: UserId, change: RoomChange) -> Vec<ConnectionId> {
        let mut ready = self.connections_of(user);
        ready.retain(|id| match self.connection(*id).and_then(|connection| connection.changes.as_mut()) {
            Some(changes) => {
                changes.push(change);
                false
            }
            None => true,
        });
        ready
    }

    fn subscribe(&mut self, id: ConnectionId, head: RoomHead, backlog: Option<Backlog>) {
        let is_new = self.connection(id).is_some_and(|connection| !connection.rooms.contains(&head.id));
        if !is_new {
            return;
        }
        // Messages queued earlier were not delivered to this connection.
        if self.rooms.get(&head.id).is_some_and(|room| room.unrecorded.is_some()) {
            self.record_now(head.id);
        }
        if let Some(connection) = self.connection(id) {
            connection.rooms.push(head.id);
            connection.backlogs.extend(backlog);
        }
        self.rooms.entry(head.id).or_insert_with(|| Room::new(head)).connections.push(id.slot);
    }

    pub(super) fn unsubscribe(&mut self, id: ConnectionId, room: RoomId) {
        if let Some(connection) = self.connection(id) {
            connection.cancel_joining(room);
            connection.rooms.retain(|other| *other != room);
            connection.backlogs.retain(|backlog| backlog.room != room);
            self.remove_from_room(id.slot, room);
        }
    }

    pub(super) fn remove_from_room(&mut self, slot: usize, id: RoomId) {
        // Messages queued so far count as delivered to the connection that leaves.
        self.record_now(id);
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if let Some(index) = room.connections.iter().position(|other| *other == slot) {
            room.connections.swap_remove(index);
        }
        self.unfollow_if_unused(id);
    }

    /// Stops following a room without subscribed connections, unless one is about to subscribe.
    fn unfollow_if_unused(&mut self, id: RoomId) {
        let is_empty = self.rooms.get(&id).is_none_or(|room| room.connections.is_empty());
        if is_empty && !self.pending.contains_key(&id) {
            self.rooms.remove(&id);
            self.followed_rooms.unfollow(id, self.worker);
        }
    }

    fn end_pending(&mut self, room: RoomId) {
        if let Some(count) = self.pending.get_mut(&room) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(&room);
                self.unfollow_if_unused(room);
            }
        }
    }

    pub(super) fn user_left(&mut self, user: UserId, room: RoomId) {
        for id in self.note_change(user, RoomChange::Left(room)) {
            self.unsubscribe(id, room);
        }
    }

    /// Subscribes a new member's connections, so that they receive the message that announces it.
    pub(super) fn admit(&mut self, user: &UserRef, head: RoomHead) {
        for id in self.connections_of(user.id) {
            let is_known = self.connection(id).is_some_and(|connection| connection.changes.is_none());
            if is_known && self.rooms.contains_key(&head.id) {
                self.subscribe(id, head, None);
            }
        }
    }
}
