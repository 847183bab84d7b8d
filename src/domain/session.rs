//! Log-ins and the tokens that they gave.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// Identifies a token, so that it can be revoked alone. It grants nothing to whoever knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenId(pub u64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for TokenId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A login within the last 30 days, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token.
    pub id: TokenId,
    /// Time of the login, UTC milliseconds.
    pub at_ms: u64,
    /// Address from which the user logged in.
    pub ip: String,
    /// User agent with which the user logged in.
    pub user_agent: String,
    /// Whether the token is still valid.
    pub is_active: bool,
    /// Whether the request that lists the sessions carries this token.
    pub is_current: bool,
}
