//! Direct rooms: each pair of users has one, to which a key of the pair points.

use redis::Pipeline;

use super::Store;
use super::joins::Join;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use super::rooms::Making;
use super::stored::{RoomEntry, parse_pair};
use crate::domain::{Error, Result, RoomId, RoomKind, Seq, UserId};

impl Store {
    /// Finds the direct room of two users.
    pub async fn direct_room(&self, one: UserId, other: UserId) -> Result<Option<RoomId>> {
        let (low, high) = (one.min(other), one.max(other));
        if let Some(room) = self.direct_rooms.get(&(low, high)) {
            return Ok(Some(room));
        }
        let room = self.pointed_room(low, high).await?.filter(|(_, is_theirs)| *is_theirs).map(|(room, _)| room);
        if let Some(room) = room {
            // Once per node and pair, which repairs the lists if a node crashed while it created the room. Sockets that
            // missed the announcement then receive the whole room; the others are subscribed already.
            self.note_direct(room, (low, high), &[]).await?;
            self.direct_rooms.insert((low, high), room);
        }
        Ok(room)
    }

    /// The room to which the key of a pair points, and whether it is theirs: it may be lost, or have been given twice.
    pub(super) async fn pointed_room(&self, low: UserId, high: UserId) -> Result<Option<(RoomId, bool)>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.keys.direct(low, high));
        let number: Option<u32> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let Some(room) = number.and_then(RoomId::new) else { return Ok(None) };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGET").arg(self.keys.room(room).room).arg("pair");
        let pair: Option<String> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(Some((room, pair.as_deref().and_then(parse_pair) == Some((low, high)))))
    }

    /// Finds the direct room of two users, or creates it, as one of those that the caller creates in a day if it
    /// `is_counted`. The room is created before the pair's key points to it; when two nodes create it at once, one of
    /// the rooms is removed again.
    ///
    /// # Errors
    /// `UserNotFound`; `Blocked` when they have no room yet and the other user blocks the caller; `TooManyRooms`;
    /// `RateLimited` when the caller has created too many today.
    pub async fn open_direct(&self, caller: UserId, other: UserId, is_counted: bool) -> Result<RoomId> {
        if let Some(room) = self.direct_room(caller, other).await? {
            return Ok(room);
        }
        let (low, high) = (caller.min(other), caller.max(other));
        self.user(other).await?;
        if self.has_blocked(other, caller).await? {
            return Err(Error::Blocked);
        }
        let pair = format!("{low}:{high}");
        let making = Making { pair: &pair, members: &[low, high], ..Making::default() };
        let (room, _, joins) = self.make_next(RoomKind::Direct, &making, is_counted.then_some(caller)).await?;
        if !self.claim_pair(low, high, room).await? {
            self.abandon_joins(&joins, &Error::DirectRoom).await;
            let keys = self.keys.room(room);
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("DEL").arg(keys.room).arg(keys.members);
            self.connection.run(&pipeline).await?;
            return self.direct_room(low, high).await?.ok_or(Error::RoomNotFound);
        }
        self.note_direct(room, (low, high), &joins).await?;
        self.direct_rooms.insert((low, high), room);
        Ok(room)
    }

    /// Makes the key of a pair point to a room, unless it points to another room of theirs. Returns whether it does.
    async fn claim_pair(&self, low: UserId, high: UserId, room: RoomId) -> Result<bool> {
        let key = self.keys.direct(low, high);
        if self.point(&key, room, None).await? {
            return Ok(true);
        }
        match self.pointed_room(low, high).await? {
            Some((_, true)) | None => Ok(false),
            Some((stale, false)) => self.point(&key, room, Some(stale)).await,
        }
    }

    async fn point(&self, key: &str, room: RoomId, stale: Option<RoomId>) -> Result<bool> {
        let args = [Arg::Number(room.number().into()), Arg::Number(stale.map_or(0, RoomId::number).into())];
        let call = Call { script: &scripts::POINT, keys: &[key], args: &args };
        reply::read(self.writer.run_script(&call, &[]).await?.0)
    }

    /// Lists a room with its users, corrects its copies of their blocks, announces it to their sockets, and ends its
    /// joins.
    async fn note_direct(&self, room: RoomId, (low, high): (UserId, UserId), joins: &[Join]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(4);
        for (user, other) in [(low, high), (high, low)] {
            let entry = RoomEntry { room, kind: RoomKind::Direct, other: Some(other) };
            self.note_joined(&mut pipeline, entry, user, Seq(1));
        }
        let mut asking = Pipeline::with_capacity(7);
        for join in joins {
            self.forget_join(&mut asking, join);
        }
        let noted = pipeline.len() + asking.len();
        self.ask_copies(&mut asking, room, (low, high));
        let mut replies = self.connection.run_in_order(pipeline, &asking).await?.into_iter().skip(noted);
        self.correct_copies(room, (low, high), &mut replies).await
    }

    /// Drops a direct room that Redis has lost.
    pub fn forget_direct(&self, one: UserId, other: UserId) {
        self.direct_rooms.invalidate(&(one.min(other), one.max(other)));
    }
}
