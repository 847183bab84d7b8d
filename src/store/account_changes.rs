//! Changes of accounts that nodes learn of: revoked and ended tokens, new names, deleted accounts. They are announced, and
//! kept for nodes that miss the announcement until every token of before, or every message of a deleted user, has expired.

use redis::{Cmd, Pipeline};

use super::redis::reply::{self, next};
use super::{Store, UserEvent};
use crate::domain::{ChangedProfile, ProfileChange, Result, TokenId, UserId};

/// How far a read overlaps the previous one: a node stores a change a while after taking its time from Redis.
const OVERLAP_MS: u64 = 60_000;

/// What a reading of the changes found.
#[derive(Debug, Default)]
pub struct AccountChanges {
    /// Users with the epoch below which their tokens are invalid.
    pub revoked: Vec<(UserId, u64)>,
    /// Tokens that were ended alone.
    pub ended: Vec<TokenId>,
    /// Users with the time of the change, UTC milliseconds, and the current name.
    pub renamed: Vec<(UserId, u64, String)>,
    /// Generation of the tokens that are valid.
    pub generation: u64,
    /// Time of the read by the clock of Redis, from which the next one continues.
    pub read_at_ms: u64,
}

impl Store {
    /// Records a new name, then announces it.
    pub(super) async fn announce_name(&self, user: UserId, name: &str, at_ms: u64) -> Result<()> {
        let event = UserEvent::Renamed { user, at_ms, name: name.to_owned() };
        self.announce_change(&self.keys.renamed(), &user.to_string(), at_ms, &event).await
    }

    /// Records that the tokens of a user are invalid below an epoch, then announces it.
    pub(super) async fn announce_revocation(&self, user: UserId, epoch: u64) -> Result<()> {
        self.announce_change(&self.keys.revoked(), &user.to_string(), epoch, &UserEvent::Revoked { user, epoch }).await
    }

    /// Announces what changed in a profile, unless nobody sees it. It is not stored for nodes that miss it.
    pub(super) async fn announce_profile(&self, user: UserId, at_ms: u64, change: &ProfileChange) -> Result<()> {
        let change = ChangedProfile::from(change);
        if change == ChangedProfile::default() {
            return Ok(());
        }
        let event = UserEvent::ProfileChanged { user, at_ms, change };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(self.keys.publish(&self.keys.users_live(user), &event.to_string()));
        self.connection.run(&pipeline).await.map(drop)
    }

    /// Adds a member to a set of changes, whose older ones are dropped, and announces an event of its user.
    pub(super) async fn announce_change(&self, key: &str, member: &str, at_ms: u64, event: &UserEvent) -> Result<()> {
        let is_deletion = matches!(event, UserEvent::Deleted { .. });
        let relevant_ms = if is_deletion { self.retention.max_age_ms } else { self.token_ttl_secs * 1000 };
        let remembered_ms = relevant_ms + OVERLAP_MS;
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(key).arg(0).arg(at_ms.saturating_sub(remembered_ms));
        pipeline.cmd("ZADD").arg(key).arg("GT").arg(at_ms).arg(member);
        pipeline.add_command(self.keys.publish(&self.keys.users_live(event.user()), &event.to_string()));
        self.writer.run(&pipeline).await?;
        Ok(())
    }

    /// Reads the changes since an earlier read; all of them since 0.
    pub async fn account_changes(&self, since_ms: u64) -> Result<AccountChanges> {
        let since_ms = since_ms.saturating_sub(OVERLAP_MS);
        let mut pipeline = Pipeline::with_capacity(6);
        pipeline.cmd("TIME");
        pipeline.cmd("GET").arg(self.keys.generation());
        pipeline.add_command(entries_since(&self.keys.revoked(), since_ms));
        pipeline.add_command(entries_since(&self.keys.renamed(), since_ms));
        pipeline.add_command(entries_since(&self.keys.ended(), since_ms));
        pipeline.add_command(entries_since(&self.keys.deleted(), since_ms));
        let mut replies = self.run_list(&pipeline).await?.into_iter();
        let (secs, micros): (u64, u64) = reply::read(next(&mut replies)?)?;
        let generation: Option<u64> = reply::read(next(&mut replies)?)?;
        let revoked: Vec<(u64, f64)> = reply::read(next(&mut replies)?)?;
        let renamed: Vec<(u64, f64)> = reply::read(next(&mut replies)?)?;
        let ended: Vec<(String, f64)> = reply::read(next(&mut replies)?)?;
        let deleted: Vec<(u64, f64)> = reply::read(next(&mut replies)?)?;
        let read_at_ms = secs * 1000 + micros / 1000;
        if since_ms == 0 {
            // Redis may have lost some. Later ones are announcements that arrived meanwhile.
            self.deleted_users.retain(|at_ms| at_ms >= read_at_ms);
        }
        for (user, at_ms) in deleted {
            self.note_deleted(UserId(user), at_ms as u64);
        }
        Ok(AccountChanges {
            revoked: revoked.into_iter().map(|(user, epoch)| (UserId(user), epoch as u64)).collect(),
            ended: ended.iter().filter_map(|(token, _)| token.parse().ok()).collect(),
            renamed: self.with_names(renamed).await?,
            generation: generation.unwrap_or(0),
            read_at_ms,
        })
    }

    /// Adds the current name to users with a time.
    async fn with_names(&self, renamed: Vec<(u64, f64)>) -> Result<Vec<(UserId, u64, String)>> {
        let mut pipeline = Pipeline::with_capacity(renamed.len());
        for (user, _) in &renamed {
            pipeline.cmd("HGET").arg(self.keys.user(UserId(*user))).arg("name");
        }
        let mut names = Vec::with_capacity(renamed.len());
        for ((user, at_ms), reply) in renamed.into_iter().zip(self.run_list(&pipeline).await?) {
            if let Some(name) = reply::read(reply)? {
                names.push((UserId(user), at_ms as u64, name));
            }
        }
        Ok(names)
    }
}

/// The command that reads the entries of a sorted set from a time on, with their times.
fn entries_since(key: &str, since_ms: u64) -> Cmd {
    let mut command = redis::cmd("ZRANGE");
    command.arg(key).arg(since_ms).arg("+inf").arg(&["BYSCORE", "WITHSCORES"]);
    command
}
