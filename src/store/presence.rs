//! Online users: the last activity of users in sorted sets, with address, user agent and login time in hashes.

use std::sync::Arc;

use redis::{Pipeline, Value};
use tracing::debug;

use super::Store;
use super::redis::reply::{self, array, next};
use crate::domain::{Error, Limit, OnlineCursor, OnlineUser, Result, UserId};

/// The list that clients read who name no limit.
const WHOLE_LIST: Limit = Limit::of(10_000);
/// Users whose details one round trip reads.
const USERS_AT_ONCE: usize = 1000;

/// Online users, and the cursor of the next page.
pub(super) type OnlineUsers = (Arc<[OnlineUser]>, Option<OnlineCursor>);

impl Store {
    /// Online users after `after`, latest activity first: two round trips for up to 1,000. A user who becomes active while a
    /// client pages moves to the front, so later pages may miss that user. Callers who ask for the whole list at once share
    /// a reading.
    pub async fn online_users(&self, after: Option<OnlineCursor>, limit: Limit) -> Result<OnlineUsers> {
        if after.is_some() || limit != WHOLE_LIST {
            return self.read_online_users(after, limit).await;
        }
        let store = self.clone();
        self.online.join(async move { store.read_online_users(None, WHOLE_LIST).await }).await
    }

    async fn read_online_users(&self, after: Option<OnlineCursor>, limit: Limit) -> Result<OnlineUsers> {
        if let Err(error) = self.write_gathered_activity().await {
            debug!(%error, "could not write activity before online users are read");
        }
        let now_ms = self.now_ms();
        let mut active = self.active_users(now_ms, after, limit).await?;
        let has_more = active.len() > limit.get();
        active.truncate(limit.get());
        let next = active.last().copied().filter(|_| has_more);
        let mut users = Vec::with_capacity(active.len());
        for some in active.chunks(USERS_AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(some.len());
            for cursor in some {
                pipeline.cmd("HMGET").arg(self.keys.seen(cursor.user)).arg(&["name", "ip", "agent", "login"]);
            }
            for (cursor, reply) in some.iter().zip(self.run_list(&pipeline).await?) {
                users.push(read_online(*cursor, reply)?);
            }
        }
        Ok((users.into(), next))
    }

    /// Users who count as online, one more than `limit` if there are more.
    async fn active_users(&self, now_ms: u64, after: Option<OnlineCursor>, limit: Limit) -> Result<Vec<OnlineCursor>> {
        let wanted = limit.get() + 1;
        // Users are spread evenly, so twice the average share of a set nearly always suffices for the page.
        let share = 2 * wanted / self.keys.presence_sets().end as usize + 8;
        match self.merge_sets(now_ms, after, wanted, share).await? {
            Some(active) => Ok(active),
            None => self
                .merge_sets(now_ms, after, wanted, usize::MAX >> 1)
                .await?
                .ok_or_else(|| Error::internal("a set returned more users than its share")),
        }
    }

    /// Merges the first `wanted` users of all sets, reading `share` users of each. `None` when a set may have further users
    /// that belong to the result.
    async fn merge_sets(
        &self,
        now_ms: u64,
        after: Option<OnlineCursor>,
        wanted: usize,
        share: usize,
    ) -> Result<Option<Vec<OnlineCursor>>> {
        let place = |cursor: &OnlineCursor| (std::cmp::Reverse(cursor.active_at_ms), cursor.user);
        let newest = after.map_or("+inf".to_owned(), |cursor| cursor.active_at_ms.to_string());
        let mut pipeline = Pipeline::new();
        for set in self.keys.presence_sets() {
            pipeline.cmd("ZRANGE").arg(self.keys.online(set)).arg(&newest).arg(self.online_since(now_ms));
            pipeline.arg(&["BYSCORE", "REV", "LIMIT", "0"]).arg(share).arg("WITHSCORES");
        }
        let mut active = Vec::new();
        // The result is complete only up to the first position at which a set was cut off.
        let mut complete_until = None;
        for reply in self.connection.run(&pipeline).await? {
            let users: Vec<(u64, f64)> = reply::read(reply)?;
            let is_cut = users.len() >= share;
            let users =
                users.into_iter().map(|(user, at_ms)| OnlineCursor { active_at_ms: at_ms as u64, user: UserId(user) });
            active.extend(users);
            if is_cut && let Some(last) = active.last() {
                // Further users of the same millisecond, with any id, may be missing.
                let end = std::cmp::Reverse(last.active_at_ms);
                complete_until = Some(complete_until.map_or(end, |known: std::cmp::Reverse<u64>| known.min(end)));
            }
        }
        active.retain(|cursor| after.is_none_or(|after| place(cursor) > place(&after)));
        active.sort_unstable_by_key(place);
        active.truncate(wanted);
        let is_complete = match (complete_until, active.last()) {
            (None, _) => true,
            (Some(end), Some(last)) => active.len() == wanted && std::cmp::Reverse(last.active_at_ms) < end,
            (Some(_), None) => false,
        };
        Ok(is_complete.then_some(active))
    }

    /// The address of a user; `None` when offline.
    pub async fn online_ip(&self, user: UserId, now_ms: u64) -> Result<Option<String>> {
        if let Err(error) = self.write_gathered_activity_of(user).await {
            debug!(%error, "could not write a user's activity before it is read");
        }
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ZSCORE").arg(self.keys.online_of(user)).arg(user.0);
        pipeline.cmd("HGET").arg(self.keys.seen(user)).arg("ip");
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let active_at_ms: Option<f64> = reply::read(next(&mut replies)?)?;
        let ip: Option<String> = reply::read(next(&mut replies)?)?;
        let is_online = active_at_ms.is_some_and(|at| at as u64 >= self.online_since(now_ms));
        Ok(ip.filter(|_| is_online))
    }

    /// Removes what a server that became a cluster has left of its sets. Those of unavailable shards stay until another
    /// node starts.
    ///
    /// # Errors
    /// As the first command that Redis refuses.
    pub async fn remove_former_presence(&self) -> Result<()> {
        let mut pipeline = Pipeline::new();
        for key in self.keys.presence_before_cluster() {
            pipeline.cmd("UNLINK").arg(key);
        }
        self.connection.run_partly(&pipeline).await.map(drop)
    }

    /// Removes users who went offline and inactive rooms. Each node calls it once a minute.
    pub async fn trim_activity(&self, now_ms: u64, active_since_ms: u64) -> Result<()> {
        let mut pipeline = Pipeline::new();
        for set in self.keys.presence_sets() {
            pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.online(set)).arg(0);
            pipeline.arg(format!("({}", self.online_since(now_ms)));
        }
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.active_rooms()).arg(0).arg(format!("({active_since_ms}"));
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Time before which activity no longer counts, UTC milliseconds.
    pub(super) fn online_since(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.online_for_secs() * 1000)
    }
}

fn read_online(cursor: OnlineCursor, reply: Value) -> Result<OnlineUser> {
    let mut fields = array(reply)?.into_iter();
    let mut field = || -> Result<String> {
        let value: Option<String> = reply::read(next(&mut fields)?)?;
        Ok(value.unwrap_or_default())
    };
    Ok(OnlineUser {
        id: cursor.user,
        name: field()?,
        ip: field()?,
        user_agent: field()?,
        logged_in_at_ms: field()?.parse().unwrap_or(cursor.active_at_ms),
        active_at_ms: cursor.active_at_ms,
    })
}
