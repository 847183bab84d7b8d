//! Accounts that are made for somebody: they have no password, and an origin by which they are found again.

use tracing::info;

use super::accounts::Accounts;
use super::passwords::NO_PASSWORD;
use crate::domain::{Account, AccountOrigin, Error, NewAccount, Result, UserName};

impl Accounts {
    /// The account of an origin. If there is none, makes one under the first of these names that is free.
    ///
    /// # Errors
    /// `UserNotFound` when the account was deleted; `NameTaken`, `StorageFull`.
    pub(super) async fn provide(&self, origin: AccountOrigin, names: &[UserName]) -> Result<Account> {
        for name in names {
            if let Some(account) = self.store.account_of(origin).await? {
                return Ok(account);
            }
            self.limits.check_memory()?;
            if name.is_reserved() {
                continue;
            }
            if !self.store.is_name_taken(name).await? {
                let new = NewAccount {
                    name: name.clone(),
                    email: None,
                    phone: String::new(),
                    invite: None,
                    origin: Some(origin),
                };
                match self.store.create_account(&new, NO_PASSWORD, self.store.now_ms()).await {
                    Ok(account) => {
                        info!(user.id = %account.id, "account created for a token of another issuer, or a webhook");
                        return Ok(account);
                    }
                    // Somebody has the name, or another request has just made the account.
                    Err(Error::NameTaken | Error::EmailTaken) => {}
                    Err(error) => return Err(error),
                }
            }
            // Perhaps another request is about to make it.
            if let Some(account) = self.store.finish_account_of(origin, name).await? {
                return Ok(account);
            }
        }
        self.store.account_of(origin).await?.ok_or(Error::NameTaken)
    }
}
