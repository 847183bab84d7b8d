//! Tokens of applications: made, listed and revoked on the command line, checked at each request.

use std::sync::Arc;

use super::accounts::Accounts;
use super::audit::{Act, Operator, Target, record};
use super::limits::Limits;
use crate::domain::{
    AccountOrigin, Application, ApplicationToken, Caller, Client, Error, Result, Scope, StoredApplication, UserId,
    UserName, UserRef,
};

/// Makes and checks tokens of applications.
pub struct Applications {
    accounts: Accounts,
    limits: Arc<Limits>,
}

impl Applications {
    /// Tokens whose accounts are these.
    pub fn new(accounts: Accounts) -> Self {
        let limits = Arc::clone(&accounts.limits);
        Self { accounts, limits }
    }

    /// Creates a token, and the account in whose name it speaks unless an earlier token with the name has left one.
    ///
    /// # Errors
    /// `Forbidden`; `NameTaken` by a token, or by another account; `UserNotFound` when the account was deleted.
    pub async fn create(
        &self,
        operator: &Operator<'_>,
        name: &UserName,
        scopes: Vec<Scope>,
    ) -> Result<ApplicationToken> {
        let store = &self.accounts.store;
        operator.administer(store).await?;
        let target = UserRef { id: UserId::SERVER, name: name.as_str().to_owned() };
        record(store, operator, Act::CreateToken, Some(Target::User(target))).await?;
        let bot =
            self.accounts.provide(AccountOrigin::of_application(name.as_str()), std::slice::from_ref(name)).await?;
        store.mark_bot(bot.id).await?;
        let token = ApplicationToken::new()?;
        let stored =
            StoredApplication { name: name.as_str().to_owned(), bot: bot.id, scopes, created_at_ms: store.now_ms() };
        store.create_application(&token, &stored).await?;
        Ok(token)
    }

    /// All tokens by name, each with the time of its last use, UTC milliseconds.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn list(&self, operator: &Operator<'_>) -> Result<Vec<(StoredApplication, Option<u64>)>> {
        operator.administer(&self.accounts.store).await?;
        self.accounts.store.applications().await
    }

    /// Revokes a token, effective immediately. The account and its messages stay.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn revoke(&self, operator: &Operator<'_>, name: &str) -> Result<()> {
        let store = &self.accounts.store;
        operator.administer(store).await?;
        let bot = store.bot_named(name).await?.ok_or(Error::NotFound)?;
        let target = UserRef { id: bot, name: name.to_owned() };
        record(store, operator, Act::RevokeToken, Some(Target::User(target))).await?;
        store.revoke_application(name).await
    }

    /// Checks the token of a request. A valid one counts as a request of its application, an invalid one as a refused token
    /// of the client's address.
    ///
    /// # Errors
    /// `Unauthenticated`, also when the application's account is banned or deleted; `RateLimited`.
    pub async fn authenticate(&self, token: &ApplicationToken, client: &Client) -> Result<Application> {
        match self.find(token).await? {
            Some(application) => {
                self.limits.check_application(application.bot.id)?;
                Ok(application)
            }
            None => {
                self.limits.check_refused_token(client)?;
                Err(Error::Unauthenticated)
            }
        }
    }

    async fn find(&self, token: &ApplicationToken) -> Result<Option<Application>> {
        let Some(stored) = self.accounts.store.use_application(token).await? else { return Ok(None) };
        let account = self.accounts.store.account(stored.bot).await?.filter(|account| !account.is_banned);
        Ok(account.map(|account| {
            let bot = Caller { id: account.id, name: account.name, logged_in_at_secs: 0 };
            Application::new(bot, stored.scopes)
        }))
    }
}
