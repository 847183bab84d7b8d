//! Which connections are subscribed to which rooms: when a connection opens, when memberships change, and after events
//! about memberships may have been lost.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::spawn_local;
use tracing::debug;

use super::backlog::{Backlog, Joining, RoomChange};
use super::connection::ConnectionId;
use super::hub::{Hub, HubState, Room};
use super::pending_subscription::{PendingSubscription, follow_all};
use crate::domain::{EntryId, Error, Event, OwnEvent, Result, RoomEvent, RoomHead, RoomId, Seq, UserId};
use crate::store::{RoomEntry, UserEvent};

/// Rooms that a new connection follows at once.
const FOLLOWED_AT_ONCE: usize = 100;
/// Pause before a membership that could not be read is read again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How long to wait for the room's own event about a removal.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(10);

impl Hub {
    /// Subscribes a new connection to its user's rooms, and returns them. Once this returns, every message of these rooms
    /// reaches it.
    ///
    /// The memberships are read when the events of the rooms arrive already. So a change after that read, and no other,
    /// arrives as an event.
    ///
    /// Rooms whose shard is unavailable follow as soon as it is back.
    ///
    /// # Errors
    /// `Unavailable` when a room's events do not arrive from the only server.
    pub async fn subscribe_all(&self, id: ConnectionId, user: UserId) -> Result<Vec<RoomEntry>> {
        let store = self.0.borrow().store.clone();
        let hints = store.room_hints(user).await?;
        let pending: Vec<PendingSubscription> =
            hints.rooms().map(|room| PendingSubscription::new(self, room)).collect();
        let mut heads = Vec::with_capacity(pending.len());
        // In pieces, so that other handshakes are served in between.
        let mut late = Vec::new();
        for some in pending.chunks(FOLLOWED_AT_ONCE) {
            let (followed, unfollowed) = follow_all(some).await;
            heads.extend(followed?);
            late.extend(unfollowed);
        }
        if !late.is_empty() && !store.has_shards() {
            return Err(Error::Unavailable("events of rooms do not arrive".into()));
        }
        let (rooms, unknown) = store.confirm_rooms(&hints).await?;
        late.extend(unknown);
        let mut state = self.0.borrow_mut();
        let confirmed: HashSet<RoomId> = rooms.iter().map(|entry| entry.room).collect();
        for head in heads.into_iter().filter(|head| confirmed.contains(&head.id)) {
            state.subscribe(id, head, None);
        }
        let changes = state.connection(id).and_then(|connection| connection.changes.take()).unwrap_or_default();
        drop(state);
        for room in late {
            self.join(id, Backlog::of_member(room, None));
        }
        for change in changes {
            match change {
                RoomChange::Joined(room, _) if self.is_subscribed(id, room) => {}
                RoomChange::Joined(room, since) => self.join(id, Backlog::of_member(room, since)),
                RoomChange::Left(room) => self.leave(id, room),
            }
        }
        Ok(rooms)
    }

    /// Subscribes a connection to the room of a backlog if the user is a member, and then sends it what it has missed
    /// since. Checks again if that is in progress already.
    fn join(&self, id: ConnectionId, backlog: Backlog) {
        let room = backlog.room;
        let user = match self.0.borrow_mut().connection(id) {
            None => return,
            Some(connection) => match connection.joining(room) {
                Some(joining) => {
                    joining.is_outdated = true;
                    return;
                }
                None => {
                    connection.joining.push(Joining { backlog, is_outdated: false });
                    connection.user
                }
            },
        };
        let hub = self.clone();
        spawn_local(async move {
            let pending = PendingSubscription::new(&hub, room);
            while let Some(answer) = pending.ask_membership(id, user).await {
                match answer {
                    Ok(joined) => hub.0.borrow_mut().finish_joining(id, room, joined),
                    Err(error) => {
                        debug!(room.id = %room, %error, "could not check whether a user is a member, trying again");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
            }
            drop(pending);
            hub.catch_up(id);
        });
    }

    /// Unsubscribes a connection from a room that its user seems to have left, and subscribes it again behind what it has
    /// if the user is still a member: an event about a removal may be older than the user's return.
    fn leave(&self, id: ConnectionId, room: RoomId) {
        let backlog = self.0.borrow_mut().unsubscribe(id, room);
        if let Some(backlog) = backlog {
            self.join(id, backlog);
        }
    }

    pub(super) fn handle_user_event(&self, event: &UserEvent) {
        match event {
            UserEvent::Joined { user, room, since } => self.user_joined(*user, *room, *since),
            UserEvent::Left { user, room } => self.hear_of_removal(*user, *room),
            UserEvent::Presence { user, is_online, rooms_and_name } => {
                let is_here = self.0.borrow().is_here(*user);
                self.0.borrow_mut().gather_presence(*user, *is_online || is_here, rooms_and_name);
                if is_here && !is_online {
                    self.correct_presence(*user, rooms_and_name.clone());
                }
            }
            UserEvent::Revoked { user, .. } | UserEvent::Ended { user, .. } => self.check_user(*user),
            UserEvent::ProfileChanged { user, change, .. } => {
                self.0.borrow_mut().tell_user(*user, &OwnEvent::ProfileChanged(change.clone()));
                self.0.borrow_mut().gather_profile(*user, change.clone());
            }
            UserEvent::SettingsChanged { user, room, settings } => {
                let event = OwnEvent::SettingsChanged { room: *room, settings: *settings };
                self.0.borrow_mut().tell_user(*user, &event);
            }
            UserEvent::Renamed { .. } | UserEvent::Deleted { .. } => {}
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
        let ids = self.0.borrow_mut().note_change(user, RoomChange::Joined(room, Some(since)));
        for id in ids.into_iter().filter(|id| !self.is_subscribed(*id, room)) {
            self.join(id, Backlog::of_member(room, Some(since)));
        }
    }

    /// Handles a removal that a user's own channel announces. In a cluster it may arrive before the room's event about
    /// it, which is the last one that the client must receive: subscribed connections wait for that.
    fn hear_of_removal(&self, user: UserId, room: RoomId) {
        let ids = self.0.borrow_mut().note_change(user, RoomChange::Left(room));
        let (subscribed, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| self.is_subscribed(*id, room));
        for id in others {
            self.leave(id, room);
        }
        if subscribed.is_empty() {
            return;
        }
        let hub = self.clone();
        spawn_local(async move {
            tokio::time::sleep(NOTICE_TIMEOUT).await;
            // Who has become a member again meanwhile is subscribed again at once.
            for id in subscribed.into_iter().filter(|id| hub.is_subscribed(*id, room)) {
                hub.leave(id, room);
            }
        });
    }

    fn user_left(&self, user: UserId, room: RoomId) {
        let ids = self.0.borrow_mut().note_change(user, RoomChange::Left(room));
        for id in ids {
            self.leave(id, room);
        }
    }

    /// Delivers an event of a room, and follows the change of membership that it may report: new members receive the
    /// message that reports it, former members nothing behind it.
    pub(super) fn deliver(&self, event: &RoomEvent) {
        let notice = match &event.what {
            Event::Message(message) => message.notice.as_ref().map(|notice| (notice, message.id.entry.seq)),
            Event::Amended(_)
            | Event::Read(_)
            | Event::Typing(_)
            | Event::Presence(_)
            | Event::RoomChanged { .. }
            | Event::RoomRemoved(_)
            | Event::Rewound(_) => None,
        };
        let Some((notice, seq)) = notice else {
            self.0.borrow_mut().deliver(event);
            if matches!(event.what, Event::RoomRemoved(_)) {
                self.0.borrow_mut().unsubscribe_all(event.room.id);
            }
            return;
        };
        let (user, room) = (notice.user.id, event.room.id);
        if notice.kind.is_member_after() {
            let others = self.0.borrow_mut().admit(user, event.room, seq);
            for id in others {
                self.join(id, Backlog::of_member(room, Some(seq)));
            }
        }
        self.0.borrow_mut().deliver(event);
        if !notice.kind.is_member_after() {
            self.user_left(user, room);
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
    /// before the reading: what has changed since is newer than what was read.
    pub(super) fn reconcile(&self, before: &[(ConnectionId, Vec<RoomId>)], rooms: &[RoomId]) {
        for (id, before) in before {
            for room in before.iter().filter(|room| !rooms.contains(room)) {
                self.leave(*id, *room);
            }
            for room in rooms.iter().filter(|room| !before.contains(room)) {
                let mut state = self.0.borrow_mut();
                if let Some(changes) = state.connection(*id).and_then(|connection| connection.changes.as_mut()) {
                    changes.push(RoomChange::Joined(*room, None));
                    continue;
                }
                drop(state);
                if !self.is_subscribed(*id, *room) {
                    self.join(*id, Backlog::of_member(*room, None));
                }
            }
        }
    }
}

impl HubState {
    /// Records a change of membership with those connections of a user whose rooms are being read. Returns the others.
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
        let Self { rooms, followed_rooms, .. } = self;
        let last = || followed_rooms.last_seen(head.id).unwrap_or(EntryId::START);
        rooms.entry(head.id).or_insert_with(|| Room::new(head, last())).connections.push(id.slot);
    }

    /// Ends joining a room with the time since when the user is a member, if that is so. The connection waits for
    /// another read if the membership has changed meanwhile.
    fn finish_joining(&mut self, id: ConnectionId, room: RoomId, joined: Option<(RoomHead, u64)>) {
        let backlog = self.connection(id).and_then(|connection| connection.end_joining(room));
        if let (Some(backlog), Some((head, since_ms))) = (backlog, joined) {
            self.subscribe(id, head, Some(Backlog { since_ms, ..backlog }));
        }
    }

    /// Unsubscribes a connection from a room. Returns what it misses from then on; `None` when it neither was nor was
    /// about to be subscribed.
    fn unsubscribe(&mut self, id: ConnectionId, room: RoomId) -> Option<Backlog> {
        let last = self.rooms.get(&room).map(|room| room.last);
        let connection = self.connection(id)?;
        if !connection.rooms.contains(&room) {
            return connection.joining(room).map(|_| Backlog::of_member(room, None));
        }
        let backlog = connection.leave(room, last?);
        self.remove_from_room(id.slot, room);
        Some(backlog)
    }

    /// Unsubscribes all connections from a room that was removed.
    fn unsubscribe_all(&mut self, room: RoomId) {
        let slots = self.rooms.get(&room).map(|room| room.connections.clone()).unwrap_or_default();
        for slot in slots {
            let Some(number) = self.connections.get(slot).map(|connection| connection.number) else { continue };
            self.unsubscribe(ConnectionId { slot, number }, room);
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

    pub(super) fn end_pending(&mut self, room: RoomId) {
        if let Some(count) = self.pending.get_mut(&room) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(&room);
                self.unfollow_if_unused(room);
            }
        }
    }

    /// Subscribes a new member's connections, so that they receive the message `seq` that announces it. Returns those
    /// that must follow the room first.
    fn admit(&mut self, user: UserId, head: RoomHead, seq: Seq) -> Vec<ConnectionId> {
        let mut ids = self.note_change(user, RoomChange::Joined(head.id, Some(seq)));
        if self.rooms.contains_key(&head.id) || self.pending.contains_key(&head.id) {
            ids.drain(..).for_each(|id| self.subscribe(id, head, None));
        }
        ids
    }
}
