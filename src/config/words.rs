//! Settings that are one of some words.

use serde::Deserialize;

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Registration {
    /// Everyone.
    Open,
    /// Those with an invite.
    Invite,
    /// Nobody.
    Closed,
}

impl TryFrom<String> for Registration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("open", Self::Open), ("invite", Self::Invite), ("closed", Self::Closed)])
    }
}

/// Users who may add another to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Adding {
    /// All users.
    Everyone,
    /// Users who share a room with the other.
    Known,
}

impl TryFrom<String> for Adding {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("everyone", Self::Everyone), ("known", Self::Known)])
    }
}

/// Users who may see the IP addresses of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum IpVisibility {
    /// All users.
    Everyone,
    /// Administrators.
    Admins,
}

impl TryFrom<String> for IpVisibility {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("everyone", Self::Everyone), ("admins", Self::Admins)])
    }
}

/// Format of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// Human-readable on a terminal, JSON otherwise.
    Auto,
    /// Human-readable lines.
    Human,
    /// One JSON object per line.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("auto", Self::Auto), ("human", Self::Human), ("json", Self::Json)])
    }
}

/// Finds the value of a word.
///
/// # Errors
/// A sentence with all words.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be {}, not {text:?}", words.join(" or "))
    })
}
