//! Log-ins: their list, their end, and the change of the password, which ends all others.

use tracing::{debug, info};

use super::accounts::{Accounts, counted};
use crate::domain::{Account, Caller, Client, Error, Password, Result, Session, TokenId, TypedPassword, UserId};
use crate::store::{NewLogIn, Revocation};

impl Accounts {
    /// Whether a password belongs to an account; without an account it takes the same time. The one place where a
    /// password is checked.
    pub(super) async fn verify(
        &self,
        account: Option<&Account>,
        password: &TypedPassword,
        client: &Client,
    ) -> Result<bool> {
        self.passwords.matches(password, account.map(|account| account.password_hash.as_str()), client).await
    }

    /// The caller's account, if the password is right.
    ///
    /// # Errors
    /// `WrongPassword`, `UserNotFound`; `RateLimited`, as for a login.
    pub(super) async fn verified(&self, caller: &Caller, password: &TypedPassword, client: &Client) -> Result<Account> {
        self.limits.check_sign_in(client)?;
        let account = self.profile(caller).await?;
        let counted = counted(&account);
        self.count_guess(&counted, client).await?;
        if !self.verify(Some(&account), password, client).await? {
            return Err(Error::WrongPassword);
        }
        self.forget_guesses(&counted, client).await;
        Ok(account)
    }

    /// Issues a token for an account and records the login.
    pub(super) async fn begin_session(&self, account: &Account, client: &Client) -> Result<String> {
        self.tokens.prepare(&self.store, account.id).await?;
        let issued = self.tokens.issue(account)?;
        let (token, generation) = (issued.id, issued.generation);
        self.store.record_login(&NewLogIn { account, token, generation, client }).await?;
        Ok(issued.token)
    }

    /// Ends the token of a request, on this node at once and on the others within a second.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn log_out(&self, caller: &Caller, token: TokenId) -> Result<()> {
        self.store.end_token(caller.id, token).await?;
        self.tokens.revocations().end(token);
        // What is left is never used, and goes with the next notification.
        if let Err(error) = self.store.end_push(caller.id, token).await {
            debug!(user.id = %caller.id, %error, "could not forget the subscriptions of a session that has ended");
        }
        Ok(())
    }

    /// Ends all tokens of a user, in the same way.
    ///
    /// # Errors
    /// `UserNotFound`, `Unavailable`.
    pub async fn log_out_everywhere(&self, user: UserId) -> Result<()> {
        self.revoke(user, &Revocation::Tokens).await.map(drop)
    }

    /// Changes an account, ends all its tokens, and returns the epoch of those that are issued from now on.
    pub(super) async fn revoke(&self, user: UserId, change: &Revocation) -> Result<u64> {
        self.tokens.revoke(&self.store, user, change).await
    }

    /// The caller's logins of the last 30 days, newest first, at most 100. `current` is the token of the request.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn sessions(&self, caller: UserId, current: Option<TokenId>) -> Result<Vec<Session>> {
        let logins = self.store.logins(caller).await?;
        let session = |login: crate::store::LogIn| Session {
            id: login.token,
            is_active: self.tokens.is_in_force(caller, &login),
            is_current: current == Some(login.token),
            at_ms: login.at_ms,
            ip: login.ip,
            user_agent: login.user_agent,
        };
        Ok(logins.into_iter().map(session).collect())
    }

    /// Ends the token of one of the caller's logins; no-op for one that has ended.
    ///
    /// # Errors
    /// `NotFound` when the caller has no such login.
    pub async fn end_session(&self, caller: &Caller, token: TokenId) -> Result<()> {
        let logins = self.store.logins(caller.id).await?;
        if !logins.iter().any(|login| login.token == token) {
            return Err(Error::NotFound);
        }
        self.log_out(caller, token).await
    }

    /// Changes the caller's password, which ends all tokens, and returns a new one.
    ///
    /// # Errors
    /// `WrongPassword` when the old one is wrong or was changed meanwhile; `WeakPassword`, `RateLimited`.
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: &TypedPassword,
        new: &Password,
        client: &Client,
    ) -> Result<String> {
        let mut account = self.verified(caller, old, client).await?;
        new.check_strength(&account.name)?;
        let new = self.passwords.hash(new, Some(client)).await?;
        let checked = std::mem::take(&mut account.password_hash);
        account.token_epoch = self.revoke(account.id, &Revocation::Password { checked, new }).await?;
        info!(user.id = %account.id, "password changed");
        self.begin_session(&account, client).await
    }
}
