//! Which users have an open socket on any node. Each node renews its own; any node removes those that are not renewed.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use redis::Pipeline;

use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call, Script};
use super::{Store, UserEvent};
use crate::domain::{Result, RoomId, UserId};

/// Users that one call of a script renews or removes.
const USERS_AT_ONCE: usize = 256;

impl Store {
    /// Records that a user came online or went offline, and announces it to rooms. `rooms_and_name` is that of
    /// [`UserEvent::Presence`]. One round trip.
    ///
    /// # Errors
    /// `Unavailable`; an open socket is recorded at the next renewal all the same, and a closed one expires.
    pub async fn announce_presence(&self, user: UserId, is_online: bool, rooms_and_name: String) -> Result<()> {
        let connected = self.keys.connected_of(user);
        let mut pipeline = Pipeline::with_capacity(2);
        match is_online {
            true => pipeline.cmd("ZADD").arg(connected).arg(self.now_ms()).arg(user.0),
            false => pipeline.cmd("ZREM").arg(connected).arg(user.0),
        };
        let has_rooms = !rooms_and_name.starts_with(' ');
        if has_rooms {
            let event = UserEvent::Presence { user, is_online, rooms_and_name }.to_string();
            pipeline.add_command(self.keys.publish(&self.keys.users_live(user), &event));
        }
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Records that these users still have an open socket. Returns those who were not recorded. The calls leave in one
    /// write.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn renew_connected(&self, users: &[UserId]) -> Result<Vec<UserId>> {
        let now_ms = self.now_ms();
        let mut shards: HashMap<String, Vec<Arg<'_>>> = HashMap::new();
        for user in users {
            shards.entry(self.keys.connected_of(*user)).or_default().push(Arg::Number(user.0));
        }
        let calls = shards.iter().flat_map(|(key, users)| users.chunks(USERS_AT_ONCE).map(move |some| (key, some)));
        let calls = calls.map(|(key, some)| {
            self.users_of(&scripts::RENEW_CONNECTED, key, [&[Arg::Number(now_ms)][..], some].concat())
        });
        Ok(try_join_all(calls).await?.concat())
    }

    /// Removes users whose last renewal is older than `lease_ms`. Each is returned to one node only.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn expire_connected(&self, lease_ms: u64) -> Result<Vec<UserId>> {
        let now_ms = self.now_ms();
        let (earliest, latest) = (now_ms.saturating_sub(lease_ms), now_ms + lease_ms);
        let keys: Vec<String> = self.keys.presence_sets().map(|set| self.keys.connected(set)).collect();
        let calls = keys.iter().map(|key| {
            let args = vec![Arg::Number(earliest), Arg::Number(latest), Arg::Number(USERS_AT_ONCE as u64)];
            self.users_of(&scripts::EXPIRE_CONNECTED, key, args)
        });
        Ok(try_join_all(calls).await?.concat())
    }

    /// Runs a script that returns users.
    async fn users_of(&self, script: &Script, key: &str, args: Vec<Arg<'_>>) -> Result<Vec<UserId>> {
        let (reply, _) = self.connection.run_script(&Call { script, keys: &[key], args: &args }, &[]).await?;
        let users: Vec<u64> = reply::read(reply)?;
        Ok(users.into_iter().map(UserId).collect())
    }

    /// The members of these rooms, each with whether they are connected. Empty for rooms of more than `max_members`. Two
    /// round trips.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn connected_members(&self, rooms: &[RoomId], max_members: usize) -> Result<Vec<Vec<(UserId, bool)>>> {
        let mut pipeline = Pipeline::with_capacity(rooms.len());
        for room in rooms {
            pipeline.cmd("ZRANGE").arg(self.keys.room(*room).members).arg(0).arg(max_members);
        }
        let mut members = Vec::with_capacity(rooms.len());
        for reply in self.run_list(&pipeline).await? {
            let users: Vec<u64> = reply::read(reply)?;
            let is_small = users.len() <= max_members;
            members.push(if is_small { users } else { Vec::new() });
        }
        let connected = self.are_connected(members.iter().flatten().copied()).await?;
        let with_state = |user: u64| (UserId(user), connected.get(&user).copied().unwrap_or(false));
        Ok(members.into_iter().map(|users| users.into_iter().map(with_state).collect()).collect())
    }

    async fn are_connected(&self, users: impl Iterator<Item = u64>) -> Result<HashMap<u64, bool>> {
        let mut connected: HashMap<u64, bool> = users.map(|user| (user, false)).collect();
        let mut shards: HashMap<String, Vec<u64>> = HashMap::new();
        for user in connected.keys() {
            shards.entry(self.keys.connected_of(UserId(*user))).or_default().push(*user);
        }
        let mut pipeline = Pipeline::with_capacity(shards.len());
        for (key, users) in &shards {
            pipeline.cmd("ZMSCORE").arg(key).arg(users);
        }
        let mut replies = self.run_sized(&pipeline, connected.len()).await?.into_iter();
        for users in shards.values() {
            let scores: Vec<Option<f64>> = reply::read(next(&mut replies)?)?;
            for (user, score) in users.iter().zip(scores) {
                connected.insert(*user, score.is_some());
            }
        }
        Ok(connected)
    }
}
