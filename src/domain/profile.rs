//! Profiles: what users show of themselves.

use super::error::Result;
use super::field::Field;
use super::ids::UserId;
use super::text::line;
use super::user_name::UserName;

const STATUS_TEXT_MAX_CHARS: usize = 100;

/// The status text of a user: up to 100 characters on one line, may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusText(String);

impl StatusText {
    /// Trims and validates a text.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for control characters, those that reorder text, and a text of which nothing is visible.
    pub fn parse(text: &str) -> Result<Self> {
        line(Field::StatusText, text, STATUS_TEXT_MAX_CHARS).map(|text| Self(text.to_owned()))
    }

    /// The text for display.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Changes of a profile; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// A new name.
    pub name: Option<UserName>,
    /// The address of an avatar; empty for none.
    pub avatar: Option<String>,
    /// A phone number; empty for none.
    pub phone: Option<String>,
    /// A new status text; empty for none.
    pub status_text: Option<StatusText>,
}

/// What changed in a profile, as far as others see it; `None` for what stayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedProfile {
    /// The name.
    pub name: Option<String>,
    /// The address of the avatar; empty for none.
    pub avatar: Option<String>,
    /// The status text; empty for none.
    pub status_text: Option<String>,
}

impl ChangedProfile {
    /// Adds a later change.
    pub fn merge(&mut self, later: Self) {
        let Self { name, avatar, status_text } = later;
        self.name = name.or(self.name.take());
        self.avatar = avatar.or(self.avatar.take());
        self.status_text = status_text.or(self.status_text.take());
    }
}

impl From<&ProfileChange> for ChangedProfile {
    fn from(change: &ProfileChange) -> Self {
        Self {
            name: change.name.as_ref().map(|name| name.as_str().to_owned()),
            avatar: change.avatar.clone(),
            status_text: change.status_text.as_ref().map(|text| text.as_str().to_owned()),
        }
    }
}

/// What others see of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCard {
    /// The user.
    pub id: UserId,
    /// The current name.
    pub name: String,
    /// The address of an avatar; empty for none.
    pub avatar: String,
    /// The status text; empty for none.
    pub status_text: String,
    /// Whether it is the account of an application or a webhook.
    pub is_bot: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_texts_stay_on_one_line_and_are_visible() {
        let parse = |text: &str| StatusText::parse(text).map(|text| text.0).ok();
        for (text, kept) in [("", ""), ("  ", ""), (" At lunch ", "At lunch"), ("🌴 休假中", "🌴 休假中")] {
            assert_eq!(parse(text).as_deref(), Some(kept), "{text:?}");
        }
        assert!(parse(&"字".repeat(100)).is_some() && parse(&"字".repeat(101)).is_none());
        for bad in ["a\nb", "a\u{2028}b", "a\0", "\u{1b}[0m", "a\u{202e}b", "\u{200b}", "\u{2800}", "\u{fe0f}"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
