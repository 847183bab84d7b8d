//! Applications: programs that act on the server with a token of their own, as far as its scopes grant.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::hex::{hex, random_hex};
use super::ids::UserId;
use super::user::Caller;

/// Prefix that distinguishes a token of an application from one of a user.
const PREFIX: &str = "cwa_";
/// Random bytes of a token, which is printed as twice as many hexadecimal digits.
const RANDOM_BYTES: usize = 32;

/// Something that an application may do. Applications may do nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Create accounts.
    WriteUsers,
    /// Create rooms, for any user.
    WriteRooms,
    /// Add any user to any room.
    WriteMembers,
    /// Send messages in its own name.
    WriteMessages,
    /// Send messages in the name of any user.
    Impersonate,
    /// Read the history of any room.
    ReadMessages,
    /// List the online users.
    ReadPresence,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 7] = [
        Self::WriteUsers,
        Self::WriteRooms,
        Self::WriteMembers,
        Self::WriteMessages,
        Self::Impersonate,
        Self::ReadMessages,
        Self::ReadPresence,
    ];

    /// Its name, which operators use and tokens store, so names never change.
    pub fn word(self) -> &'static str {
        match self {
            Self::WriteUsers => "users:write",
            Self::WriteRooms => "rooms:write",
            Self::WriteMembers => "members:write",
            Self::WriteMessages => "messages:write",
            Self::Impersonate => "messages:impersonate",
            Self::ReadMessages => "messages:read",
            Self::ReadPresence => "presence:read",
        }
    }

    /// The scope with this name.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// A token of an application. Never printed by accident.
#[derive(Clone)]
pub struct ApplicationToken(SecretString);

impl ApplicationToken {
    /// Generates a new token.
    ///
    /// # Errors
    /// `Internal` when the operating system provides no random bytes.
    pub fn new() -> Result<Self> {
        Ok(Self(format!("{PREFIX}{}", random_hex::<RANDOM_BYTES>()?).into()))
    }

    /// Recognises a token of an application; `None` for any other text, as the token of a user.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let is_token = digits.len() == 2 * RANDOM_BYTES && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_token.then(|| Self(text.into()))
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

impl fmt::Debug for ApplicationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationToken")
    }
}

/// What is stored about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApplication {
    /// Its name.
    pub name: String,
    /// The account as which it acts.
    pub bot: UserId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was created, UTC milliseconds.
    pub created_at_ms: u64,
}

/// An application whose token is valid.
#[derive(Clone, Debug)]
pub struct Application {
    /// The account as which it acts.
    pub bot: Caller,
    scopes: Vec<Scope>,
}

impl Application {
    /// An application with these scopes.
    pub fn new(bot: Caller, scopes: Vec<Scope>) -> Self {
        Self { bot, scopes }
    }

    /// Refuses what none of its scopes grants.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check(&self, scope: Option<Scope>) -> Result<()> {
        let is_granted = scope.is_some_and(|scope| self.scopes.contains(&scope));
        if is_granted { Ok(()) } else { Err(Error::Forbidden) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_random_recognised_and_not_printed() {
        let (one, other) = (ApplicationToken::new().expect("drawn"), ApplicationToken::new().expect("drawn"));
        assert_ne!(one.expose(), other.expose());
        assert_ne!(one.digest(), other.digest());
        assert_eq!(ApplicationToken::parse(one.expose()).expect("a token").digest(), one.digest());
        assert!(!format!("{one:?}").contains(one.expose()));
        let shorter = &one.expose()[..one.expose().len() - 1];
        for text in ["", "cwa_", "eyJhbGciOiJub25lIn0.e30.", shorter, &format!("{shorter}g"), &format!("{shorter}00")] {
            assert!(ApplicationToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn only_what_a_scope_grants_is_allowed() {
        let bot = Caller { id: UserId(1), name: "bridge".to_owned(), logged_in_at_secs: 0 };
        for granted in Scope::ALL {
            let application = Application::new(bot.clone(), vec![granted]);
            assert!(application.check(None).is_err());
            for scope in Scope::ALL {
                assert_eq!(application.check(Some(scope)).is_ok(), scope == granted, "{granted:?} {scope:?}");
            }
            assert_eq!(Scope::of(granted.word()), Some(granted));
        }
        assert_eq!(Scope::of("users"), None);
    }
}
