//! Accounts by their origin.

use redis::Pipeline;

use super::Store;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Account, AccountOrigin, Error, Result, UserName};

impl Store {
    /// The account of an origin, if there is one. A key that points to an account that Redis has lost is removed.
    ///
    /// # Errors
    /// `UserNotFound` when the account was deleted: it is not created again.
    pub async fn account_of(&self, origin: AccountOrigin) -> Result<Option<Account>> {
        let key = self.keys.origin(origin);
        let Some(id) = self.holder(&key).await? else { return Ok(None) };
        if let Some(account) = self.account(id).await? {
            return Ok(Some(account).filter(|account| account.origin == Some(origin)));
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HEXISTS").arg(self.keys.user(id)).arg("deleted");
        if reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)? {
            return Err(Error::UserNotFound);
        }
        let args = [Arg::Number(id.0), Arg::Number(0)];
        let call = Call { script: &scripts::RELEASE, keys: &[&key], args: &args };
        self.writer.run_script(&call, &[]).await?;
        Ok(None)
    }

    /// The account that is being made for an origin under this name, by another request or by a node that crashed meanwhile:
    /// finishes it. `None` where there is none, or where it cannot have the name.
    pub async fn finish_account_of(&self, origin: AccountOrigin, name: &UserName) -> Result<Option<Account>> {
        let Some(id) = self.claimant(name).await? else { return Ok(None) };
        let Some(account) = self.account(id).await?.filter(|account| account.origin == Some(origin)) else {
            return Ok(None);
        };
        match self.claim_identity(&account).await {
            Ok(()) => {}
            Err(Error::NameTaken | Error::EmailTaken) => return Ok(None),
            Err(error) => return Err(error),
        }
        self.ensure_global_membership(id, &account.name).await?;
        Ok(Some(account))
    }

    /// Makes the origin of an account point to it. Returns whether it does, or there is none.
    pub(super) async fn claim_origin(&self, account: &Account) -> Result<bool> {
        let Some(origin) = account.origin else { return Ok(true) };
        self.claim(&self.keys.origin(origin), account.id).await
    }
}
