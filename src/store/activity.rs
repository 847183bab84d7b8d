//! Activity of users: when they were last active, from where, and when they logged in.
//!
//! Activity of users who are known to be online is gathered by the node and written once a second. Readers on this node
//! write it first, so they find what its users did just now.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::Pipeline;

use super::Store;
use super::redis::keys::Keys;
use crate::domain::{Caller, Client, Result, UserId};

/// Lifetime of a user's address and user agent after the last renewal, in addition to the time for which a user counts as
/// online. Renewed hourly while active.
const SEEN_LIFETIME_SECS: u64 = 4 * 60 * 60;
/// Most users whose activity a node gathers. That of further ones is written at once.
const MAX_GATHERED: usize = 100_000;
/// Users whose gathered activity one round trip writes.
const WRITTEN_AT_ONCE: usize = 500;
/// Age from which gathered activity that Redis did not take is dropped. An active user has some that is newer.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);

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

struct Gathered {
    activity: Arc<Activity>,
    since: Instant,
}

/// The latest activity of each user that this node has not written yet. Its workers share it.
#[derive(Clone, Default)]
pub(super) struct GatheredActivity(Arc<Mutex<HashMap<UserId, Gathered>>>);

impl GatheredActivity {
    /// Adds activity in place of earlier activity of the user. Gives it back when there is too much.
    fn add(&self, mut activity: Activity) -> std::result::Result<(), Activity> {
        let mut users = self.0.lock().expect("no panic while held");
        let user = activity.caller.id;
        match users.get(&user) {
            Some(earlier) => activity.renews |= earlier.activity.renews,
            None if users.len() >= MAX_GATHERED => return Err(activity),
            None => {}
        }
        users.insert(user, Gathered { activity: Arc::new(activity), since: Instant::now() });
        Ok(())
    }

    fn all(&self) -> Vec<Arc<Activity>> {
        let mut users = self.0.lock().expect("no panic while held");
        users.retain(|_, it| it.since.elapsed() < GIVEN_UP_AFTER);
        users.values().map(|it| Arc::clone(&it.activity)).collect()
    }

    fn of(&self, user: UserId) -> Option<Arc<Activity>> {
        self.0.lock().expect("no panic while held").get(&user).map(|it| Arc::clone(&it.activity))
    }

    pub(super) fn forget(&self, user: UserId) {
        self.0.lock().expect("no panic while held").remove(&user);
    }

    /// Forgets what was written, but for users who were active again meanwhile.
    fn note_written(&self, written: &[Arc<Activity>]) {
        let mut users = self.0.lock().expect("no panic while held");
        for activity in written {
            let user = activity.caller.id;
            if users.get(&user).is_some_and(|it| Arc::ptr_eq(&it.activity, activity)) {
                users.remove(&user);
            }
        }
    }
}

impl Store {
    /// Records activity: one round trip.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_activity(&self, activity: Activity) -> Result<()> {
        // It would overwrite what is written now.
        self.gathered_activity.forget(activity.caller.id);
        self.write_activity(&[Arc::new(activity)]).await
    }

    /// Records activity within a second, without waiting for it. [`Self::write_gathered`] brings it to Redis.
    ///
    /// # Errors
    /// `Unavailable`, only when so much is gathered that this is written at once.
    pub async fn gather_activity(&self, activity: Activity) -> Result<()> {
        match self.gathered_activity.add(activity) {
            Ok(()) => Ok(()),
            Err(activity) => self.record_activity(activity).await,
        }
    }

    /// Writes what this node has gathered. Idempotent: what fails is written again.
    pub(super) async fn write_gathered_activity(&self) -> Result<()> {
        for some in self.gathered_activity.all().chunks(WRITTEN_AT_ONCE) {
            self.write_activity(some).await?;
            self.gathered_activity.note_written(some);
        }
        Ok(())
    }

    /// Writes what this node has gathered of a user.
    pub(super) async fn write_gathered_activity_of(&self, user: UserId) -> Result<()> {
        let Some(activity) = self.gathered_activity.of(user) else { return Ok(()) };
        let written = [activity];
        self.write_activity(&written).await?;
        self.gathered_activity.note_written(&written);
        Ok(())
    }

    async fn write_activity(&self, activities: &[Arc<Activity>]) -> Result<()> {
        let lifetime_secs = self.online_for_secs() + SEEN_LIFETIME_SECS;
        self.connection.run(&commands(&self.keys, activities, lifetime_secs)).await?;
        Ok(())
    }

    /// Adds the commands that note the time of a log-in.
    pub(super) fn note_login(&self, pipeline: &mut Pipeline, user: UserId) {
        let seen = self.keys.seen(user);
        pipeline.cmd("HSET").arg(&seen).arg("login").arg(self.now_ms());
        pipeline.cmd("EXPIRE").arg(&seen).arg(self.online_for_secs() + SEEN_LIFETIME_SECS);
    }
}

/// The commands that write activity: one for each set of online users, and the details of each user.
fn commands(keys: &Keys, activities: &[Arc<Activity>], lifetime_secs: u64) -> Pipeline {
    let mut sets: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for activity in activities {
        let user = activity.caller.id;
        sets.entry(keys.online_of(user)).or_default().push((activity.at_ms, user.0));
    }
    let mut pipeline = Pipeline::with_capacity(sets.len() + 3 * activities.len());
    for (set, users) in &sets {
        pipeline.cmd("ZADD").arg(set).arg(users);
    }
    for activity in activities {
        let seen = keys.seen(activity.caller.id);
        pipeline.cmd("HSET").arg(&seen).arg("name").arg(&activity.caller.name);
        pipeline.arg("ip").arg(activity.client.ip.to_string()).arg("agent").arg(&activity.client.user_agent);
        if activity.renews {
            // After the recorded login has expired, the token's time of issue stands in for it.
            let login_ms = activity.caller.logged_in_at_secs * 1000;
            pipeline.cmd("HSETNX").arg(&seen).arg("login").arg(login_ms);
            pipeline.cmd("EXPIRE").arg(&seen).arg(lifetime_secs);
        }
    }
    pipeline
}

#[cfg(test)]
mod tests {
    use super::super::redis::keys::{Channels, ONLINE_SHARDS};
    use super::*;

    fn activity(user: u64, at_ms: u64, renews: bool) -> Activity {
        let caller = Caller { id: UserId(user), name: format!("user{user}"), logged_in_at_secs: 0 };
        Activity { caller, client: Client::new("127.0.0.1".parse().expect("an address"), "Test"), at_ms, renews }
    }

    fn count(pipeline: &Pipeline, name: &str) -> usize {
        let is_it = |command: &&redis::Cmd| command.args_iter().next() == Some(redis::Arg::Simple(name.as_bytes()));
        pipeline.cmd_iter().filter(is_it).count()
    }

    #[test]
    fn many_users_are_one_command_for_each_set() {
        let keys = Keys::new("cw:", 0, Channels::Plain);
        for (users, sets) in [(1, 1), (ONLINE_SHARDS, ONLINE_SHARDS), (20 * ONLINE_SHARDS, ONLINE_SHARDS)] {
            let activities: Vec<Arc<Activity>> = (0..users).map(|user| Arc::new(activity(user, 1, false))).collect();
            let pipeline = commands(&keys, &activities, 1);
            assert_eq!((count(&pipeline, "ZADD") as u64, count(&pipeline, "HSET") as u64), (sets, users));
        }
    }

    #[test]
    fn the_latest_activity_of_a_user_is_written_and_a_renewal_is_not_lost() {
        let gathered = GatheredActivity::default();
        for (at_ms, renews) in [(1, false), (2, true), (3, false)] {
            gathered.add(activity(7, at_ms, renews)).expect("room for it");
        }
        let writing = gathered.all();
        assert_eq!(writing.iter().map(|it| (it.at_ms, it.renews)).collect::<Vec<_>>(), [(3, true)]);
        gathered.add(activity(7, 4, false)).expect("room for it");
        gathered.note_written(&writing);
        assert_eq!(gathered.of(UserId(7)).map(|it| it.at_ms), Some(4), "the user was active meanwhile");
        gathered.note_written(&gathered.all());
        assert!(gathered.all().is_empty());
    }

    #[test]
    fn what_is_gathered_is_bounded() {
        let gathered = GatheredActivity::default();
        for user in 0..MAX_GATHERED as u64 {
            gathered.add(activity(user, 1, false)).expect("room for it");
        }
        assert!(gathered.add(activity(MAX_GATHERED as u64, 1, false)).is_err());
        assert!(gathered.add(activity(0, 2, false)).is_ok());
    }
}
