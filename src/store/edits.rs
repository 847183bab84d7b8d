//! Edits messages.

use super::Store;
use super::amending::Amending;
use super::messages::{SendRate, json_names, mention_args};
use super::redis::scripts::{self, Arg};
use crate::domain::{Caller, Content, Error, NamedInText, Result, RoomId, Seq};

/// The new text of a message.
pub struct NewText<'a> {
    /// The text.
    pub content: &'a Content,
    /// Users whom it may mention.
    pub named: &'a [NamedInText],
}

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
        text: NewText<'_>,
        max_age_ms: u64,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let amending = Amending { message, caller, rate };
        let names = json_names(text.named)?;
        let mut args = vec![Arg::Text(text.content.as_str()), Arg::Number(max_age_ms)];
        args.extend(mention_args(text.named, &names));
        self.amend(&scripts::EDIT_MESSAGE, amending, args, |word| match word {
            "not_editable" => Some(Error::NotEditable),
            "too_late" => Some(Error::TooLate),
            _ => None,
        })
        .await
    }
}
