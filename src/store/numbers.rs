//! Numbers of users and rooms, each assigned once, whatever Redis loses: a number that was lost with its account or
//! room is skipped, and nothing that exists is overwritten.

use redis::Pipeline;
use tracing::warn;

use super::Store;
use super::continuity::Counter;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Error, Result, RoomId, UserId};

/// Number of times that the step to the next number is doubled while numbers are in use.
const MAX_DOUBLINGS: u32 = 40;
/// Numbers skipped after a backup was restored: it may be days old.
const RESTORED_USERS: u64 = 1_000_000;
const RESTORED_ROOMS: u64 = 100_000;

/// What `Store::restored` has changed.
#[derive(Clone, Copy, Debug)]
pub struct Restored {
    /// The next user has a number above this.
    pub last_user: u64,
    /// The next room has a number above this.
    pub last_room: u64,
}

impl Counter {
    /// Numbers skipped after a break, more than are assigned in the time whose writes a server may lose.
    fn skip(self) -> u64 {
        match self {
            Self::Users => 1_000,
            Self::Rooms => 100,
        }
    }
}

/// Steps to the next numbers to check while each of them is in use: they double, so that a counter that is far back
/// catches up in a few round trips.
pub(super) fn steps() -> impl Iterator<Item = u64> {
    (0..MAX_DOUBLINGS).map(|doublings| 1 << doublings)
}

/// The error when no step of [`steps`] leads to a free number.
pub(super) fn exhausted() -> Error {
    Error::internal("no free number was found")
}

impl Store {
    /// Number of times that this node lost a connection to Redis, left a server or found something missing. What was read
    /// before the last of them must be read again before it is relied on.
    pub fn breaks(&self) -> u64 {
        self.deployment.breaks()
    }

    /// The same as far as it concerns a user's account.
    pub fn breaks_of(&self, user: UserId) -> u64 {
        match self.has_shards() {
            true => self.deployment.breaks_at(&self.keys.user(user)),
            false => self.breaks(),
        }
    }

    /// Records the time at which the global room was created. Another time than before is a break; returns whether it
    /// is.
    pub(super) fn note_founding(&self, at_ms: u64) -> bool {
        let is_another = self.continuity.note_founding(at_ms);
        if is_another {
            self.deployment.note_break();
        }
        is_another
    }

    /// Takes the number that is `step` behind the last one.
    pub(super) async fn next_number(&self, counter: Counter, step: u64) -> Result<u64> {
        let key = self.counter_key(counter);
        let history = self.keys.history(&key);
        let call = Call {
            script: &scripts::NEXT_NUMBER,
            keys: &[&key, &history],
            args: &[
                Arg::Number(step),
                Arg::Number(counter.skip()),
                Arg::Number(self.continuity.highest(counter)),
                Arg::Number(self.continuity.has_noted_history().into()),
            ],
        };
        let (number, has_skipped): (u64, bool) = reply::read(self.writer.run_script(&call, &[]).await?.0)?;
        self.continuity.note_number(counter, number);
        if has_skipped {
            warn!(?counter, number, "Redis may have lost its latest writes, numbers are skipped");
            self.deployment.note_break();
        }
        Ok(number)
    }

    fn counter_key(&self, counter: Counter) -> String {
        match counter {
            Counter::Users => self.keys.user_counter(),
            Counter::Rooms => self.keys.room_counter(),
        }
    }

    /// Records the replication id of the server next to both counters, unless one is recorded. Every node calls it at
    /// its start.
    pub async fn note_history(&self) -> Result<()> {
        let store = self.unreplicated();
        store.next_number(Counter::Users, 0).await?;
        store.next_number(Counter::Rooms, 0).await?;
        self.continuity.note_history();
        Ok(())
    }

    /// Checks that Redis still has what this node has seen. Otherwise raises the counters, creates the global room, and
    /// counts a break. Nodes call it after each connect and every few seconds, because a flush breaks no connection.
    pub async fn check_continuity(&self) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("GET").arg(self.keys.user_counter());
        pipeline.cmd("GET").arg(self.keys.room_counter());
        pipeline.cmd("HGET").arg(self.keys.room(RoomId::GLOBAL).room).arg("created");
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let mut is_missing = false;
        for counter in [Counter::Users, Counter::Rooms] {
            let number = reply::read::<Option<u64>>(next(&mut replies)?)?.unwrap_or(0);
            is_missing |= number < self.continuity.highest(counter);
            self.continuity.note_number(counter, number);
        }
        match reply::read(next(&mut replies)?)? {
            Some(created_at_ms) => is_missing |= self.note_founding(created_at_ms),
            None => {
                self.ensure_global_room().await?;
                is_missing = true;
            }
        }
        if is_missing {
            self.note_history().await?;
        }
        Ok(())
    }

    /// Skips numbers and ends all tokens, after a backup was restored.
    pub async fn restored(&self) -> Result<Restored> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("TIME");
        let (secs, micros): (u64, u64) = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("INCRBY").arg(self.keys.user_counter()).arg(RESTORED_USERS);
        pipeline.cmd("INCRBY").arg(self.keys.room_counter()).arg(RESTORED_ROOMS);
        // Never one that was in force before: a generation of the time after the backup was taken, for example.
        pipeline.cmd("SET").arg(self.keys.generation()).arg(secs * 1000 + micros / 1000);
        let mut replies = self.writer.run(&pipeline).await?.into_iter();
        let (last_user, last_room) = (reply::read(next(&mut replies)?)?, reply::read(next(&mut replies)?)?);
        Ok(Restored { last_user, last_room })
    }
}
