//! Who may read a room, checked before anything of it is read: refusing a closed room of others then takes as long as
//! refusing a missing one, and nobody learns from the time that the room exists.
//!
//! A node caches whom it has admitted, so that this takes a round trip of its own only once. What is read says again
//! whether the caller is a member, so the cache grants nothing.

use moka::sync::Cache;
use redis::Pipeline;

use super::Store;
use super::redis::reply::{self, is_absent, next};
use super::stored::kind_of;
use crate::domain::{Error, Result, RoomId, RoomKind, UserId};

/// Maximum number of readers that a node caches.
const MAX_READERS: u64 = 100_000;

/// The rooms that everyone may read, and readers of other rooms.
#[derive(Clone)]
pub(super) struct Readers(Cache<(RoomId, Option<UserId>), ()>);

impl Default for Readers {
    fn default() -> Self {
        Self(Cache::new(MAX_READERS))
    }
}

impl Readers {
    fn has(&self, room: RoomId, user: UserId) -> bool {
        room == RoomId::GLOBAL || self.0.contains_key(&(room, None)) || self.0.contains_key(&(room, Some(user)))
    }

    /// Drops a reader whom a room has refused since.
    pub(super) fn forget(&self, room: RoomId, user: UserId) {
        self.0.invalidate(&(room, Some(user)));
        self.0.invalidate(&(room, None));
    }
}

impl Store {
    /// Checks that a user may know of a room.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub(super) async fn admit_reader(&self, room: RoomId, user: UserId) -> Result<()> {
        if self.readers.has(room, user) {
            return Ok(());
        }
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGET").arg(&keys.room).arg("kind");
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(user.0);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let kind: Option<String> = reply::read(next(&mut replies)?)?;
        let is_member = !is_absent(&next(&mut replies)?);
        let reader = match kind_of(&kind.ok_or(Error::RoomNotFound)?)? {
            RoomKind::Public => None,
            RoomKind::Group | RoomKind::Direct if is_member => Some(user),
            RoomKind::Group | RoomKind::Direct => return Err(Error::RoomNotFound),
        };
        self.readers.0.insert((room, reader), ());
        Ok(())
    }
}
