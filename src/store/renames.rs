//! Changes of profiles, and what follows a change of name.
//!
//! A new name is claimed before the account has it, and the former one is released afterwards. The account notes the name
//! that it has left until then, so that the next change of name, or the next login, finishes what a request did not.
//!
//! Users may take a name back while it is being released. So who releases one reads the account afterwards, and claims the
//! present name again if that has changed.

use tracing::warn;

use super::Store;
use super::redis::reply::{is_absent, text};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Account, Error, ProfileChange, Result, StatusText, UserId, UserName, folded};

impl Store {
    /// Changes a profile. Claims a new name first, changes the account unless it was renamed meanwhile, then releases the
    /// old name. Tokens stay valid; the new name is announced to all nodes, and the change to the user's connections.
    /// Repeating a change that ended half-way finishes it.
    ///
    /// # Errors
    /// `NameTaken`; `UserNotFound`.
    pub async fn change_profile(&self, id: UserId, change: &ProfileChange) -> Result<Account> {
        loop {
            let mut account = self.present_account(id).await?;
            if change.name.is_some() {
                account = self.finish_rename(account).await?;
            }
            let name = change.name.as_ref().filter(|name| name.as_str() != account.name);
            if let Some(name) = name {
                self.claim_new_name(&account, name).await?;
            }
            let change = ProfileChange { name: name.cloned(), ..change.clone() };
            let Some(at_ms) = self.write_profile(&account, &change).await? else {
                // Renamed meanwhile: release the claimed name, unless the other change chose the same.
                if let Some(name) = name {
                    self.release_name(self.present_account(id).await?, name.as_str()).await?;
                }
                continue;
            };
            self.announce_profile(id, at_ms, &change).await?;
            let account = self.present_account(id).await?;
            return if name.is_some() { self.finish_rename(account).await } else { Ok(account) };
        }
    }

    async fn present_account(&self, id: UserId) -> Result<Account> {
        self.account(id).await?.ok_or(Error::UserNotFound)
    }

    /// Releases the name that an account has left, and announces the present one; no-op if that is done. Returns the account
    /// after that.
    pub async fn finish_rename(&self, account: Account) -> Result<Account> {
        let Some(left) = account.left_name.clone() else { return Ok(account) };
        let account = self.release_name(account, &left).await?;
        self.reindex_user(account.id, &left, &account.name).await?;
        self.announce_name(account.id, &account.name, account.updated_at_ms).await?;
        self.settle(account.id, "left", &left).await?;
        Ok(account)
    }

    /// Claims a name that an account is to have, next to the present one.
    async fn claim_new_name(&self, account: &Account, name: &UserName) -> Result<()> {
        // Another spelling of the same name needs no other key.
        let key = Some(name.folded()).filter(|key| *key != folded(&account.name)).map(|key| self.keys.name(&key));
        if let Some(key) = &key
            && !self.claim(key, account.id).await?
        {
            return Err(Error::NameTaken);
        }
        if !self.claim_looks(account.id, name.as_str(), Some(&account.name)).await? {
            if let Some(key) = &key {
                self.release(account.id, key, 0).await?;
            }
            return Err(Error::NameTaken);
        }
        Ok(())
    }

    /// Releases a name that an account does not have any more, except what the present name has in common with it. Returns
    /// the account after that.
    async fn release_name(&self, account: Account, name: &str) -> Result<Account> {
        if folded(name) != folded(&account.name) {
            self.release(account.id, &self.keys.name(&folded(name)), 0).await?;
        }
        self.release_look_alikes(account.id, name, Some(&account.name)).await?;
        let found = self.present_account(account.id).await?;
        // Renamed meanwhile, perhaps to the name that was released.
        if found.name == account.name { Ok(found) } else { Box::pin(self.hold_name(found)).await }
    }

    /// Claims the name that an account has. Returns the account after that.
    pub(super) async fn hold_name(&self, account: Account) -> Result<Account> {
        let (id, name) = (account.id, &account.name);
        let is_held = self.claim(&self.keys.name(&folded(name)), id).await?;
        if !is_held || !self.claim_looks(id, name, Some(name)).await? {
            warn!(user.id = %id, "another has taken the name of an account while it was changed");
        }
        let found = self.present_account(id).await?;
        if found.name == *name { Ok(found) } else { Box::pin(self.release_name(found, name)).await }
    }

    /// Returns the time of the change, or `None` when the account has been renamed meanwhile.
    async fn write_profile(&self, known: &Account, change: &ProfileChange) -> Result<Option<u64>> {
        let fields = [
            ("name", change.name.as_ref().map(UserName::as_str)),
            ("avatar", change.avatar.as_deref()),
            ("phone", change.phone.as_deref()),
            ("status", change.status_text.as_ref().map(StatusText::as_str)),
        ];
        let mut args = vec![Arg::Text(&known.name)];
        for (field, value) in fields {
            if let Some(value) = value {
                args.extend([Arg::Text(field), Arg::Text(value)]);
            }
        }
        if change.name.is_some() {
            args.extend([Arg::Text("left"), Arg::Text(&known.name)]);
        }
        let (account, seen) = (self.keys.user(known.id), self.keys.seen(known.id));
        let call = Call { script: &scripts::CHANGE_PROFILE, keys: &[&account, &seen], args: &args };
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        if is_absent(&reply) {
            return Err(Error::UserNotFound);
        }
        match text(&reply)? {
            "changed" => Ok(None),
            at_ms => at_ms.parse().map(Some).map_err(Error::internal),
        }
    }
}
