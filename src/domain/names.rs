//! Names of rooms and other short texts, each parsed once into a type that is valid from then on.
//!
//! Limits are counted in Unicode scalar values ("characters").

use super::error::{Error, Result};
use super::field::Field;
use super::link::check_link;
use super::text::{check_length, folded};
use super::visible::{is_deceptive, is_visible};

const ROOM_NAME_MAX_CHARS: usize = 100;
const DESCRIPTION_MAX_CHARS: usize = 500;
/// The longest path of an address, RFC 5321.
const EMAIL_MAX_CHARS: usize = 254;
const PHONE_MAX_CHARS: usize = 32;
const AVATAR_MAX_CHARS: usize = 500;

/// A room's or group's name: 1–100 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// Trims and validates a name.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for control characters, those that reorder text, and a name of which nothing is visible.
    pub fn parse(text: &str) -> Result<Self> {
        let name = text.trim();
        check_length(Field::RoomName, name, 1, ROOM_NAME_MAX_CHARS)?;
        if name.chars().any(is_deceptive) || !name.chars().any(is_visible) {
            return Err(Error::Invalid(Field::RoomName));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name for display.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A room's description: up to 500 characters, line breaks allowed, may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Validates a description.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for control characters other than line breaks and tabs, for those that reorder text, and for
    /// a text of invisible characters.
    pub fn parse(text: &str) -> Result<Self> {
        check_length(Field::Description, text, 0, DESCRIPTION_MAX_CHARS)?;
        let is_deceiving = text.chars().any(|c| is_deceptive(c) && !matches!(c, '\n' | '\r' | '\t'));
        let is_invisible = !text.trim().is_empty() && !text.chars().any(is_visible);
        if is_deceiving || is_invisible {
            return Err(Error::Invalid(Field::Description));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text for display.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address: text, `@`, text. Unique regardless of case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Trims and validates an address.
    ///
    /// # Errors
    /// `Length`, or `Invalid` unless there are two parts around one `@` without white space or control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        check_length(Field::Email, text, 3, EMAIL_MAX_CHARS)?;
        let has_two_parts = text
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
        if !has_two_parts || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Error::Invalid(Field::Email));
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which addresses are unique.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// Validates a phone number as the user writes it; may be empty.
///
/// # Errors
/// `Length`, or `Invalid` for control characters.
pub fn parse_phone(text: &str) -> Result<&str> {
    parse_line(Field::Phone, text, PHONE_MAX_CHARS)
}

/// Validates the address of a user's or group's avatar; may be empty.
///
/// # Errors
/// `Length`, or `Invalid` unless it is a link.
pub fn parse_avatar(text: &str) -> Result<&str> {
    let avatar = parse_line(Field::Avatar, text, AVATAR_MAX_CHARS)?;
    if !avatar.is_empty() {
        check_link(Field::Avatar, avatar)?;
    }
    Ok(avatar)
}

fn parse_line(field: Field, text: &str, max: usize) -> Result<&str> {
    let text = text.trim();
    check_length(field, text, 0, max)?;
    if text.chars().any(char::is_control) {
        return Err(Error::Invalid(field));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_names_stay_on_one_line() {
        for bad in
            ["a\r\nb", "a\u{2028}b", "\u{200b}", "\u{3164}\u{200d}", "\u{2800}", "\u{fe0f}", "a\u{202e}b", "\u{200e}a"]
        {
            assert!(RoomName::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["❤️", "👨‍👩‍👧", "علی‌رضا", "‹1›", "\u{a0}x"] {
            assert!(RoomName::parse(good).is_ok(), "{good:?}");
        }
        assert!(RoomName::parse(&"字".repeat(100)).is_ok());
        assert!(RoomName::parse(&"字".repeat(101)).is_err());
    }

    #[test]
    fn addresses_have_two_parts() {
        assert_eq!(Email::parse(" A@b ").map(|email| email.folded()).ok().as_deref(), Some("a@b"));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n.c", &format!("{}@b", "x".repeat(254))] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn descriptions_may_be_empty_but_not_invisible() {
        for good in ["", " ", "a\r\n\tb", "👩‍🚀"] {
            assert!(Description::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["\u{200b}", "a\u{2066}b", "a\0", "\u{1b}[0m"] {
            assert!(Description::parse(bad).is_err(), "{bad:?}");
        }
    }
}
