//! Activity of users: when they were last active, from where, and when they logged in.
//!
//! Activity of users who are known to be online is collected by the node and written once a second. Readers on this
//! node write it first, so they find what its users did just now.
//!
//! The time is in a set of online users, in another slot than the account. So the time is written first; then a script
//! that finds no account, or later activity, returns the correct state of the set. An account that is deleted after the
//! script has run is removed from the set by its deletion. Only scripts that read the account's name write names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use redis::Pipeline;

use super::Store;
use super::redis::keys::Keys;
use super::redis::reply;
use super::redis::scripts::{Arg, Call, RECORD_ACTIVITY};
use crate::domain::{Caller, Client, Error, Result, UserId};

/// Lifetime of a user's address and user agent after the last renewal, in addition to the time for which a user counts as
/// online. Renewed hourly while active.
const SEEN_LIFETIME_SECS: u64 = 4 * 60 * 60;
/// Users whose gathered activity one round trip writes.
const WRITTEN_AT_ONCE: usize = 500;
/// Age at which collected activity that could not be written is dropped. An active user has newer activity by then.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);

/// Activity of a user.
#[derive(Debug)]
pub struct Activity {
    /// The user.
    pub caller: Caller,
    /// The client of the user.
    pub client: Client,
    /// Time of the activity, UTC milliseconds.
    pub at_ms: u64,
    /// Whether to renew the expiry of address and user agent.
    pub renews: bool,
}

impl Store {
    /// Records activity: one round trip.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_activity(&self, activity: Activity) -> Result<()> {
        self.gathered_activity.forget(activity.caller.id);
        written(self.write_activity(&[Arc::new(activity)]).await?)
    }

    /// Records activity within a second, without waiting for it. [`Self::write_gathered`] brings it to Redis.
    ///
    /// # Errors
    /// `Unavailable`, when this is written at once: there is too much, or the last write failed.
    pub async fn gather_activity(&self, activity: Activity) -> Result<()> {
        match self.gathered_activity.add(activity) {
            Ok(()) => Ok(()),
            Err(activity) => self.record_activity(activity).await,
        }
    }

    /// Writes what this node has collected. Idempotent: what fails is written again.
    pub(super) async fn write_gathered_activity(&self) -> Result<()> {
        let mut is_whole = true;
        for some in self.gathered_activity.all().chunks(WRITTEN_AT_ONCE) {
            is_whole &= self.write_activity(some).await?;
        }
        written(is_whole)
    }

    /// Writes what this node has gathered of a user.
    pub(super) async fn write_gathered_activity_of(&self, user: UserId) -> Result<()> {
        match self.gathered_activity.of(user) {
            Some(activity) => written(self.write_activity(&[activity]).await?),
            None => Ok(()),
        }
    }

    /// Returns whether all of it was written: shards may be unavailable.
    async fn write_activity(&self, activities: &[Arc<Activity>]) -> Result<bool> {
        let outcome = self.try_write_activity(activities).await;
        let is_written = |user: UserId| outcome.as_ref().is_ok_and(|missing| !missing.contains(&user));
        self.gathered_activity.note_outcome(activities, is_written);
        Ok(outcome?.is_empty())
    }

    /// Returns the users whose activity could not be written.
    async fn try_write_activity(&self, activities: &[Arc<Activity>]) -> Result<Vec<UserId>> {
        let sets = by_set(&self.keys, activities);
        let (times, details) = commands(&self.keys, &sets, self.seen_lifetime_secs());
        let mut replies = self.connection.run_in_order_partly(times, &details).await?;
        let mut latest = replies.split_off(sets.len()).into_iter();
        let (mut missing, mut corrections) = (Vec::new(), Pipeline::new());
        for ((set, activities), is_set) in sets.iter().zip(replies) {
            for (activity, latest) in activities.iter().zip(&mut latest) {
                let user = activity.caller.id;
                match (&is_set, latest) {
                    (Some(_), Some(latest)) => correct(&mut corrections, set, activity, reply::read(latest)?),
                    (None, _) | (_, None) => missing.push(user),
                }
            }
        }
        if !corrections.is_empty() {
            self.connection.run(&corrections).await?;
        }
        Ok(missing)
    }

    /// Adds the commands that record the time of a login.
    pub(super) fn note_login(&self, pipeline: &mut Pipeline, user: UserId) {
        let seen = self.keys.seen(user);
        pipeline.cmd("HSET").arg(&seen).arg("login").arg(self.now_ms());
        pipeline.cmd("EXPIRE").arg(&seen).arg(self.seen_lifetime_secs());
    }

    fn seen_lifetime_secs(&self) -> u64 {
        self.online_for_secs() + SEEN_LIFETIME_SECS
    }
}

fn written(is_whole: bool) -> Result<()> {
    is_whole.then_some(()).ok_or_else(|| Error::Unavailable("a shard that has users' activity is away".into()))
}

/// Activity by the set of online users that it belongs to.
type BySet<'a> = BTreeMap<String, Vec<&'a Activity>>;

fn by_set<'a>(keys: &Keys, activities: &'a [Arc<Activity>]) -> BySet<'a> {
    let mut sets = BySet::new();
    for activity in activities {
        sets.entry(keys.online_of(activity.caller.id)).or_default().push(activity);
    }
    sets
}

/// The commands that write activity: one for each set of online users, and the script for each user.
fn commands(keys: &Keys, sets: &BySet<'_>, lifetime_secs: u64) -> (Pipeline, Pipeline) {
    let (mut times, mut details) = (Pipeline::with_capacity(sets.len()), Pipeline::new());
    for (set, activities) in sets {
        let users: Vec<(u64, u64)> = activities.iter().map(|it| (it.at_ms, it.caller.id.0)).collect();
        times.cmd("ZADD").arg(set).arg(users);
        for Activity { caller, client, at_ms, renews } in activities {
            let (account, seen, ip) = (keys.user(caller.id), keys.seen(caller.id), client.ip.to_string());
            let args = [
                Arg::Number(*at_ms),
                Arg::Text(&ip),
                Arg::Text(&client.user_agent),
                Arg::Number(caller.logged_in_at_secs * 1000),
                Arg::Number(lifetime_secs),
                Arg::Number((*renews).into()),
                Arg::Number(GIVEN_UP_AFTER.as_secs() * 1000),
            ];
            details.add_command(Call { script: &RECORD_ACTIVITY, keys: &[&account, &seen], args: &args }.by_hash());
        }
    }
    (times, details)
}

/// Corrects a set of online users for a user whose account does not exist, or who was active later.
fn correct(corrections: &mut Pipeline, set: &str, activity: &Activity, latest_ms: Option<u64>) {
    let user = activity.caller.id.0;
    match latest_ms {
        None => corrections.cmd("ZREM").arg(set).arg(user),
        Some(latest_ms) if latest_ms != activity.at_ms => {
            // Without adding a user who was deleted meanwhile.
            corrections.cmd("ZADD").arg(set).arg("XX").arg(latest_ms).arg(user)
        }
        Some(_) => corrections,
    };
}

#[cfg(test)]
impl Activity {
    pub(super) fn sample(user: u64, at_ms: u64, renews: bool) -> Self {
        let caller = Caller { id: UserId(user), name: format!("user{user}"), logged_in_at_secs: 0 };
        Self { caller, client: Client::new("127.0.0.1".parse().expect("an address"), "Test"), at_ms, renews }
    }
}

#[cfg(test)]
mod tests {
    use super::super::redis::keys::Channels;
    use super::*;

    fn count(pipeline: &Pipeline, name: &str) -> u64 {
        let is_it = |command: &&redis::Cmd| command.args_iter().next() == Some(redis::Arg::Simple(name.as_bytes()));
        pipeline.cmd_iter().filter(is_it).count() as u64
    }

    #[test]
    fn many_users_are_one_command_for_each_set() {
        let keys = Keys::new("cw:", 0, Channels::Plain);
        for (users, sets) in [(1, 1), (16, 16), (320, 16)] {
            let activities: Vec<_> = (0..users).map(|user| Arc::new(Activity::sample(user, 1, false))).collect();
            let (times, details) = commands(&keys, &by_set(&keys, &activities), 1);
            assert_eq!((count(&times, "ZADD"), count(&details, "EVALSHA")), (sets, users));
        }
    }
}
