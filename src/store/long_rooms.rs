//! Rooms whose messages are long. A page of them is read on the connection for long lists, where it delays no other
//! call.

use std::time::Duration;

use moka::sync::Cache;
use redis::{Pipeline, Value};

use super::{LONG_LIST, Store};
use crate::domain::{Result, RoomId};

/// Bytes of what is read at once from which a room has long messages.
const LONG_PIECE_BYTES: usize = 128 * 1024;
/// Fewer entries are never long.
const FEW_ENTRIES: usize = 5;
/// How many rooms a node records, and for how long after a long page.
const MAX_ROOMS: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_secs(60);

/// The rooms that had a long page lately.
#[derive(Clone)]
pub(super) struct LongRooms(Cache<RoomId, ()>);

impl Default for LongRooms {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_ROOMS).time_to_live(REMEMBERED).build())
    }
}

impl LongRooms {
    /// Records the bytes of messages that were read from a room at once.
    pub(super) fn note(&self, room: RoomId, bytes: usize) {
        if bytes > LONG_PIECE_BYTES {
            self.0.insert(room, ());
        }
    }
}

impl Store {
    /// Runs a pipeline whose replies have up to `count` messages of a room.
    pub(super) async fn run_page(&self, room: RoomId, pipeline: &Pipeline, count: usize) -> Result<Vec<Value>> {
        let short = if self.long_rooms.0.contains_key(&room) { FEW_ENTRIES } else { LONG_LIST };
        let (connection, _turn) = self.connection_for(count, short).await?;
        connection.run(pipeline).await
    }
}
