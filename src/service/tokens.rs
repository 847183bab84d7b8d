//! Tokens: JWT HS256 that carry user id, name and what binds them to the account, so that no request needs a look-up but
//! the first of a user on a node.

use secrecy::SecretSlice;

use super::bindings::{Bindings, Bond};
use super::claims::Claims;
use super::grant::{Checked, Grant, Issued};
use super::issuers::Issuers;
use super::present_names::PresentNames;
use super::revocations::Revocations;
use super::signatures::{AUDIENCE, ISSUER, Signatures};
use crate::domain::{Account, Caller, Clock, Error, Result, TokenId, TokenTerms, UserId};
use crate::store::{LogIn, Revocation, Store};

/// How long a token is accepted after its expiry, in seconds.
pub(super) const LEEWAY_SECS: u64 = 5;
/// How far ahead the time of issue may be, in seconds: nodes of earlier versions issue tokens by their machine's clock.
pub(super) const MAX_AHEAD_SECS: u64 = 60;

/// Issues and checks tokens.
pub struct Tokens {
    signatures: Signatures,
    pub(super) lifetime_secs: u64,
    pub(super) clock: Clock,
    revocations: Revocations,
    pub(super) bindings: Bindings,
    names: PresentNames,
    pub(super) issuers: Issuers,
}

impl Tokens {
    /// Creates tokens under `keys`: the first signs, all are accepted.
    ///
    /// # Errors
    /// `Internal` when a self-test fails: a token that was just signed is not accepted.
    pub fn new(keys: &[SecretSlice<u8>], lifetime_secs: u64, clock: Clock) -> Result<Self> {
        let tokens = Self {
            signatures: Signatures::new(keys)?,
            lifetime_secs,
            clock,
            revocations: Revocations::new(lifetime_secs),
            bindings: Bindings::default(),
            names: PresentNames::default(),
            issuers: Issuers::new(&[], lifetime_secs)?,
        };
        tokens.check_itself()?;
        Ok(tokens)
    }

    fn check_itself(&self) -> Result<()> {
        let issued = self.sign(UserId(1), "self-test", Bond { epoch: 0, key: None, origin: None, generation: 0 })?;
        let grant = self.grant(&issued.token)?;
        if grant.caller.id != UserId(1) || grant.token != issued.id {
            return Err(Error::internal("the token of the self-test names another user or itself otherwise"));
        }
        Ok(())
    }

    /// Issues a token for an account.
    pub fn issue(&self, account: &Account) -> Result<Issued> {
        let (epoch, key) = (account.token_epoch, account.token_key);
        self.sign(account.id, &account.name, Bond { epoch, key, origin: None, generation: self.bindings.generation() })
    }

    fn sign(&self, user: UserId, name: &str, bond: Bond) -> Result<Issued> {
        let id = TokenId(getrandom::u64().map_err(|error| Error::internal(error.to_string()))?);
        let iat = self.clock.now_ms() / 1000;
        let claims = Claims {
            sub: user.to_string(),
            name: name.to_owned(),
            iat,
            exp: iat + self.lifetime_secs,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            epoch: bond.epoch,
            key: bond.key.map(|key| key.to_string()),
            jti: Some(id.to_string()),
            generation: bond.generation,
        };
        Ok(Issued { token: self.signatures.sign(&claims)?, id, generation: bond.generation })
    }

    /// Checks a token by itself and returns its user.
    ///
    /// # Errors
    /// As [`Self::grant`].
    pub fn verify(&self, token: &str) -> Result<Caller> {
        self.grant(token).map(|grant| grant.caller)
    }

    /// Checks a token by itself and returns its grant. Whether the account still exists is for [`Self::confirm`] to say.
    ///
    /// # Errors
    /// `Unauthenticated` for a token that is forged, expired, from the future or revoked.
    pub fn grant(&self, token: &str) -> Result<Grant> {
        self.admit(self.signatures.check(token)?)
    }

    pub(super) fn admit(&self, checked: Checked) -> Result<Grant> {
        // The later of the two clocks: Redis' may have been set back since the token was issued.
        let now_secs = self.clock.now_ms().max(self.clock.machine_ms()) / 1000;
        let is_from_future = checked.caller.logged_in_at_secs > now_secs + MAX_AHEAD_SECS;
        let mut grant = Grant {
            caller: checked.caller,
            token: checked.token,
            expires_at_secs: checked.expires_at_secs + LEEWAY_SECS,
            bond: checked.bond,
        };
        if is_from_future || self.is_over(&grant) {
            return Err(Error::Unauthenticated);
        }
        grant.caller = self.names.apply(grant.caller);
        Ok(grant)
    }

    /// The user for whom a token was signed.
    pub fn holder(&self, token: &str) -> Option<UserId> {
        self.signatures.holder(token).ok().or_else(|| self.issuers.known(token).map(|known| known.user))
    }

    /// Checks that the account of a grant exists and is still the one for which the token was issued: one round trip for the
    /// first grant of a user on this node and after a break, none otherwise.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable`.
    pub async fn confirm(&self, store: &Store, grant: &Grant) -> Result<()> {
        self.bindings.confirm(store, &self.revocations, (&grant.caller, grant.bond)).await
    }

    /// Whether [`Self::confirm`] needs no round trip.
    pub fn is_confirmed(&self, store: &Store, grant: &Grant) -> bool {
        self.bindings.is_confirmed(&grant.caller, grant.bond, store.breaks_of(grant.caller.id))
    }

    /// Whether a grant that was confirmed is still good, as far as this node knows.
    pub fn is_good(&self, grant: &Grant) -> bool {
        !self.is_over(grant) && !self.bindings.is_refuted(&grant.caller, grant.bond)
    }

    /// Whether a grant has expired or been revoked.
    fn is_over(&self, grant: &Grant) -> bool {
        let now_secs = self.clock.now_ms() / 1000;
        now_secs > grant.expires_at_secs || self.revocations.is_dead(grant.caller.id, grant.bond.epoch, grant.token)
    }

    /// Whether the token of a login is still valid.
    pub(super) fn is_in_force(&self, user: UserId, login: &LogIn) -> bool {
        let expires_at_secs = login.at_ms / 1000 + self.lifetime_secs + LEEWAY_SECS;
        let is_over =
            self.clock.now_ms() / 1000 > expires_at_secs || self.revocations.is_dead(user, login.epoch, login.token);
        !is_over && login.generation == self.bindings.generation()
    }

    /// Whether a token of a user on these terms is still valid.
    pub(super) fn are_in_force(&self, user: UserId, terms: TokenTerms) -> bool {
        let is_over = self.clock.now_ms() / 1000 > terms.expires_at_secs
            || self.revocations.is_dead(user, terms.epoch, terms.token);
        !is_over && terms.generation == self.bindings.generation()
    }

    /// Reads what a new token of an account must agree with.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prepare(&self, store: &Store, user: UserId) -> Result<()> {
        self.bindings.read(store, &self.revocations, user).await.map(drop)
    }

    /// The user of a grant, with the current name.
    pub fn caller(&self, grant: &Grant) -> Caller {
        self.names.apply(grant.caller.clone())
    }

    /// Changes an account, ends all its tokens, on this node at once, and returns the epoch of those that are issued from now
    /// on.
    ///
    /// # Errors
    /// As [`Store::revoke`].
    pub async fn revoke(&self, store: &Store, user: UserId, change: &Revocation) -> Result<u64> {
        let epoch = store.revoke(user, change).await?;
        self.end_before(user, epoch);
        Ok(epoch)
    }

    /// Ends the tokens of a user of older epochs on this node.
    pub fn end_before(&self, user: UserId, epoch: u64) {
        if self.revocations.raise(user, epoch) {
            // The account has changed with it, perhaps by a ban.
            self.bindings.forget(user);
        }
    }

    /// Records a rename, unless a later one is known.
    pub fn rename(&self, user: UserId, at_ms: u64, name: &str) {
        self.names.note(user, at_ms, name);
    }

    /// Reads the changes of accounts since an earlier reading. A reading since 0 replaces what was known, some of which
    /// Redis may have lost. Returns the time of the reading.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn read_changes(&self, store: &Store, since_ms: u64) -> Result<u64> {
        let changes = store.account_changes(since_ms).await?;
        if since_ms == 0 {
            // Later ones are announcements that arrived meanwhile.
            let is_later = |at_ms: u64| at_ms >= changes.read_at_ms;
            self.revocations.retain(is_later);
            self.names.retain(is_later);
        }
        for (user, epoch) in changes.revoked {
            self.end_before(user, epoch);
        }
        for token in changes.ended {
            self.revocations.end(token);
        }
        for (user, at_ms, name) in changes.renamed {
            self.rename(user, at_ms, &name);
        }
        self.bindings.set_generation(changes.generation);
        Ok(changes.read_at_ms)
    }

    /// Reads again, after a break, which accounts exist.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn read_bindings_again(&self, store: &Store) -> Result<()> {
        self.bindings.read_again(store, &self.revocations).await
    }

    /// The revocations known to this node.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

    use super::*;
    use crate::domain::{Role, now_ms};

    fn key(byte: u8) -> SecretSlice<u8> {
        vec![byte; 32].into()
    }

    fn account(token_epoch: u64) -> Account {
        Account {
            id: UserId(3),
            name: "张三".to_owned(),
            email: String::new(),
            phone: String::new(),
            avatar: String::new(),
            status_text: String::new(),
            created_at_ms: 0,
            updated_at_ms: 0,
            password_hash: String::new(),
            role: Role::User,
            is_banned: false,
            ban_reason: String::new(),
            token_epoch,
            token_key: None,
            one_time_until_ms: None,
            unused_invite: None,
            origin: None,
            left_name: None,
            unannounced_epoch: None,
        }
    }

    #[test]
    fn a_token_carries_the_caller() {
        let tokens = Tokens::new(&[key(1)], 60, Clock::default()).expect("usable");
        let token = tokens.issue(&account(0)).expect("signs").token;
        let caller = tokens.verify(&token).expect("accepts");
        assert_eq!((caller.id, caller.name.as_str()), (UserId(3), "张三"));
    }

    #[test]
    fn a_token_of_a_clock_that_is_ahead_or_behind_is_good_at_once() {
        let keys = [key(1)];
        for error_ms in [60_000, -60_000] {
            let other = Tokens::new(&keys, 3600, Clock::wrong_by(error_ms)).expect("usable");
            let token = other.issue(&account(0)).expect("signs").token;
            assert!(Tokens::new(&keys, 3600, Clock::default()).expect("usable").verify(&token).is_ok());
        }
        let far_ahead = Tokens::new(&keys, 3600, Clock::wrong_by(3_600_000)).expect("usable");
        let token = far_ahead.issue(&account(0)).expect("signs").token;
        assert!(Tokens::new(&keys, 3600, Clock::default()).expect("usable").verify(&token).is_err());
    }

    #[test]
    fn a_token_outlives_a_clock_of_redis_that_is_set_back() {
        let clock = Clock::default();
        let tokens = Tokens::new(&[key(1)], 3600, clock.clone()).expect("usable");
        let token = tokens.issue(&account(0)).expect("signs").token;
        let (machine_ms, hour_ms) = (clock.machine_ms(), 3_600_000);
        clock.adjust(machine_ms, machine_ms - hour_ms, machine_ms);
        assert!(tokens.verify(&token).is_ok());
    }

    #[test]
    fn keys_rotate() {
        let old =
            Tokens::new(&[key(1)], 60, Clock::default()).expect("usable").issue(&account(0)).expect("signs").token;
        assert!(Tokens::new(&[key(2), key(1)], 60, Clock::default()).expect("usable").verify(&old).is_ok());
        assert!(Tokens::new(&[key(2)], 60, Clock::default()).expect("usable").verify(&old).is_err());
    }

    #[test]
    fn revoked_epochs_are_dead_and_the_next_is_good() {
        let tokens = Tokens::new(&[key(1)], 60, Clock::default()).expect("usable");
        let before = tokens.issue(&account(0)).expect("signs").token;
        tokens.revocations().raise(UserId(3), 1000);
        tokens.revocations().raise(UserId(3), 500);
        let after = tokens.issue(&account(1000)).expect("signs").token;
        assert!(tokens.verify(&before).is_err());
        assert!(tokens.verify(&after).is_ok());
    }

    #[test]
    fn a_token_ends_alone_with_and_without_an_id() {
        let tokens = Tokens::new(&[key(1)], 60, Clock::default()).expect("usable");
        let (one, other) = (tokens.issue(&account(0)).expect("signs"), tokens.issue(&account(0)).expect("signs"));
        let now_secs = now_ms() / 1000;
        let claims = serde_json::json!({"sub": "3", "name": "a", "iat": now_secs, "exp": now_secs + 60,
            "iss": ISSUER, "aud": AUDIENCE, "epoch": 0});
        let signing = EncodingKey::from_secret(&[1; 32]).expect("a key");
        let without_id = encode(&Header::new(Algorithm::HS256), &claims, &signing).expect("signs");
        for token in [&one.token, &without_id] {
            let id = tokens.grant(token).expect("valid").token;
            tokens.revocations().end(id);
            assert!(tokens.grant(token).is_err());
            assert!(tokens.grant(&other.token).is_ok());
        }
    }

    #[test]
    fn an_older_token_carries_the_new_name() {
        let tokens = Tokens::new(&[key(1)], 60, Clock::default()).expect("usable");
        let token = tokens.issue(&account(0)).expect("signs").token;
        tokens.rename(UserId(3), now_ms() + 1000, "李四");
        tokens.rename(UserId(3), now_ms() - 1000, "older");
        assert_eq!(tokens.verify(&token).expect("accepts").name, "李四");
    }

    #[test]
    fn a_remembered_token_still_expires() {
        let tokens = Tokens::new(&[key(1)], 60, Clock::default()).expect("usable");
        let token = tokens.issue(&account(0)).expect("signs").token;
        tokens.verify(&token).expect("accepts");
        let mut known = tokens.signatures.checked.lock().expect("no panic");
        assert!(known.values().any(|(text, _)| **text == *token), "remembered");
        known.values_mut().for_each(|(_, it)| it.expires_at_secs = now_ms() / 1000 - LEEWAY_SECS - 1);
        drop(known);
        assert!(tokens.verify(&token).is_err());
    }

    #[test]
    fn other_algorithms_and_audiences_are_refused() {
        let tokens = Tokens::new(&[key(1)], 60, Clock::default()).expect("usable");
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIiwiZXhwIjo0MTAyNDQ0ODAwfQ.";
        assert!(tokens.verify(none).is_err());
        let claims = serde_json::json!({"sub": "1", "name": "a", "iat": 1, "exp": 4_102_444_800_u64,
            "iss": ISSUER, "aud": "others", "epoch": 0});
        let foreign =
            encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&[1; 32]).expect("a key"));
        assert!(tokens.verify(&foreign.expect("signs")).is_err());
        let claims = serde_json::json!({"sub": "1", "name": "a", "iat": 1, "exp": 4_102_444_800_u64,
            "iss": ISSUER, "aud": AUDIENCE, "epoch": 0});
        let wider =
            encode(&Header::new(Algorithm::HS384), &claims, &EncodingKey::from_secret(&[1; 32]).expect("a key"));
        assert!(tokens.verify(&wider.expect("signs")).is_err());
    }
}
