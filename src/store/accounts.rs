//! Accounts: register, look up, change, revoke.

use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::continuity::Counter;
use super::redis::reply::{self, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::token_bindings::new_token_key;
use super::{Store, invites, numbers};
use crate::domain::{Account, Email, Error, NewAccount, Reason, Result, Role, TypedName, UserId, folded};

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
    /// The account is written before anything points to it, so that nothing dangles. When two users register the same name at
    /// once, or a node crashes in between, an unreferenced hash is removed or left behind; its number is not reused. What
    /// follows the claims is repeated by each login.
    ///
    /// Others use an account as soon as they find it, so it must be one that stays: what nobody is found by is claimed first,
    /// then what only its owner knows, then the name, and last the origin.
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
            left_name: None,
            unannounced_epoch: None,
        };
        account.id = self.store_new(&account).await?;
        if let Err(refusal) = self.claim_identity(&account).await {
            if !matches!(refusal, Error::Unavailable(_) | Error::Internal(_)) {
                self.withdraw(&account).await?;
            }
            return Err(refusal);
        }
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

    /// Makes the forms of its name point to a new account, then its e-mail address, name and origin.
    pub(super) async fn claim_identity(&self, account: &Account) -> Result<()> {
        let id = account.id;
        if !self.claim_looks(id, &account.name, None).await? {
            return Err(Error::NameTaken);
        }
        for (key, refusal) in self.identity_keys(&account.name, &account.email).into_iter().rev() {
            if !self.claim(&key, id).await? {
                return Err(refusal);
            }
        }
        if self.claim_origin(account).await? { Ok(()) } else { Err(Error::EmailTaken) }
    }

    /// Removes a new account, and what points to it.
    pub(super) async fn withdraw(&self, account: &Account) -> Result<()> {
        self.release_look_alikes(account.id, &account.name, None).await?;
        self.release_keys(account.id, &account.name, &account.email, 0).await?;
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("DEL").arg(self.keys.user(account.id));
        self.writer.run(&pipeline).await.map(drop)
    }

    /// The keys that point to an account, each with what it means that another has it: of its name, then of its e-mail
    /// address if it has one.
    fn identity_keys(&self, name: &str, email: &str) -> Vec<(String, Error)> {
        let email = (!email.is_empty()).then(|| (self.keys.email(&folded(email)), Error::EmailTaken));
        [(self.keys.name(&folded(name)), Error::NameTaken)].into_iter().chain(email).collect()
    }

    /// Makes a key point to a user unless it points to another. Returns whether it does.
    pub(super) async fn claim(&self, key: &str, user: UserId) -> Result<bool> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("SET").arg(key).arg(user.0).arg("NX");
        pipeline.cmd("GET").arg(key);
        let holder: Option<u64> = reply::read(self.writer.run(&pipeline).await?.pop().unwrap_or_default())?;
        Ok(holder == Some(user.0))
    }

    /// Releases name and e-mail address as far as they point to the user: the name after `name_stays_ms`, the address at
    /// once.
    pub(super) async fn release_keys(&self, user: UserId, name: &str, email: &str, name_stays_ms: u64) -> Result<()> {
        for (number, (key, _)) in self.identity_keys(name, email).iter().enumerate() {
            self.release(user, key, if number == 0 { name_stays_ms } else { 0 }).await?;
        }
        Ok(())
    }

    /// Releases a key, after `stays_ms`, if it points to the user.
    pub(super) async fn release(&self, user: UserId, key: &str, stays_ms: u64) -> Result<()> {
        let args = [Arg::Number(user.0), Arg::Number(stays_ms)];
        let call = Call { script: &scripts::RELEASE, keys: &[key], args: &args };
        self.writer.run_script(&call, &[]).await.map(drop)
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
        let Some(account) = self.account_at(&self.keys.email(&email.folded())).await? else { return Ok(None) };
        // The node may have crashed that registered it, before it claimed the name.
        match self.holder(&self.keys.name(&folded(&account.name))).await? {
            None => self.hold_name(account).await.map(Some),
            Some(_) => Ok(Some(account)),
        }
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
            left_name: fields.remove("left"),
            unannounced_epoch: fields.get("untold").and_then(|epoch| epoch.parse().ok()),
            avatar: fields.remove("avatar").unwrap_or_default(),
            status_text: fields.remove("status").unwrap_or_default(),
        }))
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
        self.tell_revocation(id, epoch).await?;
        Ok(epoch)
    }

    /// Does what is left of changes of an account that ended half-way. Returns the account after that.
    pub async fn finish_changes(&self, account: Account) -> Result<Account> {
        if let Some(epoch) = account.unannounced_epoch {
            self.tell_revocation(account.id, epoch).await?;
        }
        self.finish_rename(account).await
    }

    /// Announces that the tokens of a user are invalid below an epoch, and notes that it is done.
    async fn tell_revocation(&self, id: UserId, epoch: u64) -> Result<()> {
        self.announce_revocation(id, epoch).await?;
        self.settle(id, "untold", &epoch.to_string()).await
    }

    /// Removes the note of an account that something is left to do.
    pub(super) async fn settle(&self, id: UserId, field: &str, value: &str) -> Result<()> {
        let key = self.keys.user(id);
        let call = Call { script: &scripts::SETTLE, keys: &[&key], args: &[Arg::Text(field), Arg::Text(value)] };
        self.writer.run_script(&call, &[]).await.map(drop)
    }
}
