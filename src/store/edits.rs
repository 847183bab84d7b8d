//! Edits messages: one round trip each.

use redis::Value;

use super::Store;
use super::messages::SendRate;
use super::redis::reply::{self, array, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Caller, Content, Error, Result, RoomId, Seq};

impl Store {
    /// Replaces the text of a message of the caller that is not older than `max_age_ms`, and announces it. Counts as a
    /// message of the caller, unless the message has this text already.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `NotEditable`, `TooLate`, `Blocked`, `RateLimited`.
    pub async fn edit_message(
        &self,
        (room, seq): (RoomId, Seq),
        caller: &Caller,
        content: &Content,
        max_age_ms: u64,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let keys = self.keys.room(room);
        let rate_key = self.keys.rate(room, caller.id);
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let call = Call {
            script: &scripts::EDIT_MESSAGE,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.details, &keys.live, &rate_key],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Number(seq.0),
                Arg::Text(content.as_str()),
                Arg::Number(max_age_ms),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
                Arg::Number(self.retention.max_messages),
            ],
        };
        let reply = array(self.writer.run_script(&call, &[]).await?.0)?;
        let [status, rest @ ..] = reply.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("edited" | "already", []) => Ok(()),
            ("no_room", []) => Err(Error::RoomNotFound),
            ("no_message", []) => Err(Error::MessageNotFound),
            ("forbidden", []) => Err(Error::Forbidden),
            ("not_editable", []) => Err(Error::NotEditable),
            ("too_late", []) => Err(Error::TooLate),
            ("blocked", []) => Err(Error::Blocked),
            ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
            _ => Err(unexpected(status)),
        }
    }
}
