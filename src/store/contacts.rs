//! Whom a user blocks, and whom a user knows.
//!
//! The set of the user who blocks decides. A direct room has a copy in its hash, which the script that stores
//! messages reads together with the rest, so that blocks cost sends nothing. Set and room are in different slots. The
//! set is written first and the copy made from it, by the call that changes the set and by each node when it first uses
//! the room of a pair; each reads the set again after its write, hence the last copy is right.

use std::collections::HashSet;

use redis::{Pipeline, Value};

use super::Store;
use super::redis::reply::{self, is_absent, next};
use super::redis::scripts::{self, Arg, Call};
use super::stored::RoomEntry;
use crate::domain::{Error, Result, RoomId, RoomKind, UserId, UserRef};

/// Maximum number of users whom one user may block.
const MAX_BLOCKED: u64 = 1000;

impl Store {
    /// Makes `user` block or unblock `other`. Repeating a change that ended half-way finishes it.
    ///
    /// # Errors
    /// `TooManyBlocked`.
    pub async fn set_blocked(&self, user: UserId, other: UserId, is_blocked: bool) -> Result<()> {
        let blocks = self.keys.blocks(user);
        if is_blocked {
            let args = [Arg::Number(other.0), Arg::Number(self.now_ms()), Arg::Number(MAX_BLOCKED)];
            let call = Call { script: &scripts::BLOCK, keys: &[&blocks], args: &args };
            if !reply::read::<bool>(self.writer.run_script(&call, &[]).await?.0)? {
                return Err(Error::TooManyBlocked);
            }
        } else {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("ZREM").arg(&blocks).arg(other.0);
            self.writer.run(&pipeline).await?;
        }
        let (low, high) = (user.min(other), user.max(other));
        match self.pointed_room(low, high).await? {
            Some((room, true)) => self.copy_block(room, user, other, is_blocked).await,
            Some((_, false)) | None => Ok(()),
        }
    }

    /// The users whom a user blocks, in the order of blocking.
    pub async fn blocked_by(&self, user: UserId) -> Result<Vec<UserRef>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.blocks(user)).arg(0).arg(-1);
        let users: Vec<u64> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        self.names(&users.into_iter().map(UserId).collect::<Vec<_>>()).await
    }

    /// Whether `user` blocks `other`.
    pub async fn has_blocked(&self, user: UserId, other: UserId) -> Result<bool> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(self.ask_block(user, other));
        Ok(!is_absent(&next(&mut self.connection.run(&pipeline).await?.into_iter())?))
    }

    /// The command whose reply is absent unless `user` blocks `other`.
    fn ask_block(&self, user: UserId, other: UserId) -> redis::Cmd {
        let mut command = redis::cmd("ZSCORE");
        command.arg(self.keys.blocks(user)).arg(other.0);
        command
    }

    /// Records in their direct room whether `user` blocks `other`.
    async fn copy_block(&self, room: RoomId, user: UserId, other: UserId, mut is_blocked: bool) -> Result<()> {
        let key = self.keys.room(room).room;
        let pair = format!("{}:{}", user.min(other), user.max(other));
        loop {
            let args = [Arg::Text(&pair), Arg::Number(other.0), Arg::Number(is_blocked.into())];
            let call = Call { script: &scripts::COPY_BLOCK, keys: &[&key], args: &args };
            let (_, rest) = self.writer.run_script(&call, &[self.ask_block(user, other)]).await?;
            let found = !is_absent(&next(&mut rest.into_iter())?);
            if found == is_blocked {
                return Ok(());
            }
            is_blocked = found;
        }
    }

    /// Adds the commands whose replies [`Self::correct_copies`] reads.
    pub(super) fn ask_copies(&self, pipeline: &mut Pipeline, room: RoomId, (low, high): (UserId, UserId)) {
        pipeline.add_command(self.ask_block(low, high));
        pipeline.add_command(self.ask_block(high, low));
        let fields = [format!("blocked:{high}"), format!("blocked:{low}")];
        pipeline.cmd("HMGET").arg(self.keys.room(room).room).arg(&fields);
    }

    /// Copies the blocks of two users into their direct room where the copies differ.
    pub(super) async fn correct_copies(
        &self,
        room: RoomId,
        (low, high): (UserId, UserId),
        replies: &mut impl Iterator<Item = Value>,
    ) -> Result<()> {
        let blocks = [!is_absent(&next(replies)?), !is_absent(&next(replies)?)];
        let copies: [Option<String>; 2] = reply::read(next(replies)?)?;
        for ((user, other), (is_blocked, copy)) in
            [(low, high), (high, low)].into_iter().zip(blocks.into_iter().zip(copies))
        {
            if copy.is_some() != is_blocked {
                self.copy_block(room, user, other, is_blocked).await?;
            }
        }
        Ok(())
    }

    /// Whether two users share a room: a group, a public room other than the global one, or the direct room in which
    /// `user` has written. Anybody can open the latter.
    pub async fn share_room(&self, user: UserId, other: UserId) -> Result<bool> {
        let theirs: HashSet<RoomId> = self.rooms_of(other).await?.iter().map(|entry| entry.room).collect();
        let is_shared = |entry: &RoomEntry| entry.room != RoomId::GLOBAL && theirs.contains(&entry.room);
        let own = self.rooms_of(user).await?;
        if own.iter().any(|entry| entry.kind != RoomKind::Direct && is_shared(entry)) {
            return Ok(true);
        }
        let Some(direct) = own.iter().find(|entry| entry.other == Some(other)) else { return Ok(false) };
        Ok(self.senders(direct.room).await?.include(user))
    }
}
