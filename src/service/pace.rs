//! Whose rates limit a message.

use super::limits::Limits;
use crate::domain::{Result, UserId};
use crate::store::SendTerms;

/// Whose rates limit a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Those of its sender.
    User,
    /// None: those of the application's requests do.
    Application,
    /// Those of its sender, which need not be a member of the room, because a webhook of the room sends.
    Hook,
}

impl Pace {
    /// Counts a message of a sender. Returns on what terms it may be stored.
    ///
    /// # Errors
    /// `RateLimited`, `StorageFull`.
    pub(super) fn terms(self, limits: &Limits, sender: UserId) -> Result<SendTerms> {
        match self {
            Self::User | Self::Hook => {
                limits.check_send(sender)?;
                Ok(SendTerms { rate: limits.send_rate(), is_by_hook: self == Self::Hook })
            }
            Self::Application => {
                limits.check_memory()?;
                Ok(SendTerms { rate: None, is_by_hook: false })
            }
        }
    }
}
