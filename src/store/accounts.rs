//! Accounts: register, look up, change, revoke.

use std::collections::HashMap;

use redis::Pipeline;

use super::redis::reply::{self, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::{Store, UserEvent};
use crate::domain::{
    Account, Email, Error, Limit, NewAccount, ProfileChange, Result, Role, UserId, UserName, UserRef, folded,
};

/// Maximum lifetime of a token, 366 days, for which revocations and renamings are kept. `config` caps the setting at it.
const REMEMBERED_FOR_MS: u64 = 366 * 24 * 60 * 60 * 1000;

/// A change of an account that also revokes all its tokens.
#[derive(Clone, Debug)]
pub enum Revocation {
    /// A new password, hashed.
    PasswordHash(String),
    /// Banned or not.
    Banned(bool),
}

impl Store {
    /// Creates an account and its membership of the global room.
    ///
    /// The account is written before name and e-mail address point to it, so these never dangle. When two users register
    /// the same name at once, or a node crashes in between, an unreferenced hash is removed or left behind; its number is
    /// not reused.
    ///
    /// # Errors
    /// `NameTaken`, `EmailTaken`.
    pub async fn create_account(&self, new: &NewAccount, password_hash: &str, now_ms: u64) -> Result<Account> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INCR").arg(self.keys.user_counter());
        let id = UserId(reply::read(next(&mut self.writer.run(&pipeline).await?.into_iter())?)?);
        let email = new.email.as_ref().map_or("", Email::as_str);

        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HSET").arg(self.keys.user(id)).arg(&["name", new.name.as_str(), "hash", password_hash]);
        pipeline.arg(&["email", email, "phone", &new.phone]).arg("created").arg(now_ms).arg("updated").arg(now_ms);
        self.writer.run(&pipeline).await?;
        let claims = [
            (Some(self.keys.name(&new.name.folded())), Error::NameTaken),
            (new.email.as_ref().map(|email| self.keys.email(&email.folded())), Error::EmailTaken),
        ];
        let mut claimed = vec![self.keys.user(id)];
        for (key, taken) in claims {
            let Some(key) = key else { continue };
            if !self.claim(&key, id).await? {
                self.remove(&claimed).await?;
                return Err(taken);
            }
            claimed.push(key);
        }
        self.ensure_global_membership(id).await?;
        self.index_name(id, new.name.as_str()).await?;
        Ok(Account {
            id,
            name: new.name.as_str().to_owned(),
            email: email.to_owned(),
            phone: new.phone.clone(),
            avatar: String::new(),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            password_hash: password_hash.to_owned(),
            role: Role::User,
            is_banned: false,
            token_epoch: 0,
        })
    }

    /// Makes a key point to a user unless it points to another.
    async fn claim(&self, key: &str, user: UserId) -> Result<bool> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("SET").arg(key).arg(user.0).arg("NX");
        pipeline.cmd("GET").arg(key);
        let holder: Option<u64> = reply::read(self.writer.run(&pipeline).await?.pop().unwrap_or_default())?;
        Ok(holder == Some(user.0))
    }

    async fn remove(&self, keys: &[String]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipeline.cmd("DEL").arg(key);
        }
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Indexes a name for searches by prefix.
    async fn index_name(&self, user: UserId, name: &str) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZADD").arg(self.keys.user_names()).arg(0).arg(format!("{}\0{user}", folded(name)));
        self.writer.run(&pipeline).await?;
        Ok(())
    }

    /// Finds users whose name begins with a text, sorted by name.
    pub async fn find_users(&self, start: &str, limit: Limit) -> Result<Vec<UserRef>> {
        let found = self.find_by_start(&self.keys.user_names(), start, limit).await?;
        self.names(&found.into_iter().map(UserId).collect::<Vec<_>>()).await
    }

    /// Whether a name is taken: a quick check before the costly password hash, which claims nothing.
    pub async fn is_name_taken(&self, name: &UserName) -> Result<bool> {
        Ok(self.holder(&self.keys.name(&name.folded())).await?.is_some())
    }

    async fn holder(&self, key: &str) -> Result<Option<UserId>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(key);
        let id: Option<u64> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(id.map(UserId))
    }

    /// The account with this name, ignoring case. A name that a crashed node claimed without renaming its account belongs
    /// to no account.
    pub async fn account_by_name(&self, name: &str) -> Result<Option<Account>> {
        let name = folded(name);
        let account = self.account_at(&self.keys.name(&name)).await?;
        Ok(account.filter(|account| folded(&account.name) == name))
    }

    /// The account with this e-mail address, ignoring case.
    pub async fn account_by_email(&self, email: &Email) -> Result<Option<Account>> {
        self.account_at(&self.keys.email(&email.folded())).await
    }

    async fn account_at(&self, key: &str) -> Result<Option<Account>> {
        match self.holder(key).await? {
            Some(id) => self.account(id).await,
            None => Ok(None),
        }
    }

    /// Reads an account.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGETALL").arg(self.keys.user(id));
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        let mut fields: HashMap<String, String> = reply::read(reply)?;
        let (Some(name), Some(password_hash)) = (fields.remove("name"), fields.remove("hash")) else {
            return Ok(None);
        };
        let number = |text: Option<&String>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
        let created_at_ms = number(fields.get("created"));
        Ok(Some(Account {
            id,
            name,
            password_hash,
            created_at_ms,
            updated_at_ms: number(fields.get("updated")).max(created_at_ms),
            role: if fields.get("role").is_some_and(|role| role == "admin") { Role::Admin } else { Role::User },
            is_banned: fields.get("banned").is_some_and(|banned| banned == "1"),
            token_epoch: number(fields.get("epoch")),
            email: fields.remove("email").unwrap_or_default(),
            phone: fields.remove("phone").unwrap_or_default(),
            avatar: fields.remove("avatar").unwrap_or_default(),
        }))
    }

    /// Changes a profile. Claims a new name first, changes the account unless it was renamed meanwhile, then releases the
    /// old name. Tokens stay valid; the new name is announced to all nodes.
    ///
    /// # Errors
    /// `NameTaken`; `UserNotFound`.
    pub async fn change_profile(&self, id: UserId, change: &ProfileChange) -> Result<Account> {
        loop {
            let account = self.account(id).await?.ok_or(Error::UserNotFound)?;
            let name = change.name.as_ref().filter(|name| name.as_str() != account.name);
            let (old_key, new_key) = (folded(&account.name), name.map(UserName::folded));
            let new_key = new_key.filter(|key| *key != old_key).map(|key| self.keys.name(&key));
            if let Some(key) = &new_key
                && !self.claim(key, id).await?
            {
                return Err(Error::NameTaken);
            }
            let Some(at_ms) = self.write_profile(&account, change).await? else {
                // Renamed meanwhile: release the claimed name, unless the other change chose the same.
                let current = self.account(id).await?.ok_or(Error::UserNotFound)?;
                let lost = new_key.filter(|key| *key != self.keys.name(&folded(&current.name)));
                self.remove(lost.as_slice()).await?;
                continue;
            };
            if new_key.is_some() {
                self.remove(&[self.keys.name(&old_key)]).await?;
            }
            if let Some(name) = name {
                self.index_name(id, name.as_str()).await?;
                let mut pipeline = Pipeline::with_capacity(1);
                let former = format!("{old_key}\0{id}");
                if new_key.is_some() {
                    pipeline.cmd("ZREM").arg(self.keys.user_names()).arg(former);
                }
                self.connection.run(&pipeline).await?;
                self.announce_name(id, name.as_str(), at_ms).await?;
            }
            return self.account(id).await?.ok_or(Error::UserNotFound);
        }
    }

    /// Returns the time of the change, or `None` when the account has been renamed meanwhile.
    async fn write_profile(&self, known: &Account, change: &ProfileChange) -> Result<Option<u64>> {
        let fields = [
            ("name", change.name.as_ref().map(UserName::as_str)),
            ("avatar", change.avatar.as_deref()),
            ("phone", change.phone.as_deref()),
        ];
        let mut args = vec![Arg::Text(&known.name)];
        for (field, value) in fields {
            if let Some(value) = value {
                args.extend([Arg::Text(field), Arg::Text(value)]);
            }
        }
        let key = self.keys.user(known.id);
        let call = Call { script: &scripts::CHANGE_PROFILE, keys: &[&key], args: &args };
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        if is_absent(&reply) {
            return Err(Error::UserNotFound);
        }
        match text(&reply)? {
            "changed" => Ok(None),
            at_ms => at_ms.parse().map(Some).map_err(Error::internal),
        }
    }

    /// Records a new name for nodes that start later or miss the announcement, then announces it.
    async fn announce_name(&self, user: UserId, name: &str, at_ms: u64) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.renamed()).arg(0).arg(at_ms.saturating_sub(REMEMBERED_FOR_MS));
        pipeline.cmd("ZADD").arg(self.keys.renamed()).arg("GT").arg(at_ms).arg(user.0);
        let event = UserEvent::Renamed { user, at_ms, name: name.to_owned() }.to_string();
        pipeline.cmd("PUBLISH").arg(self.keys.users_live(user)).arg(event);
        self.writer.run(&pipeline).await?;
        Ok(())
    }

    /// Users who changed their name at or after `since_ms`, with the time and the current name.
    pub async fn renames(&self, since_ms: u64) -> Result<Vec<(UserId, u64, String)>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.renamed()).arg(since_ms).arg("+inf").arg(&["BYSCORE", "WITHSCORES"]);
        let renamed: Vec<(u64, f64)> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let mut pipeline = Pipeline::with_capacity(renamed.len());
        for (user, _) in &renamed {
            pipeline.cmd("HGET").arg(self.keys.user(UserId(*user))).arg("name");
        }
        let mut names = Vec::with_capacity(renamed.len());
        for ((user, at_ms), reply) in renamed.into_iter().zip(self.connection.run(&pipeline).await?) {
            if let Some(name) = reply::read(reply)? {
                names.push((UserId(user), at_ms as u64, name));
            }
        }
        Ok(names)
    }

    /// Grants or revokes the role of administrator.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn set_account_role(&self, id: UserId, role: Role) -> Result<()> {
        if self.account(id).await?.is_none() {
            return Err(Error::UserNotFound);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        let role = match role {
            Role::Admin => "admin",
            Role::User => "user",
        };
        pipeline.cmd("HSET").arg(self.keys.user(id)).arg("role").arg(role);
        self.writer.run(&pipeline).await?;
        Ok(())
    }

    /// Changes an account and revokes its tokens. Records the revocation for nodes that start later or miss the
    /// announcement, then announces it.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn revoke(&self, id: UserId, change: &Revocation) -> Result<()> {
        let key = self.keys.user(id);
        let (field, value) = match change {
            Revocation::PasswordHash(hash) => ("hash", hash.as_str()),
            Revocation::Banned(true) => ("banned", "1"),
            Revocation::Banned(false) => ("banned", "0"),
        };
        let call = Call { script: &scripts::REVOKE, keys: &[&key], args: &[Arg::Text(field), Arg::Text(value)] };
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        if is_absent(&reply) {
            return Err(Error::UserNotFound);
        }
        let epoch: u64 = text(&reply)?.parse().map_err(Error::internal)?;
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.revoked()).arg(0).arg(epoch.saturating_sub(REMEMBERED_FOR_MS));
        pipeline.cmd("ZADD").arg(self.keys.revoked()).arg(epoch).arg(id.0);
        let event = UserEvent::Revoked { user: id, epoch }.to_string();
        pipeline.cmd("PUBLISH").arg(self.keys.users_live(id)).arg(event);
        self.writer.run(&pipeline).await?;
        Ok(())
    }

    /// All users with a revocation, and the epoch below which their tokens are invalid.
    pub async fn revocations(&self) -> Result<Vec<(UserId, u64)>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.revoked()).arg(0).arg(-1).arg("WITHSCORES");
        let pairs: Vec<(u64, f64)> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(pairs.into_iter().map(|(user, epoch)| (UserId(user), epoch as u64)).collect())
    }
}
