//! What a token grants, and by what it is known.

use sha2::{Digest, Sha256};

use super::bindings::Bond;
use crate::domain::{Caller, TokenId, TokenTerms};

/// A user's access under a valid token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The user.
    pub caller: Caller,
    /// The token.
    pub token: TokenId,
    /// The last second in which the token is valid.
    pub(super) expires_at_secs: u64,
    pub(super) bond: Bond,
}

impl Grant {
    /// Until when what belongs to the token is good.
    pub fn terms(&self) -> TokenTerms {
        let Bond { epoch, generation, .. } = self.bond;
        TokenTerms { token: self.token, epoch, generation, expires_at_secs: self.expires_at_secs }
    }
}

/// A token that was just issued.
pub struct Issued {
    /// The token.
    pub token: String,
    /// Its id.
    pub id: TokenId,
    /// Its generation.
    pub generation: u64,
}

/// A token with a valid signature. Its expiry, epoch and account are checked at each use.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) caller: Caller,
    pub(super) token: TokenId,
    pub(super) expires_at_secs: u64,
    pub(super) bond: Bond,
}

/// The id of a token of an earlier version, which does not carry one: a digest of what is signed. The signature is left
/// out, because the same one may be written in several ways.
pub(super) fn id_of(token: &str) -> TokenId {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    let digest: [u8; 32] = Sha256::digest(signed).into();
    TokenId(digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)))
}
