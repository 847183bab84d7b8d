//! The settings of a user for a conversation.

use super::error::{Error, Result};
use super::field::Field;

/// Which messages notify a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// All.
    #[default]
    All,
    /// Those that mention the user.
    Mentions,
    /// None.
    None,
}

impl Notify {
    /// Reads the name of one.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        [Self::All, Self::Mentions, Self::None]
            .into_iter()
            .find(|notify| notify.as_str() == text)
            .ok_or(Error::Invalid(Field::Notify))
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::None => "none",
        }
    }
}

/// What a user has set for a conversation. Others do not see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConversationSettings {
    /// Which messages notify the user.
    pub notify: Notify,
    /// Whether the user wants it above the others.
    pub is_pinned: bool,
    /// Whether the user does not want it listed.
    pub is_hidden: bool,
}

/// A change of these settings. What is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// Which messages notify the user.
    pub notify: Option<Notify>,
    /// Whether the user wants it above the others.
    pub is_pinned: Option<bool>,
    /// Whether the user does not want it listed.
    pub is_hidden: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_names() {
        for notify in [Notify::All, Notify::Mentions, Notify::None] {
            assert_eq!(Notify::parse(notify.as_str()).ok(), Some(notify));
        }
        assert!(Notify::parse("").is_err() && Notify::parse("All").is_err());
    }
}
