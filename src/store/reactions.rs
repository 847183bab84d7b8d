//! Reactions to messages: one round trip each.

use redis::Value;

use super::Store;
use super::messages::SendRate;
use super::redis::reply::{self, array, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Caller, Emoji, Error, Result, RoomId, Seq};

/// Most kinds of emoji on one message.
const MAX_KINDS: u64 = 20;
/// Most reactions to one message, of all kinds together.
const MAX_REACTIONS: u64 = 1000;

impl Store {
    /// Adds or removes a reaction of the caller to a message, and announces it. Counts as a message of the caller, unless
    /// nothing changes.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `TooManyReactions`, `RateLimited`.
    pub async fn react(
        &self,
        (room, seq): (RoomId, Seq),
        caller: &Caller,
        emoji: &Emoji,
        is_on: bool,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let keys = self.keys.room(room);
        let rate_key = self.keys.rate(room, caller.id);
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let call = Call {
            script: &scripts::REACT,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.details, &keys.live, &rate_key],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Number(seq.0),
                Arg::Text(emoji.as_str()),
                Arg::Number(is_on.into()),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
                Arg::Number(self.retention.max_messages),
                Arg::Number(MAX_KINDS),
                Arg::Number(MAX_REACTIONS),
            ],
        };
        let reply = array(self.writer.run_script(&call, &[]).await?.0)?;
        let [status, rest @ ..] = reply.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("reacted" | "already", []) => Ok(()),
            ("no_room", []) => Err(Error::RoomNotFound),
            ("no_message", []) => Err(Error::MessageNotFound),
            ("forbidden", []) => Err(Error::Forbidden),
            ("blocked", []) => Err(Error::Blocked),
            ("full", []) => Err(Error::TooManyReactions),
            ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
            _ => Err(unexpected(status)),
        }
    }
}
