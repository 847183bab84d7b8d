//! The accounts that tokens of other issuers open: made at first sight, found by issuer and subject, named as the issuer names
//! them.

use std::sync::Arc;

use tracing::info;

use super::accounts::Accounts;
use super::grant::Grant;
use super::issuers::{Issuers, Known, Stated};
use super::tokens::{LEEWAY_SECS, MAX_AHEAD_SECS, Tokens};
use crate::config::IssuerConfig;
use crate::domain::{Account, AccountOrigin, Error, ProfileChange, Result, UserName};

/// Characters of a name that make place for what tells it from a taken one.
const SHORTENED_CHARS: usize = 27;
/// Digits that tell a name from a taken one, and those that make a name.
const SUFFIX_DIGITS: usize = 4;
const NAME_DIGITS: usize = 16;

impl Tokens {
    /// Accepts tokens of these issuers as well.
    ///
    /// # Errors
    /// `Internal` for a key that cannot be used.
    pub fn trusting(mut self, issuers: &[IssuerConfig]) -> Result<Self> {
        self.issuers = Issuers::new(issuers, self.lifetime_secs)?;
        Ok(self)
    }

    /// The other issuers whose tokens are accepted.
    pub(super) fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// Keeps the keys that they publish current, as long as the node runs.
    pub async fn follow_issuers(self: Arc<Self>) {
        self.issuers.follow_keys().await;
    }

    /// Checks a token of another issuer by itself.
    ///
    /// # Errors
    /// `Unauthenticated`, `Unavailable`.
    pub(super) async fn check_foreign(&self, token: &str) -> Result<Stated> {
        let stated = self.issuers.check(token, self.clock.now_ms() / 1000).await?;
        self.check_times(&stated)?;
        Ok(stated)
    }

    /// The grant of a token of another issuer, whose account is known.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub(super) fn grant_known(&self, known: &Known) -> Result<Grant> {
        self.check_times(&known.stated)?;
        self.admit(known.checked(self.bindings.generation()))
    }

    fn check_times(&self, stated: &Stated) -> Result<()> {
        let now_secs = self.clock.now_ms() / 1000;
        let is_early = stated.not_before_secs > now_secs + LEEWAY_SECS;
        let is_late = now_secs > stated.expires_at_secs + LEEWAY_SECS;
        let is_from_future = stated.issued_at_secs > now_secs + MAX_AHEAD_SECS;
        if is_early || is_late || is_from_future { Err(Error::Unauthenticated) } else { Ok(()) }
    }
}

impl Accounts {
    /// Checks a token that this server has not issued. The first request with a token on a node costs a few round trips.
    ///
    /// # Errors
    /// `Unauthenticated`, also when the account is banned or was deleted; `StorageFull`, `Unavailable`.
    pub(super) async fn granted_by_issuer(&self, token: &str) -> Result<Grant> {
        let issuers = self.tokens.issuers();
        let known = match issuers.known(token) {
            Some(known) => known,
            None => {
                let withdrawals = issuers.withdrawals();
                let stated = self.tokens.check_foreign(token).await?;
                let account = self.account_for(&stated).await?;
                let known = Arc::new(Known { stated, user: account.id, name: account.name });
                issuers.remember(token, &known, withdrawals);
                known
            }
        };
        let grant = self.tokens.grant_known(&known)?;
        let confirmed = self.confirm(&grant).await;
        if matches!(confirmed, Err(Error::Unauthenticated)) {
            issuers.forget(token);
        }
        confirmed.map(|()| grant)
    }

    /// The account that a token is for, under the name that the token has.
    async fn account_for(&self, stated: &Stated) -> Result<Account> {
        let names = names(stated.name.as_deref(), stated.origin);
        let account = self.provide(stated.origin, &names).await.map_err(|error| match error {
            Error::UserNotFound => Error::Unauthenticated,
            error => error,
        })?;
        let has_name = stated.name.is_none() || names.iter().any(|name| name.as_str() == account.name);
        // An older token has an older name.
        let is_later = stated.issued_at_secs * 1000 > account.updated_at_ms;
        if has_name || !is_later || account.is_banned { Ok(account) } else { self.rename(account, names).await }
    }

    /// Gives an account the first of these names that is free.
    async fn rename(&self, account: Account, names: Vec<UserName>) -> Result<Account> {
        for name in names.into_iter().filter(|name| !name.is_reserved()) {
            let change = ProfileChange { name: Some(name), avatar: None, phone: None, status_text: None };
            match self.store.change_profile(account.id, &change).await {
                Ok(account) => {
                    self.tokens.rename(account.id, account.updated_at_ms, &account.name);
                    info!(user.id = %account.id, "renamed by the issuer of a token");
                    return Ok(account);
                }
                Err(Error::NameTaken) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(account)
    }
}

/// The names that an account may have, the best one first: the one in the token, the same with some digits of the origin,
/// digits alone.
fn names(stated: Option<&str>, origin: AccountOrigin) -> Vec<UserName> {
    let digits = origin.to_string();
    let mut texts = Vec::new();
    if let Some(name) = stated {
        let short: String = name.trim().chars().take(SHORTENED_CHARS).collect();
        texts.extend([name.to_owned(), format!("{short}-{}", &digits[..SUFFIX_DIGITS])]);
    }
    texts.push(format!("user-{}", &digits[..NAME_DIGITS]));
    texts.iter().filter_map(|text| UserName::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_name() {
        let origin = AccountOrigin::of_subject("https://id.example", "u-1");
        let digits = origin.to_string();
        let (suffix, last) = (&digits[..4], format!("user-{}", &digits[..16]));
        let found =
            |name: Option<&str>| names(name, origin).iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(found(Some("Ann")), ["Ann".to_owned(), format!("Ann-{suffix}"), last.clone()]);
        assert_eq!(found(Some(&"x".repeat(40))), [format!("{}-{suffix}", "x".repeat(27)), last.clone()]);
        for name in [None, Some("a\u{202e}b")] {
            assert_eq!(found(name), std::slice::from_ref(&last));
        }
        assert!(found(Some("")).ends_with(&[last]));
    }
}
