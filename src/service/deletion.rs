//! Deletion of accounts.

use tracing::info;

use super::accounts::Accounts;
use crate::domain::{Caller, Client, Result, TypedPassword, UserId};

impl Accounts {
    /// Deletes the caller's account. Messages stay, under the name of deleted users.
    ///
    /// # Errors
    /// `WrongPassword`, `RateLimited`; `UserNotFound` when it was deleted meanwhile.
    pub async fn delete(&self, caller: &Caller, password: &TypedPassword, client: &Client) -> Result<()> {
        let account = self.verified(caller, password, client).await?;
        self.delete_checked(account.id, &account.password_hash).await
    }

    /// Finishes deletions, also those that other nodes left half-done. Called once a minute.
    pub async fn housekeeping(&self) -> Result<()> {
        self.store.finish_deletions().await
    }

    /// Deletes an account whose password has this hash; empty for an administrator.
    pub(super) async fn delete_checked(&self, user: UserId, checked: &str) -> Result<()> {
        let epoch = self.store.delete_account(user, checked).await?;
        self.tokens.end_before(user, epoch);
        info!(user.id = %user, "account deleted");
        Ok(())
    }
}
