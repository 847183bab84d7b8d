//! Reactions to messages.

use super::Store;
use super::amending::Amending;
use super::messages::SendRate;
use super::redis::scripts::{self, Arg};
use crate::domain::{Caller, Emoji, Error, Result, RoomId, Seq};

/// Maximum number of kinds of emoji on one message.
const MAX_KINDS: u64 = 20;
/// Maximum number of reactions to one message, of all kinds together.
const MAX_REACTIONS: u64 = 1000;

impl Store {
    /// Adds or removes a reaction of the caller to a message, and announces it. Counts as a message of the caller, unless
    /// nothing changes.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `TooManyReactions`, `RateLimited`.
    pub async fn react(
        &self,
        message: (RoomId, Seq),
        caller: &Caller,
        emoji: &Emoji,
        is_on: bool,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let amending = Amending { message, caller, rate };
        let args = vec![
            Arg::Text(emoji.as_str()),
            Arg::Number(is_on.into()),
            Arg::Number(MAX_KINDS),
            Arg::Number(MAX_REACTIONS),
        ];
        let refusal = |word: &str| (word == "full").then_some(Error::TooManyReactions);
        self.amend(&scripts::REACT, amending, args, refusal).await
    }
}
