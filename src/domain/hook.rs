//! Webhooks: addresses at which other programs post into a room, and addresses to which messages are sent.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::endpoint::Endpoint;
use super::error::{Error, Result};
use super::hex::{hex, random_hex};
use super::ids::{RoomId, UserId};

/// Random bytes of a token and of a secret, which have twice as many digits.
const RANDOM_BYTES: usize = 32;
/// Bytes of an id.
const ID_BYTES: usize = 8;
/// How long deliveries must have failed before a webhook counts as dead.
const DEAD_AFTER_MS: u64 = 24 * 60 * 60 * 1000;
const TOKEN_PREFIX: &str = "cwh_";
const SECRET_PREFIX: &str = "whsec_";

/// The id of a hook. It is not secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookId(String);

impl HookId {
    /// Generates a new id.
    ///
    /// # Errors
    /// `Internal` when the operating system provides no random bytes.
    pub fn new() -> Result<Self> {
        random_hex::<ID_BYTES>().map(Self)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HookId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_id = text.len() == 2 * ID_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_owned())).ok_or(Error::NotFound)
    }
}

/// The last part of the URL of an incoming hook. Anyone who has it can post. Not printed by `Debug`.
#[derive(Clone)]
pub struct HookToken(SecretString);

impl HookToken {
    /// Generates a new token.
    ///
    /// # Errors
    /// `Internal` when the operating system provides no random bytes.
    pub fn new() -> Result<Self> {
        Ok(Self(format!("{TOKEN_PREFIX}{}", random_hex::<RANDOM_BYTES>()?).into()))
    }

    /// Any text, which need not be a token.
    pub fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored of it.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.expose()))
    }
}

impl fmt::Debug for HookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookToken")
    }
}

/// Who made a hook, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookOrigin {
    /// The user; the server's own number for the command line.
    pub made_by: UserId,
    /// UTC milliseconds.
    pub made_at_ms: u64,
}

/// An address at which other programs post into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingHook {
    /// Its id.
    pub id: HookId,
    /// The room.
    pub room: RoomId,
    /// The name under which it posts.
    pub name: String,
    /// The account with that name.
    pub bot: UserId,
    /// Who made it.
    pub origin: HookOrigin,
}

/// An address to which messages are sent.
#[derive(Clone, Debug)]
pub struct OutgoingHook {
    /// Its id.
    pub id: HookId,
    /// The room; `None` for all groups and public rooms.
    pub room: Option<RoomId>,
    /// The address.
    pub url: Endpoint,
    /// What requests are signed with.
    pub secret: SecretString,
    /// Who made it. Messages from then on are sent.
    pub origin: HookOrigin,
}

impl OutgoingHook {
    /// Generates a new secret.
    ///
    /// # Errors
    /// `Internal` when the operating system provides no random bytes.
    pub fn new_secret() -> Result<SecretString> {
        Ok(format!("{SECRET_PREFIX}{}", random_hex::<RANDOM_BYTES>()?).into())
    }
}

/// The state of the deliveries of an outgoing hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookHealth {
    /// When a delivery last succeeded, UTC milliseconds.
    pub delivered_at_ms: Option<u64>,
    /// Since when all deliveries have failed, UTC milliseconds; `None` while they succeed.
    pub failing_since_ms: Option<u64>,
    /// Why the latest of them failed.
    pub error: Option<String>,
    /// The exact cause, which may reveal internal networks. For operators only.
    pub cause: Option<String>,
    /// Number of messages that were dropped.
    pub given_up: u64,
}

impl HookHealth {
    /// `ok`, `failing` while deliveries fail, `dead` after a day of failures.
    pub fn state(&self, now_ms: u64) -> &'static str {
        match self.failing_since_ms {
            None => "ok",
            Some(since_ms) if now_ms.saturating_sub(since_ms) < DEAD_AFTER_MS => "failing",
            Some(_) => "dead",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_dead_after_a_day() {
        let since = |ms: u64| HookHealth { failing_since_ms: Some(DEAD_AFTER_MS - ms), ..HookHealth::default() };
        assert_eq!(HookHealth::default().state(0), "ok");
        assert_eq!((since(1).state(DEAD_AFTER_MS), since(0).state(2 * DEAD_AFTER_MS)), ("failing", "dead"));
    }

    #[test]
    fn tokens_and_ids_are_random_and_tokens_are_not_printed() {
        let (one, other) = (HookToken::new().expect("drawn"), HookToken::new().expect("drawn"));
        assert_ne!(one.expose(), other.expose());
        assert_eq!(HookToken::of(one.expose()).digest(), one.digest());
        assert!(!format!("{one:?}").contains(one.expose()));
        let id = HookId::new().expect("drawn");
        assert_eq!(id.as_str().parse::<HookId>().expect("an id"), id);
        for text in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
            assert!(text.parse::<HookId>().is_err(), "{text}");
        }
    }
}
