//! Pins messages to their rooms: one round trip each.

use redis::{Pipeline, Value};

use super::messages::SendRate;
use super::redis::reply::{self, array, entry_id, is_absent, next, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use super::{LONG_LIST, Store, amendments};
use crate::domain::{Caller, Error, Message, Result, RoomId, Seq};

/// Most pinned messages of a room.
const MAX_PINNED: u64 = 50;

impl Store {
    /// Pins a message or takes it away, and announces it. Counts as a message of the caller, unless nothing changes.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `TooManyPins`, `RateLimited`.
    pub async fn pin(
        &self,
        (room, seq): (RoomId, Seq),
        caller: &Caller,
        is_on: bool,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let keys = self.keys.room(room);
        let rate_key = self.keys.rate(room, caller.id);
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let call = Call {
            script: &scripts::PIN,
            keys: &[
                &keys.room,
                &keys.log,
                &keys.members,
                &keys.amendments,
                &keys.details,
                &keys.live,
                &rate_key,
                &keys.admins,
            ],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Number(seq.0),
                Arg::Number(is_on.into()),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
                Arg::Number(self.retention.max_messages),
                Arg::Number(MAX_PINNED),
            ],
        };
        let reply = array(self.writer.run_script(&call, &[]).await?.0)?;
        let [status, rest @ ..] = reply.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("pinned" | "already", []) => Ok(()),
            ("no_room", []) => Err(Error::RoomNotFound),
            ("no_message", []) => Err(Error::MessageNotFound),
            ("forbidden", []) => Err(Error::Forbidden),
            ("blocked", []) => Err(Error::Blocked),
            ("full", []) => Err(Error::TooManyPins),
            ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
            _ => Err(unexpected(status)),
        }
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
