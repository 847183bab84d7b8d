//! Presence: online users, their addresses, and statistics.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use futures_util::future::join_all;

use super::access::{Action, IpVisibility, authorise};
use super::audit::Operator;
use crate::domain::{
    Caller, Client, Error, Limit, OnlineCursor, OnlineUser, Result, RoomId, RoomKind, UserId, UserRef,
};
use crate::store::{Activity, RoomEntry, Stats, Store, UserEvent};

/// How often activity other than heartbeats is written, per user and node.
const WRITTEN_EVERY: Duration = Duration::from_secs(30);
/// Time within which gathered activity is in Redis, with a margin.
const GATHERED_WITHIN: Duration = Duration::from_secs(5);
/// How often the expiry of a user's details is renewed, per user and node.
const RENEWED_EVERY: Duration = Duration::from_secs(60 * 60);

/// Maximum number of rooms, direct ones aside, in which a change of presence is announced.
const MAX_TOLD_ROOMS: usize = 100;
/// Users whose presence is announced at once.
const ANNOUNCED_AT_ONCE: usize = 64;

#[derive(Clone, Copy, Default)]
struct LastWrite {
    at: Option<Instant>,
    renewed_at: Option<Instant>,
}

/// A write of activity that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DueWrite {
    /// Whether it renews the expiry of the user's details.
    renews: bool,
    /// Whether it may be gathered: the user is online meanwhile, by what this node wrote before.
    may_wait: bool,
}

/// When this node last wrote each user's activity. Shared by its workers.
pub struct Throttle {
    users: Mutex<HashMap<UserId, LastWrite>>,
    /// Time after the last activity for which a user counts as online.
    online_for: Duration,
}

impl Throttle {
    /// Makes one for users who count as online for this time after their last activity.
    pub fn new(online_for: Duration) -> Self {
        Self { users: Mutex::default(), online_for }
    }

    /// Which write is due, as for every heartbeat.
    fn admit(&self, user: UserId, is_heartbeat: bool) -> Option<DueWrite> {
        let mut users = self.users.lock().expect("no panic while held");
        let last = users.entry(user).or_default();
        if !is_heartbeat && last.at.is_some_and(|at| at.elapsed() < WRITTEN_EVERY) {
            return None;
        }
        let is_online = last.at.is_some_and(|at| at.elapsed() + GATHERED_WITHIN < self.online_for);
        last.at = Some(Instant::now());
        let renews = last.renewed_at.is_none_or(|at| at.elapsed() >= RENEWED_EVERY);
        if renews {
            last.renewed_at = last.at;
        }
        Some(DueWrite { renews, may_wait: is_online })
    }

    /// Makes the next write due after one that failed.
    fn forget(&self, user: UserId) {
        self.users.lock().expect("no panic while held").remove(&user);
    }

    /// Drops users whose next write would renew the expiry anyway.
    fn forget_quiet(&self) {
        let mut users = self.users.lock().expect("no panic while held");
        users.retain(|_, last| last.renewed_at.is_some_and(|at| at.elapsed() < RENEWED_EVERY));
    }
}

/// The rooms in which a change of presence is announced: the direct ones, where it matters most, and some others.
fn told_rooms(rooms: &[RoomEntry]) -> Vec<RoomId> {
    let is_direct = |entry: &&RoomEntry| entry.kind == RoomKind::Direct;
    let others = rooms.iter().filter(|entry| !is_direct(entry) && entry.room != RoomId::GLOBAL).take(MAX_TOLD_ROOMS);
    rooms.iter().filter(is_direct).chain(others).map(|entry| entry.room).collect()
}

/// Online users as a caller may see them.
pub struct OnlineList {
    /// The users. Other callers may share them, so an address is shown only where [`Self::shows_address`] allows it.
    pub users: Arc<[OnlineUser]>,
    /// The cursor of the next page, if there is one.
    pub next: Option<OnlineCursor>,
    caller: UserId,
    sees_all: bool,
}

impl OnlineList {
    /// Whether the caller may see the address and agent of a user.
    pub fn shows_address(&self, of: UserId) -> bool {
        self.sees_all || of == self.caller
    }
}

/// Records activity and lists online users.
pub struct Presence {
    store: Store,
    throttle: Arc<Throttle>,
    visibility: IpVisibility,
}

impl Presence {
    pub(super) fn new(store: Store, throttle: Arc<Throttle>, visibility: IpVisibility) -> Self {
        Self { store, throttle, visibility }
    }

    /// Records activity of a user, at most every 30 seconds per user and node.
    pub async fn note(&self, caller: &Caller, client: &Client) -> Result<()> {
        match self.throttle.admit(caller.id, false) {
            Some(due) => self.record(caller, client, self.store.now_ms(), due).await,
            None => Ok(()),
        }
    }

    /// Records that a user is online or offline, and announces it in the user's rooms except `global`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn announce(&self, user: &UserRef, is_online: bool, rooms: &[RoomEntry]) -> Result<()> {
        let rooms_and_name = UserEvent::rooms_and_name(&told_rooms(rooms), &user.name);
        self.store.announce_presence(user.id, is_online, rooms_and_name).await
    }

    /// Reads a user's rooms for [`Self::announce`].
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn announce_in_rooms(&self, user: &UserRef, is_online: bool) -> Result<()> {
        let rooms = self.store.rooms_of(user.id).await?;
        self.announce(user, is_online, &rooms).await
    }

    /// Records that these users still have an open socket on this node. Announces as online those who were given up.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn renew(&self, users: &[UserId]) -> Result<()> {
        let given_up = self.store.renew_connected(users).await?;
        self.announce_all(&given_up, true).await
    }

    /// Announces as offline the users whom no node has renewed for `lease_ms`. Each is announced by one node.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn expire(&self, lease_ms: u64) -> Result<()> {
        loop {
            let gone = self.store.expire_connected(lease_ms).await?;
            if gone.is_empty() {
                return Ok(());
            }
            self.announce_all(&gone, false).await?;
        }
    }

    async fn announce_all(&self, users: &[UserId], is_online: bool) -> Result<()> {
        for some in users.chunks(ANNOUNCED_AT_ONCE) {
            let users = self.store.names(some).await?;
            let announced = join_all(users.iter().map(|user| self.announce_in_rooms(user, is_online))).await;
            announced.into_iter().collect::<Result<()>>()?;
        }
        Ok(())
    }

    /// Records a heartbeat and returns its time, UTC milliseconds. Waits for Redis only when this node does not know the user
    /// as online.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn heartbeat(&self, caller: &Caller, client: &Client) -> Result<u64> {
        let at_ms = self.store.now_ms();
        if let Some(due) = self.throttle.admit(caller.id, true) {
            self.record(caller, client, at_ms, due).await?;
        }
        Ok(at_ms)
    }

    async fn record(&self, caller: &Caller, client: &Client, at_ms: u64, due: DueWrite) -> Result<()> {
        let (caller, client) = (caller.clone(), client.clone());
        let user = caller.id;
        let activity = Activity { caller, client, at_ms, renews: due.renews };
        let outcome = match due.may_wait {
            true => self.store.gather_activity(activity).await,
            false => self.store.record_activity(activity).await,
        };
        if outcome.is_err() {
            self.throttle.forget(user);
        }
        outcome
    }

    /// Online users, latest activity first.
    pub async fn online(&self, caller: &Caller, after: Option<OnlineCursor>, limit: Limit) -> Result<OnlineList> {
        let (users, next) = self.store.online_users(after, limit).await?;
        let sees_all = match authorise(&self.store, caller, Action::SeeAddresses(self.visibility)).await {
            Ok(()) => true,
            Err(Error::Forbidden) => false,
            Err(error) => return Err(error),
        };
        Ok(OnlineList { users, next, caller: caller.id, sees_all })
    }

    /// Online users for an administrator or an application, latest activity first, and the cursor of the next page.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn online_for(
        &self,
        operator: &Operator<'_>,
        after: Option<OnlineCursor>,
        limit: Limit,
    ) -> Result<(Arc<[OnlineUser]>, Option<OnlineCursor>)> {
        operator.authorise(&self.store, Action::SeePresence).await?;
        self.store.online_users(after, limit).await
    }

    /// The address of an online user.
    ///
    /// # Errors
    /// `Forbidden`, `UserOffline`.
    pub async fn ip_of(&self, caller: &Caller, user: UserId) -> Result<String> {
        authorise(&self.store, caller, Action::SeeAddress { of: user, visibility: self.visibility }).await?;
        self.store.online_ip(user, self.store.now_ms()).await?.ok_or(Error::UserOffline)
    }

    /// Statistics, at constant cost.
    pub async fn stats(&self) -> Result<Stats> {
        self.store.stats().await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn check_store(&self) -> Result<()> {
        self.store.ping().await
    }

    /// Removes what has expired. Called once a minute.
    pub async fn housekeeping(&self) -> Result<()> {
        self.throttle.forget_quiet();
        self.store.housekeeping().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_activity_of_users_who_are_known_as_online_may_wait() {
        let throttle = Throttle::new(Duration::from_secs(1800));
        let (user, due) = (UserId(1), |renews, may_wait| Some(DueWrite { renews, may_wait }));
        assert_eq!(throttle.admit(user, false), due(true, false));
        assert_eq!(throttle.admit(user, false), None);
        assert_eq!(throttle.admit(user, true), due(false, true));
        assert_eq!(throttle.admit(UserId(2), true), due(true, false), "another user is unknown");
        throttle.forget(user);
        assert_eq!(throttle.admit(user, true), due(true, false), "the write has failed");
        let brief = Throttle::new(Duration::from_secs(1));
        for _ in 0..2 {
            assert!(brief.admit(user, true).is_some_and(|it| !it.may_wait), "would be offline meanwhile");
        }
    }
}
