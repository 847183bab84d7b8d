//! Pins messages to their rooms: one round trip each.

use redis::Pipeline;

use super::amending::Amending;
use super::messages::SendRate;
use super::redis::reply::{array, entry_id, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::{LONG_LIST, Store, amendments};
use crate::domain::{Caller, Error, Message, Result, RoomId, Seq};

/// Most pinned messages of a room.
const MAX_PINNED: u64 = 50;

impl Store {
    /// Pins or unpins a message, and announces it. Counts as a message of the caller, unless nothing changes.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `TooManyPins`, `RateLimited`.
    pub async fn pin(
        &self,
        message: (RoomId, Seq),
        caller: &Caller,
        is_on: bool,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let amending = Amending { message, caller, rate };
        let args = vec![Arg::Number(is_on.into()), Arg::Number(MAX_PINNED)];
        let refusal = |word: &str| (word == "full").then_some(Error::TooManyPins);
        self.amend(&scripts::PIN, amending, args, refusal).await
    }

    /// The pinned messages of a room, newest first: one round trip.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member.
    pub async fn pinned(&self, room: RoomId, caller: &Caller) -> Result<Vec<Message>> {
        let keys = self.keys.room(room);
        let call = Call {
            script: &scripts::PINNED_MESSAGES,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.details],
            args: &[Arg::Number(caller.id.0), Arg::Number(self.oldest_ms())],
        };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(call.by_hash());
        // Few messages, but they may be long.
        let reply = next(&mut self.run_sized(&pipeline, LONG_LIST + 1).await?.into_iter())?;
        if is_absent(&reply) {
            return Err(Error::RoomNotFound);
        }
        let mut pinned = Vec::new();
        for item in array(reply)? {
            let [id, record, amended] = array(item)?
                .try_into()
                .map_err(|_| Error::internal("a pinned message has an unexpected number of fields"))?;
            pinned.extend(amendments::read_amended(room, entry_id(&id)?, text(&record)?, &amended)?);
        }
        self.deleted_users.rename_in(&mut pinned);
        Ok(pinned)
    }
}
