//! Gap repair: reads what a followed room is missing, and finds out whether Redis has lost what was delivered.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{debug, warn};

use super::followed_rooms::{FollowedRoom, FollowedRooms};
use super::worker_queue::WorkerEvent;
use crate::domain::{EntryId, Kind, Limit, Result, RoomHead, RoomId, Tail, TailQuery, Watermark};
use crate::metrics::Count;

/// Entries read at once to fill a gap.
const GAP_PAGE: Limit = Limit::of(1000);
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Clocks of nodes and Redis may differ, and a lost amendment or read mark may be older than the loss.
const LOSS_OVERLAP_MS: u64 = 60_000;

/// What a node has of a room when a reading begins.
struct Position {
    /// The last entries that were delivered.
    known: Vec<EntryId>,
    /// How far the room had come.
    last: EntryId,
    /// The time from which on amendments may be missing.
    amended_since_ms: u64,
    /// The time from which on read marks may be missing, if any.
    marks_since_ms: Option<u64>,
}

/// What a reading found.
enum Found {
    State(RoomHead, Watermark),
    Tail(Tail),
}

impl FollowedRooms {
    /// Reads what was missed in a room until nothing is missing or the reading is void.
    pub(super) async fn read(self, room: RoomId, reading: u64) {
        loop {
            let Some(position) = self.reading_from(room, reading) else { return };
            let found = match position {
                Some(position) => self.read_tail(room, &position).await.map(Found::Tail),
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
                    debug!(room.id = %room, %error, "could not read a room, trying again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Reads what a room has behind a position. When Redis has lost what was delivered, raises the room's seq first, so
    /// that messages to come do not get the ids of the lost ones.
    async fn read_tail(&self, room: RoomId, position: &Position) -> Result<Tail> {
        let Position { known, last, amended_since_ms, marks_since_ms } = position;
        let (amended_since_ms, marks_since_ms) = (*amended_since_ms, *marks_since_ms);
        let query = TailQuery { room, known, limit: GAP_PAGE, amended_since_ms, marks_since_ms };
        let tail = self.0.store.tail(query).await?;
        if tail.rewound_to.is_none() || tail.watermark.last.seq > last.seq {
            return Ok(tail);
        }
        if !self.0.is_rewind_logged.swap(true, Ordering::AcqRel) {
            warn!("Redis came back without messages that were delivered; clients are told to fetch their rooms");
        }
        debug!(room.id = %room, message.id = %last, "messages of a room were lost");
        self.0.store.raise_seq(room, *last).await?;
        self.0.store.tail(query).await
    }

    /// The position from which to read, or `Some(None)` for the present; `None` when this reading is void.
    fn reading_from(&self, room: RoomId, reading: u64) -> Option<Option<Position>> {
        let rooms = self.0.rooms.lock().expect("no panic while held");
        let followed = rooms.get(&room).filter(|followed| followed.reading == reading)?;
        let Some((known, last)) = followed.sequencer.known().zip(followed.sequencer.last()) else { return Some(None) };
        let amended_since_ms = self.lost_since_ms(followed);
        let lost_at_ms = followed.lost_at_ms.filter(|_| room != RoomId::GLOBAL && !followed.workers.is_empty());
        let marks_since_ms = lost_at_ms.map(|at_ms| at_ms.saturating_sub(LOSS_OVERLAP_MS));
        Some(Some(Position { known, last, amended_since_ms, marks_since_ms }))
    }

    /// The time from which on events of a room may be missing.
    fn lost_since_ms(&self, followed: &FollowedRoom) -> u64 {
        followed.lost_at_ms.unwrap_or_else(|| self.0.store.now_ms()).saturating_sub(LOSS_OVERLAP_MS)
    }

    /// Delivers what was read. Returns `true` when more must be read.
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
                let since_ms = self.lost_since_ms(followed);
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
        if needs_more {
            return true;
        }
        followed.lost_at_ms = None;
        if let Some(head) = followed.head {
            for waiting in followed.waiting.drain(..) {
                // The receiver may have given up.
                drop(waiting.send(Ok(head)));
            }
        }
        false
    }

    /// Removes a room that does not exist, which fails those that wait for it. Returns `false` when connections are
    /// subscribed to it: Redis came back without the room, and the room may come back as well.
    fn forget(&self, room: RoomId, reading: u64) -> bool {
        let mut rooms = self.0.rooms.lock().expect("no panic while held");
        let Some(followed) = rooms.get_mut(&room).filter(|followed| followed.reading == reading) else { return true };
        if followed.head.is_some() && !followed.workers.is_empty() {
            return false;
        }
        self.0.tails.drop_tail(room);
        self.0.subscriber.unsubscribe(room);
        rooms.remove(&room);
        true
    }
}
