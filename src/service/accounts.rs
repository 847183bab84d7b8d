//! Accounts: registering, logging in, and what operators do to them.

use std::sync::Arc;

use tracing::info;

use super::passwords::Passwords;
use super::tokens::Tokens;
use crate::domain::{Account, Caller, Error, Password, Result, SYSTEM_NAME, UserId, UserName, now_ms};
use crate::store::{Revocation, Store};

/// Registering and logging in.
pub struct Accounts {
    store: Store,
    tokens: Arc<Tokens>,
    passwords: Arc<Passwords>,
}

impl Accounts {
    /// Accounts over a store.
    pub fn new(store: Store, tokens: Arc<Tokens>, passwords: Arc<Passwords>) -> Self {
        Self { store, tokens, passwords }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `NameTaken`, also for the name under which the server speaks.
    pub async fn register(&self, name: &UserName, password: &Password) -> Result<UserId> {
        let is_servers = name.as_str() == SYSTEM_NAME;
        if is_servers || self.store.is_name_taken(name).await? {
            return Err(Error::NameTaken);
        }
        let hash = self.passwords.hash(password).await?;
        let id = self.store.create_account(name, &hash, now_ms()).await?;
        info!(user.id = %id, "user registered");
        Ok(id)
    }

    /// A token for the right password. Unknown, wrong and banned take the same work and answer alike.
    ///
    /// # Errors
    /// `BadCredentials`.
    pub async fn log_in(&self, name: &UserName, password: &Password) -> Result<String> {
        let account = self.store.account_by_name(name.as_str()).await?;
        let hash = account.as_ref().map(|account| account.password_hash.as_str());
        let matches = self.passwords.matches(password, hash).await?;
        let account = account.filter(|account| matches && !account.is_banned).ok_or(Error::BadCredentials)?;
        self.store.record_login(account.id, now_ms()).await?;
        self.tokens.issue(&account)
    }

    /// The user behind a token; no round trip.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub fn authenticate(&self, token: &str) -> Result<Caller> {
        self.tokens.verify(token)
    }

    async fn named(&self, name: &str) -> Result<Account> {
        let name = UserName::parse(name)?;
        self.store.account_by_name(name.as_str()).await?.ok_or(Error::UserNotFound)
    }

    /// Makes a user an administrator, at once.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn promote(&self, name: &str) -> Result<UserId> {
        let account = self.named(name).await?;
        self.store.promote(account.id).await?;
        Ok(account.id)
    }

    /// Sets a user's password and ends every token they have.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn set_password(&self, name: &str, password: &Password) -> Result<UserId> {
        let account = self.named(name).await?;
        let hash = self.passwords.hash(password).await?;
        self.store.revoke(account.id, &Revocation::PasswordHash(hash)).await?;
        Ok(account.id)
    }

    /// Bans a user, which ends every token they have, or lifts a ban.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn set_banned(&self, name: &str, is_banned: bool) -> Result<UserId> {
        let account = self.named(name).await?;
        self.store.revoke(account.id, &Revocation::Banned(is_banned)).await?;
        Ok(account.id)
    }
}
