//! Noting what was delivered: at once after a quiet moment, then gathered.

use std::time::{Duration, Instant};

use tokio::task::spawn_local;
use tracing::debug;

use super::worker::{Hub, HubState, Room};
use crate::domain::{RoomId, Seq, UserId};
use crate::store::Store;

/// While messages keep coming, a room's deliveries are noted this often.
const GATHERED_FOR: Duration = Duration::from_millis(300);
/// A room that was too large is asked about again after this.
const TOO_LARGE_FOR: Duration = Duration::from_secs(60);

/// Deliveries that are to be noted.
pub(super) struct Delivered {
    store: Store,
    room: RoomId,
    first: Seq,
    last: Seq,
    users: Vec<UserId>,
}

impl Delivered {
    pub(super) fn of_one(store: Store, room: RoomId, (first, last): (Seq, Seq), user: UserId) -> Self {
        Self { store, room, first, last, users: vec![user] }
    }

    /// Whether the room is small enough. Best effort: a later note does not cover what this one fails at,
    /// but the messages were delivered all the same.
    pub(super) async fn note(self) -> bool {
        match self.store.mark_delivered(self.room, self.first, self.last, &self.users).await {
            Ok(is_small) => is_small,
            Err(error) => {
                debug!(room.id = %self.room, %error, "could not record delivery");
                true
            }
        }
    }
}

impl Hub {
    /// Notes deliveries of rooms in which messages were handed on.
    pub(super) fn mark_delivered(&self) {
        let rooms = std::mem::take(&mut self.0.borrow_mut().unmarked);
        for room in rooms {
            if let Some(room) = self.0.borrow_mut().rooms.get_mut(&room) {
                room.is_marking = true;
            }
            spawn_local(keep_marking(self.clone(), room));
        }
    }

    /// Notes what was handed on in a room, and returns when it is noted.
    pub async fn settle(&self, room: RoomId) {
        let delivered = self.0.borrow_mut().take_pushed(room);
        if let Some(delivered) = delivered {
            delivered.note().await;
        }
    }
}

async fn keep_marking(hub: Hub, id: RoomId) {
    loop {
        let delivered = hub.0.borrow_mut().take_pushed(id);
        let is_small = match delivered {
            Some(delivered) => delivered.note().await,
            None => true,
        };
        if !is_small && let Some(room) = hub.0.borrow_mut().rooms.get_mut(&id) {
            room.unmarked_until = Some(Instant::now() + TOO_LARGE_FOR);
        }
        tokio::time::sleep(GATHERED_FOR).await;
        let mut state = hub.0.borrow_mut();
        let Some(room) = state.rooms.get_mut(&id) else { return };
        if room.pushed.is_none() {
            room.is_marking = false;
            return;
        }
    }
}

impl Room {
    fn keeps_receipts(&self) -> bool {
        self.head.id != RoomId::GLOBAL && self.unmarked_until.is_none_or(|until| until <= Instant::now())
    }
}

impl HubState {
    /// What is to be noted of a room; nothing in one that is too large.
    fn take_pushed(&mut self, id: RoomId) -> Option<Delivered> {
        let room = self.rooms.get_mut(&id)?;
        let (first, last) = room.pushed.take()?;
        if !room.keeps_receipts() {
            return None;
        }
        let is_behind = |slot: &&usize| {
            self.connections
                .get(**slot)
                .is_some_and(|connection| connection.backlogs.iter().all(|backlog| backlog.room != id))
        };
        let mut users: Vec<UserId> = room
            .connections
            .iter()
            .filter(is_behind)
            .filter_map(|slot| Some(self.connections.get(*slot)?.user))
            .collect();
        users.sort_unstable();
        users.dedup();
        let store = self.store.clone();
        (!users.is_empty()).then_some(Delivered { store, room: id, first, last, users })
    }

    /// Notes what users were handed in a room before a message that found no room in their queues: from there on
    /// they are read to, and that is noted by itself.
    pub(super) fn mark_before(&self, id: RoomId, message: Seq, users: Vec<UserId>) {
        let Some(room) = self.rooms.get(&id).filter(|room| room.keeps_receipts()) else { return };
        let Some((first, _)) = room.pushed.filter(|(first, _)| *first < message) else { return };
        let last = Seq(message.0 - 1);
        spawn_local(Delivered { store: self.store.clone(), room: id, first, last, users }.note());
    }

    /// Notes what was handed on in a room before its connections change.
    pub(super) fn mark_now(&mut self, room: RoomId) {
        if let Some(delivered) = self.take_pushed(room) {
            spawn_local(delivered.note());
        }
    }
}
