//! Invites to register, kept under a digest of their code.
//!
//! An invite and the accounts that are created with it are in different slots, so no script can change both. An account
//! therefore names the invite that it still has to use. Registration ends by using it, in a script that counts each
//! account once; the first login does the same if registration was interrupted. An account that cannot use its invite
//! is removed. Until it has, it is nobody to others.
//!
//! A sorted set lists the invites by the time at which they expire. Entries are written before and removed after their
//! invite, so none is missing; one without an invite is not shown. Invites of earlier versions are not on it.

use redis::Pipeline;
use sha2::{Digest, Sha256};

use super::Store;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Account, Error, InviteCode, InviteId, InviteSummary, InviteTerms, Limit, Result, UserId, hex};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What an invite is kept under.
pub(super) fn digest(code: &InviteCode) -> String {
    hex(&Sha256::digest(code.expose())[..16])
}

impl Store {
    /// Stores an invite. Returns its id, and when it expires, UTC milliseconds.
    pub async fn create_invite(
        &self,
        code: &InviteCode,
        terms: InviteTerms,
        made_by: UserId,
    ) -> Result<(InviteId, u64)> {
        let (made_at_ms, lifetime_ms) = (self.now_ms(), u64::from(terms.days) * DAY_MS);
        let id = InviteId { digest: digest(code), made_at_ms, made_by };
        let expires_at_ms = made_at_ms + lifetime_ms;
        let (key, list) = (self.keys.invite(&id.digest), self.keys.invites());
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(&list).arg("-inf").arg(made_at_ms);
        pipeline.cmd("ZADD").arg(&list).arg(expires_at_ms).arg(id.to_string());
        self.writer.run(&pipeline).await?;
        let args = [Arg::Number(terms.uses.into()), Arg::Number(lifetime_ms)];
        let call = Call { script: &scripts::CREATE_INVITE, keys: &[&key], args: &args };
        self.writer.run_script(&call, &[]).await?;
        Ok((id, expires_at_ms))
    }

    /// Invites that have not expired, the one that expires last first, from a position in the list: three round trips.
    /// The second value is the position of the next page. A page may have fewer invites than asked for.
    pub async fn list_invites(&self, from: usize, limit: Limit) -> Result<(Vec<InviteSummary>, Option<usize>)> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.invites()).arg("+inf").arg(format!("({}", self.now_ms()));
        pipeline.arg(&["BYSCORE", "REV", "LIMIT"]).arg(from).arg(limit.get() + 1).arg("WITHSCORES");
        let mut entries: Vec<(String, f64)> =
            reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let position = (entries.len() > limit.get()).then_some(from + limit.get());
        entries.truncate(limit.get());
        let listed: Vec<(InviteId, u64)> =
            entries.iter().filter_map(|(id, expires)| Some((InviteId::parse(id)?, *expires as u64))).collect();
        let mut makers: Vec<UserId> = listed.iter().map(|(id, _)| id.made_by).collect();
        makers.sort_unstable();
        makers.dedup();
        let names = self.names(&makers).await?;
        let mut pipeline = Pipeline::with_capacity(2 * listed.len());
        for (id, _) in &listed {
            let key = self.keys.invite(&id.digest);
            pipeline.cmd("HGET").arg(&key).arg("uses");
            pipeline.cmd("HLEN").arg(&key);
        }
        let mut replies = self.run_list(&pipeline).await?.into_iter();
        let mut invites = Vec::with_capacity(listed.len());
        for (id, expires_at_ms) in listed {
            let uses: Option<u64> = reply::read(next(&mut replies)?)?;
            let fields: u64 = reply::read(next(&mut replies)?)?;
            let Some(uses) = uses else { continue };
            let made_by = names.iter().find(|user| user.id == id.made_by).cloned();
            invites.push(InviteSummary { id, made_by, uses, used: fields.saturating_sub(1), expires_at_ms });
        }
        Ok((invites, position))
    }

    /// Whether an invite is listed.
    ///
    /// # Errors
    /// `NotFound` for one that is not.
    pub async fn check_invite(&self, id: &InviteId) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZSCORE").arg(self.keys.invites()).arg(id.to_string());
        let score = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        if reply::is_absent(&score) { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Removes an invite. Accounts that were created with it stay.
    pub async fn remove_invite(&self, id: &InviteId) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("DEL").arg(self.keys.invite(&id.digest));
        self.writer.run(&pipeline).await?;
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(self.keys.invites()).arg(id.to_string());
        self.writer.run(&pipeline).await.map(drop)
    }

    /// Whether an invite has a use left: a quick check before the costly password hash, which uses nothing.
    pub async fn is_invite_open(&self, code: &InviteCode) -> Result<bool> {
        let key = self.keys.invite(&digest(code));
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGET").arg(&key).arg("uses");
        pipeline.cmd("HLEN").arg(&key);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let uses: Option<u64> = reply::read(next(&mut replies)?)?;
        let fields: u64 = reply::read(next(&mut replies)?)?;
        Ok(uses.is_some_and(|uses| fields <= uses))
    }

    /// Uses the invite that an account still has to use. Returns whether that was possible; otherwise the account is
    /// removed.
    pub async fn use_invite(&self, account: &Account) -> Result<bool> {
        let Some(digest) = &account.unused_invite else { return Ok(true) };
        let key = self.keys.invite(digest);
        let call = Call { script: &scripts::TAKE_INVITE, keys: &[&key], args: &[Arg::Number(account.id.0)] };
        let is_used: bool = reply::read(self.writer.run_script(&call, &[]).await?.0)?;
        if is_used {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("HDEL").arg(self.keys.user(account.id)).arg("invite");
            self.writer.run(&pipeline).await?;
        } else {
            self.withdraw(account).await?;
        }
        Ok(is_used)
    }
}
