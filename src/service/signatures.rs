//! Signatures of tokens, which are checked once while the token is in use.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Mutex;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretSlice};

use super::bindings::Bond;
use super::claims::Claims;
use super::grant::{Checked, id_of};
use crate::domain::{Caller, Error, Result, UserId};

/// Issuer and audience, so that tokens of other software with the same secret are refused.
pub(super) const ISSUER: &str = "chinwag";
pub(super) const AUDIENCE: &str = "chinwag-clients";

/// Maximum number of tokens whose valid signature is cached; about half a kilobyte each.
const MAX_CHECKED: usize = 20_000;

/// The last bytes of a token: a part of its signature, which nobody can choose.
pub(super) type End = [u8; 16];

type CheckedTokens = HashMap<End, (Box<str>, Checked), BuildHasherDefault<EndHasher>>;

/// Hashes ends of tokens. Those of valid tokens are as good as random, and no others are kept.
#[derive(Default)]
pub(super) struct EndHasher(u64);

impl Hasher for EndHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.last_chunk().map_or(self.0, |end| u64::from_ne_bytes(*end));
    }

    /// The length of the array, which is the same for all.
    fn write_usize(&mut self, _: usize) {}

    /// Each letter has but six bits of a byte, which this spreads over all.
    fn finish(&self) -> u64 {
        let spread = u128::from(self.0) * 0x9E37_79B9_7F4A_7C15;
        (spread >> 64) as u64 ^ spread as u64
    }
}

/// Signs tokens and checks their signatures.
pub(super) struct Signatures {
    signing: EncodingKey,
    /// The signing key, then the previous one while keys are rotated.
    checking: Vec<DecodingKey>,
    validation: Validation,
    /// Whole tokens and what they say, by their ends: hashing all of a token with each request would cost more than the rest
    /// of the look-up.
    pub(super) checked: Mutex<CheckedTokens>,
}

impl Signatures {
    /// Signatures under `keys`: the first signs, all are accepted.
    ///
    /// # Errors
    /// `Internal` without a usable key.
    pub(super) fn new(keys: &[SecretSlice<u8>]) -> Result<Self> {
        let first = keys.first().ok_or_else(|| Error::internal("no signing key"))?;
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is checked at each use, by the clock that nodes share. The library would ask the machine's.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        let checking: std::result::Result<_, _> =
            keys.iter().map(|key| DecodingKey::from_secret(key.expose_secret())).collect();
        Ok(Self {
            signing: EncodingKey::from_secret(first.expose_secret()).map_err(Error::internal)?,
            checking: checking.map_err(Error::internal)?,
            validation,
            checked: Mutex::default(),
        })
    }

    /// Signs claims.
    pub(super) fn sign(&self, claims: &Claims) -> Result<String> {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing).map_err(Error::internal)
    }

    /// Checks a token's signature and claims, unless that was done before.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub(super) fn check(&self, token: &str) -> Result<Checked> {
        self.known(token, Checked::clone).map_or_else(|| self.check_new(token), Ok)
    }

    /// The user for whom a token was signed.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub(super) fn holder(&self, token: &str) -> Result<UserId> {
        let holder = |checked: &Checked| checked.caller.id;
        self.known(token, holder).map_or_else(|| self.check_new(token).map(|checked| holder(&checked)), Ok)
    }

    /// Reads what a token says that was checked before.
    fn known<T>(&self, token: &str, read: impl FnOnce(&Checked) -> T) -> Option<T> {
        let known = self.checked.lock().expect("no panic while held");
        let (text, checked) = known.get(token.as_bytes().last_chunk()?)?;
        (**text == *token).then(|| read(checked))
    }

    fn check_new(&self, token: &str) -> Result<Checked> {
        let decoded = self.checking.iter().find_map(|key| decode::<Claims>(token, key, &self.validation).ok());
        let claims = decoded.ok_or(Error::Unauthenticated)?.claims;
        let id = UserId(claims.sub.parse().map_err(|_| Error::Unauthenticated)?);
        let key = claims.key.map(|key| key.parse()).transpose().map_err(|_| Error::Unauthenticated)?;
        let caller = Caller { id, name: claims.name, logged_in_at_secs: claims.iat };
        let bond = Bond { epoch: claims.epoch, key, origin: None, generation: claims.generation };
        let token_id = claims.jti.and_then(|id| id.parse().ok()).unwrap_or_else(|| id_of(token));
        let checked = Checked { caller, token: token_id, expires_at_secs: claims.exp, bond };
        let mut known = self.checked.lock().expect("no panic while held");
        if known.len() >= MAX_CHECKED {
            known.clear(); // simpler than evicting the oldest; tokens in use are checked again at once
        }
        if let Some(end) = token.as_bytes().last_chunk() {
            known.insert(*end, (token.into(), checked.clone()));
        }
        Ok(checked)
    }
}
