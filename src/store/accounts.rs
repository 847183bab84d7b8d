//! Accounts: register, look up, change, revoke.

use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::continuity::Counter;
use super::redis::reply::{self, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::token_bindings::new_token_key;
use super::{Store, invites, numbers};
use crate::domain::{
    Account, Email, Error, NewAccount, ProfileChange, Reason, Result, Role, StatusText, TypedName, UserId, UserName,
    folded,
};

/// A change of an account that also revokes all its tokens.
#[derive(Clone, Debug)]
pub enum Revocation {
    /// A new password, hashed.
    PasswordHash(String),
    /// A new password in place of one that was checked, both hashed.
    Password {
        /// The hash that was checked.
        checked: String,
        /// The new one.
        new: String,
    },
    /// A password for one login, hashed.
    OneTimePassword {
        /// Its hash.
        hash: String,
        /// Until when it can be used, UTC milliseconds.
        until_ms: u64,
    },
    /// Banned, with the reason.
    Banned(Reason),
    /// Not banned.
    Unbanned,
    /// The tokens alone.
    Tokens,
}

impl Store {
    /// Creates an account and its membership of the global room. An account with an invite uses it last.
    ///
    /// The account is written before name and e-mail address point to it, so these never dangle; both are claimed in one
    /// write. When two users register the same name at once, or a node crashes in between, an unreferenced hash is removed or
    /// left behind; its number is not reused. What follows the claims is repeated by each login.
    ///
    /// The origin is claimed last: other requests use the account as soon as they find it, so it must be one that stays.
    ///
    /// # Errors
    /// `NameTaken`; `EmailTaken`, also when there is an account of the origin; `InviteInvalid`.
    pub async fn create_account(&self, new: &NewAccount, password_hash: &str, now_ms: u64) -> Result<Account> {
        let mut account = Account {
            id: UserId::SERVER,
            name: new.name.as_str().to_owned(),
            email: new.email.as_ref().map_or("", Email::as_str).to_owned(),
            phone: new.phone.clone(),
            avatar: String::new(),
            status_text: String::new(),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            password_hash: password_hash.to_owned(),
            role: Role::User,
            is_banned: false,
            ban_reason: String::new(),
            token_epoch: 0,
            one_time_until_ms: None,
            token_key: Some(new_token_key()?),
            unused_invite: new.invite.as_ref().map(invites::digest),
            origin: new.origin,
        };
        account.id = self.store_new(&account).await?;
        self.claim_identity(&account).await?;
        if !self.use_invite(&account).await? {
            return Err(Error::InviteInvalid);
        }
        self.ensure_global_membership(account.id, &account.name).await?;
        Ok(account)
    }

    /// Stores an account under the next number that is free. Returns the number.
    async fn store_new(&self, account: &Account) -> Result<UserId> {
        let key = account.token_key.map(|key| key.to_string()).unwrap_or_default();
        let mut args = vec![
            [Arg::Text("name"), Arg::Text(&account.name)],
            [Arg::Text("hash"), Arg::Text(&account.password_hash)],
            [Arg::Text("email"), Arg::Text(&account.email)],
            [Arg::Text("phone"), Arg::Text(&account.phone)],
            [Arg::Text("key"), Arg::Text(&key)],
            [Arg::Text("created"), Arg::Number(account.created_at_ms)],
            [Arg::Text("updated"), Arg::Number(account.updated_at_ms)],
        ];
        let origin = account.origin.map(|origin| origin.to_string());
        args.extend(origin.as_ref().map(|origin| [Arg::Text("origin"), Arg::Text(origin)]));
        args.extend(account.unused_invite.as_ref().map(|digest| [Arg::Text("invite"), Arg::Text(digest)]));
        for step in numbers::steps() {
            let id = UserId(self.next_number(Counter::Users, step).await?);
            let (account, rooms) = (self.keys.user(id), self.keys.user_rooms(id));
            let call = Call { script: &scripts::CREATE_ACCOUNT, keys: &[&account, &rooms], args: args.as_flattened() };
            if reply::read(self.writer.run_script(&call, &[]).await?.0)? {
                return Ok(id);
            }
        }
        Err(numbers::exhausted())
    }

    /// Makes name and e-mail address point to a new account, then the forms of the name, then the origin; or removes it.
    async fn claim_identity(&self, account: &Account) -> Result<()> {
        let id = account.id;
        let keys = self.identity_keys(&account.name, &account.email);
        let are_held = self.claim(&keys, id).await?;
        let refusal = match are_held.iter().position(|is_held| !is_held) {
            None if !self.claim_looks(id, &account.name, None).await? => Error::NameTaken,
            None if self.claim_origin(account).await? => return Ok(()),
            None => {
                self.release_look_alikes(id, &account.name, None).await?;
                Error::EmailTaken
            }
            Some(0) => Error::NameTaken,
            Some(_) => Error::EmailTaken,
        };
        let held = keys.into_iter().zip(are_held).filter_map(|(key, is_held)| is_held.then_some(key));
        self.remove(&held.chain([self.keys.user(id)]).collect::<Vec<_>>()).await?;
        Err(refusal)
    }

    /// The keys that point to an account: of its name, then of its e-mail address if it has one.
    pub(super) fn identity_keys(&self, name: &str, email: &str) -> Vec<String> {
        let email = (!email.is_empty()).then(|| self.keys.email(&folded(email)));
        [self.keys.name(&folded(name))].into_iter().chain(email).collect()
    }

    /// Makes keys point to a user, each unless it points to another. Returns which of them do.
    pub(super) async fn claim(&self, keys: &[String], user: UserId) -> Result<Vec<bool>> {
        let mut pipeline = Pipeline::with_capacity(2 * keys.len());
        for key in keys {
            pipeline.cmd("SET").arg(key).arg(user.0).arg("NX");
            pipeline.cmd("GET").arg(key);
        }
        let mut are_held = Vec::with_capacity(keys.len());
        for reply in self.writer.run(&pipeline).await?.into_iter().skip(1).step_by(2) {
            are_held.push(reply::read::<Option<u64>>(reply)? == Some(user.0));
        }
        Ok(are_held)
    }

    /// Releases name and e-mail address as far as they point to the user: the name after `name_stays_ms`, the address at
    /// once.
    pub(super) async fn release_keys(&self, user: UserId, name: &str, email: &str, name_stays_ms: u64) -> Result<()> {
        for (number, key) in self.identity_keys(name, email).iter().enumerate() {
            let stays_ms = if number == 0 { name_stays_ms } else { 0 };
            let args = [Arg::Number(user.0), Arg::Number(stays_ms)];
            let call = Call { script: &scripts::RELEASE, keys: &[key], args: &args };
            self.writer.run_script(&call, &[]).await?;
        }
        Ok(())
    }

    async fn remove(&self, keys: &[String]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipeline.cmd("DEL").arg(key);
        }
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    pub(super) async fn holder(&self, key: &str) -> Result<Option<UserId>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(key);
        let id: Option<u64> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(id.map(UserId))
    }

    /// The account with this name, ignoring case. A name that a crashed node claimed without renaming its account belongs
    /// to no account.
    pub async fn account_by_name(&self, name: &TypedName) -> Result<Option<Account>> {
        for form in name.forms() {
            let account = self.account_at(&self.keys.name(form)).await?;
            if let Some(account) = account.filter(|account| folded(&account.name) == *form) {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    /// The users with these names, ignoring case: one round trip. `None` where there is none, and where the shard of
    /// the name is unavailable. A name that a crashed node claimed without renaming its account counts as that of the
    /// account.
    pub async fn users_named(&self, names: &[&TypedName]) -> Result<Vec<Option<UserId>>> {
        let mut pipeline = Pipeline::with_capacity(names.len());
        for form in names.iter().flat_map(|name| name.forms()) {
            pipeline.cmd("GET").arg(self.keys.name(form));
        }
        let mut replies = self.connection.run_partly(&pipeline).await?.into_iter();
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            let mut user = None;
            for reply in replies.by_ref().take(name.forms().len()).flatten() {
                user = user.or(reply::read::<Option<u64>>(reply)?.map(UserId));
            }
            users.push(user);
        }
        Ok(users)
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
        Self::read_account(id, reply)
    }

    /// Reads an account from all fields of its hash.
    pub(super) fn read_account(id: UserId, reply: Value) -> Result<Option<Account>> {
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
            ban_reason: fields.remove("why").unwrap_or_default(),
            token_epoch: number(fields.get("epoch")),
            one_time_until_ms: fields.get("once").and_then(|until_ms| until_ms.parse().ok()),
            token_key: fields.get("key").and_then(|key| key.parse().ok()),
            email: fields.remove("email").unwrap_or_default(),
            phone: fields.remove("phone").unwrap_or_default(),
            unused_invite: fields.remove("invite"),
            origin: fields.get("origin").and_then(|origin| origin.parse().ok()),
            avatar: fields.remove("avatar").unwrap_or_default(),
            status_text: fields.remove("status").unwrap_or_default(),
        }))
    }

    /// Changes a profile. Claims a new name first, changes the account unless it was renamed meanwhile, then releases the
    /// old name. Tokens stay valid; the new name is announced to all nodes, and the change to the user's connections.
    ///
    /// # Errors
    /// `NameTaken`; `UserNotFound`.
    pub async fn change_profile(&self, id: UserId, change: &ProfileChange) -> Result<Account> {
        loop {
            let account = self.account(id).await?.ok_or(Error::UserNotFound)?;
            let name = change.name.as_ref().filter(|name| name.as_str() != account.name);
            if let Some(name) = name {
                self.claim_new_name(&account, name).await?;
            }
            let Some(at_ms) = self.write_profile(&account, change).await? else {
                // Renamed meanwhile: release the claimed name, unless the other change chose the same.
                let current = self.account(id).await?.ok_or(Error::UserNotFound)?;
                if let Some(name) = name {
                    self.release_name(id, name.as_str(), &current.name).await?;
                }
                continue;
            };
            if let Some(name) = name {
                self.release_name(id, &account.name, name.as_str()).await?;
                self.reindex_user(id, &account.name, name.as_str()).await?;
                self.announce_name(id, name.as_str(), at_ms).await?;
            }
            self.announce_profile(id, at_ms, change).await?;
            return self.account(id).await?.ok_or(Error::UserNotFound);
        }
    }

    /// Claims a name that an account is to have, next to the present one.
    async fn claim_new_name(&self, account: &Account, name: &UserName) -> Result<()> {
        // Another spelling of the same name needs no other key.
        let key = Some(name.folded()).filter(|key| *key != folded(&account.name)).map(|key| self.keys.name(&key));
        if key.is_some() && self.claim(key.as_slice(), account.id).await? != [true] {
            return Err(Error::NameTaken);
        }
        if !self.claim_looks(account.id, name.as_str(), Some(&account.name)).await? {
            self.remove(key.as_slice()).await?;
            return Err(Error::NameTaken);
        }
        Ok(())
    }

    /// Releases a name that a user holds, except what the present name has in common with it.
    async fn release_name(&self, user: UserId, name: &str, present: &str) -> Result<()> {
        let key = Some(folded(name)).filter(|key| *key != folded(present)).map(|key| self.keys.name(&key));
        self.remove(key.as_slice()).await?;
        self.release_look_alikes(user, name, Some(present)).await
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

    /// Uses up the one-time password with this hash. Returns whether it could be used.
    pub async fn use_one_time_password(&self, id: UserId, hash: &str) -> Result<bool> {
        let key = self.keys.user(id);
        let args = [Arg::Text(hash), Arg::Number(self.now_ms())];
        let call = Call { script: &scripts::USE_PASSWORD, keys: &[&key], args: &args };
        reply::read(self.writer.run_script(&call, &[]).await?.0)
    }

    /// Changes an account and revokes its tokens on all nodes. Returns the epoch of tokens that are issued from now on.
    ///
    /// # Errors
    /// `UserNotFound`; `WrongPassword` when the password that was checked has changed since.
    pub async fn revoke(&self, id: UserId, change: &Revocation) -> Result<u64> {
        let key = self.keys.user(id);
        let checked = if let Revocation::Password { checked, .. } = change { checked.as_str() } else { "" };
        let mut args = vec![Arg::Text(checked)];
        match change {
            Revocation::PasswordHash(hash) | Revocation::Password { new: hash, .. } => {
                args.extend([Arg::Text("hash"), Arg::Text(hash), Arg::Text("once"), Arg::Text("")]);
            }
            Revocation::OneTimePassword { hash, until_ms } => {
                args.extend([Arg::Text("hash"), Arg::Text(hash), Arg::Text("once"), Arg::Number(*until_ms)]);
            }
            Revocation::Banned(reason) => {
                args.extend([Arg::Text("banned"), Arg::Number(1), Arg::Text("why"), Arg::Text(reason.as_str())]);
            }
            Revocation::Unbanned => {
                args.extend([Arg::Text("banned"), Arg::Number(0), Arg::Text("why"), Arg::Text("")]);
            }
            Revocation::Tokens => {}
        }
        let call = Call { script: &scripts::REVOKE, keys: &[&key], args: &args };
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        if is_absent(&reply) {
            return Err(Error::UserNotFound);
        }
        let epoch = match text(&reply)? {
            "changed" => return Err(Error::WrongPassword),
            epoch => epoch.parse().map_err(Error::internal)?,
        };
        self.announce_revocation(id, epoch).await?;
        Ok(epoch)
    }
}
