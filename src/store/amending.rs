//! Runs the scripts by which users amend messages, one round trip each: their common arguments and replies.

use redis::Value;

use super::Store;
use super::messages::SendRate;
use super::redis::reply::{self, array, text, unexpected};
use super::redis::scripts::{Arg, Call, Script};
use crate::domain::{Caller, Error, Result, RoomId, Seq};

/// An amendment of a message by a user, which counts as one of the user's messages.
pub(super) struct Amending<'a> {
    pub(super) message: (RoomId, Seq),
    pub(super) caller: &'a Caller,
    pub(super) rate: Option<SendRate>,
}

impl Store {
    /// Runs a script that amends a message. Its arguments are the user, the seq, ms between messages, ms of burst, the
    /// maximum entries of the room, and then `args`. `refusal` returns the error for a reply that only this script has.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `RateLimited`, and what `refusal` returns.
    pub(super) async fn amend(
        &self,
        script: &Script,
        amending: Amending<'_>,
        args: Vec<Arg<'_>>,
        refusal: impl FnOnce(&str) -> Option<Error>,
    ) -> Result<()> {
        let Amending { message: (room, seq), caller, rate } = amending;
        let (keys, rate_key) = (self.keys.room(room), self.keys.rate(room, caller.id));
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let mut all_args = vec![
            Arg::Number(caller.id.0),
            Arg::Number(seq.0),
            Arg::Text(&interval),
            Arg::Number(burst_ms),
            Arg::Number(self.retention.max_messages),
        ];
        all_args.extend(args);
        let keys: [&str; 8] = [
            &keys.room,
            &keys.log,
            &keys.members,
            &keys.amendments,
            &keys.details,
            &keys.live,
            &rate_key,
            &keys.admins,
        ];
        let call = Call { script, keys: &keys, args: &all_args };
        read_outcome(self.writer.run_script(&call, &[]).await?.0, refusal)
    }
}

fn read_outcome(reply: Value, refusal: impl FnOnce(&str) -> Option<Error>) -> Result<()> {
    let reply = array(reply)?;
    let [status, rest @ ..] = reply.as_slice() else { return Err(Error::internal("an empty reply")) };
    match (text(status)?, rest) {
        ("amended" | "already", []) => Ok(()),
        ("no_room", []) => Err(Error::RoomNotFound),
        ("no_message", []) => Err(Error::MessageNotFound),
        ("forbidden", []) => Err(Error::Forbidden),
        ("blocked", []) => Err(Error::Blocked),
        ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
        (word, []) => Err(refusal(word).unwrap_or_else(|| unexpected(status))),
        _ => Err(unexpected(status)),
    }
}
