//! What a token says.

use serde::{Deserialize, Serialize};

/// The claims of a token. Nodes of other versions read and write them, so new ones are optional.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    /// User id in decimal.
    pub(super) sub: String,
    /// User name at login.
    pub(super) name: String,
    /// Seconds since 1970.
    pub(super) iat: u64,
    /// Seconds since 1970.
    pub(super) exp: u64,
    pub(super) iss: String,
    pub(super) aud: String,
    /// Token epoch of the account at login.
    pub(super) epoch: u64,
    /// Key of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// Id of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) jti: Option<String>,
    /// Generation of tokens at login.
    #[serde(default, rename = "gen", skip_serializing_if = "is_first")]
    pub(super) generation: u64,
}

/// Whether no backup was ever restored. Tokens then look as before there were generations.
fn is_first(generation: &u64) -> bool {
    *generation == 0
}
