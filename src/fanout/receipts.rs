//! Delivery receipts. The first delivery of a room is recorded at once; later ones are batched.

use std::time::{Duration, Instant};

use tokio::task::spawn_local;
use tracing::debug;

use super::hub::{Hub, HubState, Room};
use crate::domain::{RoomId, Seq, UserId};
use crate::store::Store;

/// Interval between batches of a room's deliveries.
const RECORD_EVERY: Duration = Duration::from_millis(300);
/// Pause before a room that was too large for receipts is checked again.
const RETRY_LARGE_ROOM: Duration = Duration::from_secs(60);

/// A range of messages that was delivered to some users.
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

    /// Records the range. Returns whether the room is small enough for receipts. Best effort: a failed recording is not
    /// repeated.
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
    /// Starts to record deliveries in the rooms that have unrecorded ones.
    pub(super) fn record_deliveries(&self) {
        let rooms = std::mem::take(&mut self.0.borrow_mut().unrecorded);
        for room in rooms {
            if let Some(room) = self.0.borrow_mut().rooms.get_mut(&room) {
                room.is_recording = true;
            }
            spawn_local(keep_recording(self.clone(), room));
        }
    }

    /// Records all deliveries of a room so far, and waits until that is done.
    pub async fn settle(&self, room: RoomId) {
        let delivered = self.0.borrow_mut().take_unrecorded(room);
        if let Some(delivered) = delivered {
            delivered.record().await;
        }
    }
}

/// Records a room's deliveries in batches until there are none left.
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
    /// Takes the unrecorded deliveries of a room; `None` when there are none, or when the room is too large for
    /// receipts. Skips connections with a backlog: catching up records its own deliveries.
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

    /// Records what users received before a message that their queues rejected.
    pub(super) fn record_before(&self, id: RoomId, message: Seq, users: Vec<UserId>) {
        let Some(room) = self.rooms.get(&id).filter(|room| room.keeps_receipts()) else { return };
        let Some((first, _)) = room.unrecorded.filter(|(first, _)| *first < message) else { return };
        let last = message.previous();
        spawn_local(Delivered { store: self.store.clone(), room: id, first, last, users }.record());
    }

    /// Records a room's deliveries before the set of its connections changes.
    pub(super) fn record_now(&mut self, room: RoomId) {
        if let Some(delivered) = self.take_unrecorded(room) {
            spawn_local(delivered.record());
        }
    }
}
