//! Recording which messages were delivered: at once after a quiet moment, gathered while messages keep coming.

use std::time::{Duration, Instant};

use tokio::task::spawn_local;
use tracing::debug;

use super::hub::{Hub, HubState, Room};
use crate::domain::{RoomId, Seq, UserId};
use crate::store::Store;

/// While messages keep coming, a room's deliveries are recorded this often.
const RECORD_EVERY: Duration = Duration::from_millis(300);
/// Pause before a room that was too large for receipts is tried again.
const RETRY_LARGE_ROOM: Duration = Duration::from_secs(60);

/// A run of messages that was delivered to some users.
pub(super) struct Delivered {
    store: Store,
    room: RoomId,
    first: Seq,
    last: Seq,
    users: Vec<UserId>,
}

impl Delivered {
    pub(super) fn to_one(store: Store, room: RoomId, (first, last): (Seq, Seq), user: UserId) -> Self {
        Self { store, room, first, last, users: vec![user] }
    }

    /// Records the run. Returns whether the room is small enough for receipts. Best effort: what fails here is not
    /// recorded later, although it was delivered.
    pub(super) async fn record(self) -> bool {
        match self.store.mark_delivered(self.room, self.first, self.last, &self.users).await {
            Ok(is_small) => is_small,
            Err(error) => {
                debug!(room.id = %self.room, %error, "could not record deliveries");
                true
            }
        }
    }
}

impl Hub {
    /// Starts recording in rooms with messages that are not recorded as delivered yet.
    pub(super) fn record_deliveries(&self) {
        let rooms = std::mem::take(&mut self.0.borrow_mut().unrecorded);
        for room in rooms {
            if let Some(room) = self.0.borrow_mut().rooms.get_mut(&room) {
                room.is_recording = true;
            }
            spawn_local(keep_recording(self.clone(), room));
        }
    }

    /// Records what was delivered in a room so far, and returns when that is done.
    pub async fn settle(&self, room: RoomId) {
        let delivered = self.0.borrow_mut().take_unrecorded(room);
        if let Some(delivered) = delivered {
            delivered.record().await;
        }
    }
}

async fn keep_recording(hub: Hub, id: RoomId) {
    loop {
        let delivered = hub.0.borrow_mut().take_unrecorded(id);
        let is_small = match delivered {
            Some(delivered) => delivered.record().await,
            None => true,
        };
        if !is_small && let Some(room) = hub.0.borrow_mut().rooms.get_mut(&id) {
            room.too_large_until = Some(Instant::now() + RETRY_LARGE_ROOM);
        }
        tokio::time::sleep(RECORD_EVERY).await;
        let mut state = hub.0.borrow_mut();
        let Some(room) = state.rooms.get_mut(&id) else { return };
        if room.unrecorded.is_none() {
            room.is_recording = false;
            return;
        }
    }
}

impl Room {
    fn keeps_receipts(&self) -> bool {
        self.head.id != RoomId::GLOBAL && self.too_large_until.is_none_or(|until| until <= Instant::now())
    }
}

impl HubState {
    /// What is to be recorded of a room; `None` in one that is too large for receipts. Connections with a backlog are
    /// left out: catching up records what it delivers.
    fn take_unrecorded(&mut self, id: RoomId) -> Option<Delivered> {
        let room = self.rooms.get_mut(&id)?;
        let (first, last) = room.unrecorded.take()?;
        if !room.keeps_receipts() {
            return None;
        }
        let connections = room.connections.iter().filter_map(|slot| self.connections.get(*slot));
        let mut users: Vec<UserId> =
            connections.filter(|connection| !connection.has_backlog(id)).map(|connection| connection.user).collect();
        users.sort_unstable();
        users.dedup();
        let store = self.store.clone();
        (!users.is_empty()).then_some(Delivered { store, room: id, first, last, users })
    }

    /// Records what users received in a room before a message that found no room in their queues.
    pub(super) fn record_before(&self, id: RoomId, message: Seq, users: Vec<UserId>) {
        let Some(room) = self.rooms.get(&id).filter(|room| room.keeps_receipts()) else { return };
        let Some((first, _)) = room.unrecorded.filter(|(first, _)| *first < message) else { return };
        let last = message.previous();
        spawn_local(Delivered { store: self.store.clone(), room: id, first, last, users }.record());
    }

    /// Records what was delivered in a room before the set of its connections changes.
    pub(super) fn record_now(&mut self, room: RoomId) {
        if let Some(delivered) = self.take_unrecorded(room) {
            spawn_local(delivered.record());
        }
    }
}
