//! Accounts: register, look up, revoke.

use redis::Pipeline;

use super::reply::{self, is_absent, next, text};
use super::scripts::{self, Arg, Call};
use super::{Store, UserEvent};
use crate::domain::{Account, Error, Result, Role, RoomId, UserId, UserName, folded};

/// The longest life of a token, 366 days: revocations are kept that long. `config` caps the setting below.
const REVOKED_FOR_MS: u64 = 366 * 24 * 60 * 60 * 1000;

/// A change of an account that also ends every token it has.
#[derive(Clone, Debug)]
pub enum Revocation {
    /// A new password, hashed.
    PasswordHash(String),
    /// Banned or not.
    Banned(bool),
}

impl Store {
    /// Makes an account and its membership of the global room.
    ///
    /// The account is written before the name points to it, so a name never leads nowhere. When two
    /// register a name at once, or a node dies in between, a hash without a name is left behind or
    /// removed; its number is not used again.
    ///
    /// # Errors
    /// `NameTaken`.
    pub async fn create_account(&self, name: &UserName, password_hash: &str, now_ms: u64) -> Result<UserId> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INCR").arg(self.keys.user_counter());
        let id = UserId(reply::read(next(&mut self.lane.run(&pipeline).await?.into_iter())?)?);

        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HSET").arg(self.keys.user(id));
        pipeline.arg(&["name", name.as_str(), "hash", password_hash]).arg("created").arg(now_ms);
        pipeline.cmd("SET").arg(self.keys.name(&name.folded())).arg(id.0).arg("NX");
        let replies = self.lane.run(&pipeline).await?;
        let has_claimed = replies.last().is_some_and(|reply| !is_absent(reply));

        let mut pipeline = Pipeline::with_capacity(1);
        if !has_claimed {
            pipeline.cmd("DEL").arg(self.keys.user(id));
            self.lane.run(&pipeline).await?;
            return Err(Error::NameTaken);
        }
        pipeline.cmd("ZADD").arg(self.keys.room(RoomId::GLOBAL).members).arg(now_ms).arg(id.0);
        pipeline.cmd("ZADD").arg(self.keys.user_rooms(id)).arg(0).arg(RoomId::GLOBAL.number());
        self.lane.run(&pipeline).await?;
        Ok(id)
    }

    /// Whether a name is taken; a quick answer before the costly hash, not a claim.
    pub async fn is_name_taken(&self, name: &UserName) -> Result<bool> {
        Ok(self.id_of_name(&name.folded()).await?.is_some())
    }

    async fn id_of_name(&self, folded: &str) -> Result<Option<UserId>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.keys.name(folded));
        let id: Option<u64> = reply::read(next(&mut self.lane.run(&pipeline).await?.into_iter())?)?;
        Ok(id.map(UserId))
    }

    /// The account with this name, whatever its case.
    pub async fn account_by_name(&self, name: &str) -> Result<Option<Account>> {
        match self.id_of_name(&folded(name)).await? {
            Some(id) => self.account(id).await,
            None => Ok(None),
        }
    }

    /// An account.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(self.keys.user(id)).arg(&["name", "hash", "role", "banned", "epoch"]);
        type Fields = (Option<String>, Option<String>, Option<String>, Option<u8>, Option<u64>);
        let (name, hash, role, banned, epoch): Fields =
            reply::read(next(&mut self.lane.run(&pipeline).await?.into_iter())?)?;
        let (Some(name), Some(password_hash)) = (name, hash) else { return Ok(None) };
        let role = if role.as_deref() == Some("admin") { Role::Admin } else { Role::User };
        let is_banned = banned == Some(1);
        Ok(Some(Account { id, name, password_hash, role, is_banned, token_epoch: epoch.unwrap_or(0) }))
    }

    /// Makes an account an administrator's.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn promote(&self, id: UserId) -> Result<()> {
        if self.account(id).await?.is_none() {
            return Err(Error::UserNotFound);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HSET").arg(self.keys.user(id)).arg("role").arg("admin");
        self.lane.run(&pipeline).await?;
        Ok(())
    }

    /// Changes an account and ends its tokens: noted for nodes that start later or missed the
    /// announcement, then announced.
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
        let (reply, _) = self.lane.run_script(&call, &[]).await?;
        if is_absent(&reply) {
            return Err(Error::UserNotFound);
        }
        let epoch: u64 = text(&reply)?.parse().map_err(Error::internal)?;
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.revoked()).arg(0).arg(epoch.saturating_sub(REVOKED_FOR_MS));
        pipeline.cmd("ZADD").arg(self.keys.revoked()).arg(epoch).arg(id.0);
        let event = UserEvent::Revoked { user: id, epoch }.to_string();
        pipeline.cmd("PUBLISH").arg(self.keys.users_live(id)).arg(event);
        self.lane.run(&pipeline).await?;
        Ok(())
    }

    /// Every user with a revocation and the epoch below which their tokens are dead.
    pub async fn revocations(&self) -> Result<Vec<(UserId, u64)>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.revoked()).arg(0).arg(-1).arg("WITHSCORES");
        let pairs: Vec<(u64, f64)> = reply::read(next(&mut self.lane.run(&pipeline).await?.into_iter())?)?;
        Ok(pairs.into_iter().map(|(user, epoch)| (UserId(user), epoch as u64)).collect())
    }
}
