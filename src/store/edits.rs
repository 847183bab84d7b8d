//! Edits messages.

use super::Store;
use super::amending::Amending;
use super::messages::SendRate;
use super::redis::scripts::{self, Arg};
use crate::domain::{Caller, Content, Error, Result, RoomId, Seq};

impl Store {
    /// Replaces the text of a message of the caller that is not older than `max_age_ms`, and announces it. Counts as a
    /// message of the caller, unless the message has this text already.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `NotEditable`, `TooLate`, `Blocked`, `RateLimited`.
    pub async fn edit_message(
        &self,
        message: (RoomId, Seq),
        caller: &Caller,
        content: &Content,
        max_age_ms: u64,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let amending = Amending { message, caller, rate };
        let args = [Arg::Text(content.as_str()), Arg::Number(max_age_ms)];
        self.amend(&scripts::EDIT_MESSAGE, amending, args, |word| match word {
            "not_editable" => Some(Error::NotEditable),
            "too_late" => Some(Error::TooLate),
            _ => None,
        })
        .await
    }
}
