//! Tokens of other issuers: their signatures and what they say. Which account they open, `issued_accounts` decides.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use moka::sync::Cache;
use serde_json::{Map, Value};

use super::bindings::Bond;
use super::grant::{Checked, id_of};
use super::issuer_keys::{IssuerKeys, PublishedKeys};
use crate::config::IssuerConfig;
use crate::domain::{AccountOrigin, Caller, Error, Result, TokenId, UserId};

/// Maximum number of tokens that a node remembers.
const MAX_KNOWN: u64 = 20_000;
/// Longest subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 1000;

/// No time is as late as this. Below, whole seconds and milliseconds are exact and do not overflow.
const MAX_SECS: f64 = 1e12;

/// The issuers that the server trusts.
pub(super) struct Issuers {
    all: Vec<Issuer>,
    lifetime_secs: u64,
    known: Cache<Box<str>, Arc<Known>>,
    /// How often a key was withdrawn.
    withdrawals: AtomicU64,
}

struct Issuer {
    keys: IssuerKeys,
    algorithm: Algorithm,
    validation: Validation,
    name: String,
    name_claim: String,
}

/// What a token with a valid signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) origin: AccountOrigin,
    /// The user's name, if the token has one.
    pub(super) name: Option<String>,
    /// 0 without a time of issue.
    pub(super) issued_at_secs: u64,
    pub(super) expires_at_secs: u64,
    pub(super) not_before_secs: u64,
    pub(super) token: TokenId,
}

/// A token, and the account that it opens.
pub(super) struct Known {
    pub(super) stated: Stated,
    pub(super) user: UserId,
    pub(super) name: String,
}

impl Known {
    /// The token as one of this server's generation. Its epoch is the time of issue: what ends all tokens of a user ends those
    /// that were issued before.
    pub(super) fn checked(&self, generation: u64) -> Checked {
        let issued_at_secs = self.stated.issued_at_secs;
        let (epoch, origin) = (issued_at_secs * 1000, Some(self.stated.origin));
        Checked {
            caller: Caller { id: self.user, name: self.name.clone(), logged_in_at_secs: issued_at_secs },
            token: self.stated.token,
            expires_at_secs: self.stated.expires_at_secs,
            bond: Bond { epoch, key: None, origin, generation },
        }
    }
}

impl Issuers {
    /// Issuers whose tokens live as long as those of the server at most.
    ///
    /// # Errors
    /// `Internal` for a key that cannot be used.
    pub(super) fn new(configured: &[IssuerConfig], lifetime_secs: u64) -> Result<Self> {
        let all: Result<Vec<Issuer>> = configured.iter().map(Issuer::new).collect();
        Ok(Self { all: all?, lifetime_secs, known: Cache::new(MAX_KNOWN), withdrawals: AtomicU64::new(0) })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A token that was seen before. Whether it is still valid must be checked.
    pub(super) fn known(&self, token: &str) -> Option<Arc<Known>> {
        self.known.get(token)
    }

    /// How often a key was withdrawn.
    pub(super) fn withdrawals(&self) -> u64 {
        self.withdrawals.load(Ordering::SeqCst)
    }

    /// Remembers the account of a token, unless a key was withdrawn since there were so many withdrawals: the token may be
    /// signed by it.
    pub(super) fn remember(&self, token: &str, known: &Arc<Known>, withdrawals: u64) {
        self.known.insert(token.into(), Arc::clone(known));
        // Behind the insertion: a later withdrawal forgets it.
        if self.withdrawals() != withdrawals {
            self.forget(token);
        }
    }

    /// Forgets a token whose account may be another by now.
    pub(super) fn forget(&self, token: &str) {
        self.known.invalidate(token);
    }

    fn forget_all(&self) {
        self.withdrawals.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
    }

    /// Keeps the keys that issuers publish current, as long as the node runs.
    pub(super) async fn follow_keys(&self) {
        // A token that was seen may have been signed by a key that is withdrawn.
        let following = self.all.iter().filter_map(Issuer::published).map(|keys| keys.follow(|| self.forget_all()));
        join_all(following).await;
        pending().await
    }

    /// Checks signature, issuer, audience and form of a token. `now_secs` bounds how long one lives that does not say when it
    /// was issued: the server remembers no longer that it was ended.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable` if the issuer's keys could not be fetched yet, or not soon enough to tell.
    pub(super) async fn check(&self, token: &str, now_secs: u64) -> Result<Stated> {
        let stated = match self.read(token) {
            Some(stated) => stated,
            None => self.read_with_new_keys(token).await?,
        };
        let latest_secs = match stated.issued_at_secs {
            0 if stated.expires_at_secs > now_secs.saturating_add(self.lifetime_secs) => {
                return Err(Error::Unauthenticated);
            }
            0 => stated.expires_at_secs,
            issued_at_secs => issued_at_secs.saturating_add(self.lifetime_secs),
        };
        Ok(Stated { expires_at_secs: stated.expires_at_secs.min(latest_secs), ..stated })
    }

    fn read(&self, token: &str) -> Option<Stated> {
        self.all.iter().find_map(|issuer| issuer.read(token))
    }

    /// The same once the issuer that a token names was asked for its keys, unless it has none that could have signed this one.
    async fn read_with_new_keys(&self, token: &str) -> Result<Stated> {
        let claimed = insecure_decode::<Map<String, Value>>(token).map_err(|_| Error::Unauthenticated)?;
        let name = claimed.claims.get("iss").and_then(Value::as_str).ok_or(Error::Unauthenticated)?;
        let named = self.all.iter().filter(|issuer| issuer.name == name && issuer.algorithm == claimed.header.alg);
        let published: Vec<&PublishedKeys> = named.filter_map(Issuer::published).collect();
        let is_known = |keys: &&PublishedKeys| claimed.header.kid.as_deref().is_some_and(|id| keys.has(id));
        if published.is_empty() {
            return Err(Error::Unauthenticated);
        }
        if published.iter().any(is_known) {
            // A key that is known has not signed it, unless it has come since the token was read.
            return self.read(token).ok_or(Error::Unauthenticated);
        }
        let are_renewed = join_all(published.iter().map(|keys| keys.renewed())).await;
        let are_known = are_renewed.into_iter().all(|is| is) && published.iter().all(|keys| keys.are_known());
        self.read(token).ok_or_else(|| match are_known {
            true => Error::Unauthenticated,
            false => Error::Unavailable(format!("the keys of {name} are not known").into()),
        })
    }
}

impl Issuer {
    fn new(config: &IssuerConfig) -> Result<Self> {
        // The algorithm that the settings name alone, whatever a token says.
        let mut validation = Validation::new(config.algorithm.algorithm);
        // Times are checked at each use, by the clock that nodes share. The library would ask the machine's.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        Ok(Self {
            keys: IssuerKeys::new(config)?,
            algorithm: config.algorithm.algorithm,
            validation,
            name: config.issuer.clone(),
            name_claim: config.name_claim.clone(),
        })
    }

    fn published(&self) -> Option<&PublishedKeys> {
        match &self.keys {
            IssuerKeys::Configured(_) => None,
            IssuerKeys::Published(keys) => Some(keys),
        }
    }

    /// What a token says; `None` unless it is one of this issuer in every respect but its times.
    fn read(&self, token: &str) -> Option<Stated> {
        let decode = |key: &DecodingKey| decode::<Map<String, Value>>(token, key, &self.validation).ok();
        let decoded = match &self.keys {
            IssuerKeys::Configured(key) => decode(key),
            IssuerKeys::Published(keys) => keys.of(decode_header(token).ok()?.kid.as_deref()).iter().find_map(decode),
        };
        let claims = decoded?.claims;
        let subject = claims.get("sub")?.as_str()?;
        if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES {
            return None;
        }
        let optional_secs = |name: &str| claims.get(name).map_or(Some(0), secs);
        Some(Stated {
            origin: AccountOrigin::of_subject(&self.name, subject),
            name: claims.get(&self.name_claim).and_then(Value::as_str).map(str::to_owned),
            issued_at_secs: optional_secs("iat")?,
            expires_at_secs: secs(claims.get("exp")?)?,
            not_before_secs: optional_secs("nbf")?,
            token: id_of(token),
        })
    }
}

/// A time in seconds since 1970, which may have a fraction (RFC 7519, §2).
fn secs(value: &Value) -> Option<u64> {
    value.as_f64().filter(|secs| (0.0..MAX_SECS).contains(secs)).map(|secs| secs as u64)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;
    use crate::config::SigningAlgorithm;

    const NOW_SECS: u64 = 1_800_000_000;

    fn issuers() -> Issuers {
        let config = IssuerConfig {
            issuer: "https://id.example".to_owned(),
            audience: "chat".to_owned(),
            algorithm: SigningAlgorithm::try_from("HS384".to_owned()).expect("known"),
            public_key: String::new(),
            jwks_url: String::new(),
            secret: "s".repeat(32).into(),
            name_claim: "nick".to_owned(),
        };
        Issuers::new(&[config], 3600).expect("usable")
    }

    fn sign(algorithm: Algorithm, secret: &str, change: &[(&str, Value)]) -> String {
        let mut claims = json!({"iss": "https://id.example", "aud": "chat", "sub": "u-1", "nick": "Ann",
            "iat": NOW_SECS, "exp": NOW_SECS + 60});
        let fields = claims.as_object_mut().expect("an object");
        for (name, value) in change {
            match value {
                Value::Null => drop(fields.remove(*name)),
                value => drop(fields.insert((*name).to_owned(), value.clone())),
            }
        }
        encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret.as_bytes()).expect("a key"))
            .expect("signs")
    }

    #[test]
    fn only_tokens_of_the_issuer_in_the_form_of_its_settings_are_read() {
        let (issuers, secret) = (issuers(), "s".repeat(32));
        let read = |change: &[(&str, Value)]| issuers.read(&sign(Algorithm::HS384, &secret, change));
        let good = read(&[]).expect("valid");
        assert_eq!(
            (good.name.as_deref(), good.origin),
            (Some("Ann"), AccountOrigin::of_subject("https://id.example", "u-1"))
        );
        assert_eq!((good.issued_at_secs, good.expires_at_secs, good.not_before_secs), (NOW_SECS, NOW_SECS + 60, 0));
        for change in [
            [("aud", json!(["others", "chat"]))],
            [("nick", json!(7))],
            [("nick", Value::Null)],
            [("exp", json!(NOW_SECS as f64 + 60.5))],
            [("nbf", json!(NOW_SECS + 30))],
        ] {
            assert!(read(&change).is_some(), "{change:?}");
        }
        for change in [
            [("iss", json!("https://id.example/"))],
            [("iss", Value::Null)],
            [("aud", json!("others"))],
            [("aud", json!([]))],
            [("aud", Value::Null)],
            [("sub", Value::Null)],
            [("sub", json!(""))],
            [("sub", json!(7))],
            [("sub", json!("x".repeat(1001)))],
            [("exp", Value::Null)],
            [("exp", json!("tomorrow"))],
            [("exp", json!(-1))],
            [("iat", json!("now"))],
            [("iat", json!(u64::MAX))],
            [("exp", json!(u64::MAX))],
            [("nbf", json!(true))],
        ] {
            assert_eq!(read(&change), None, "{change:?}");
        }
        for (algorithm, secret) in
            [(Algorithm::HS256, secret.as_str()), (Algorithm::HS512, &secret), (Algorithm::HS384, "another")]
        {
            assert!(issuers.read(&sign(algorithm, secret, &[])).is_none(), "{algorithm:?} {secret}");
        }
        for text in ["", "a.b.c", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIn0."] {
            assert!(issuers.read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_token_lives_longer_than_the_server_remembers_that_it_ended() {
        let (issuers, secret) = (issuers(), "s".repeat(32));
        let until = |change: &[(&str, Value)]| {
            let token = sign(Algorithm::HS384, &secret, change);
            let checked = issuers.check(&token, NOW_SECS).now_or_never().expect("its key is in the settings");
            checked.ok().map(|stated| stated.expires_at_secs)
        };
        let far = ("exp", json!(NOW_SECS + 1_000_000));
        assert_eq!(until(std::slice::from_ref(&far)), Some(NOW_SECS + 3600));
        assert_eq!(until(&[far, ("iat", Value::Null)]), None);
        assert_eq!(until(&[("iat", Value::Null)]), Some(NOW_SECS + 60));
        assert_eq!(until(&[("iat", json!(NOW_SECS - 7200))]), Some(NOW_SECS - 3600));
    }
}
