//! The webhooks of each room, so that a request reads its own room's alone, and the names under which they may post.

use redis::Pipeline;

use super::Store;
use super::hooks::{health_of, new_version, read};
use super::redis::keys::HookKeys;
use super::redis::reply::{self, next, text};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Error, HookHealth, HookId, IncomingHook, OutgoingHook, Result, RoomId, UserId, UserName, folded};

/// Most names under which the webhooks of a room ever post: each has an account that stays.
const MAX_NAMES: u64 = 20;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// What is stored of an outgoing webhook's health, as `HookKeys` describes.
const HEALTH: [&str; 4] = ["ok", "since", "error", "lost"];

/// The webhooks of a room, the oldest first: incoming ones with the time of their last use, UTC milliseconds, and outgoing
/// ones with how they fare.
#[derive(Debug, Default)]
pub struct RoomHooks {
    /// Those through which others post.
    pub incoming: Vec<(IncomingHook, Option<u64>)>,
    /// Those to which messages are sent.
    pub outgoing: Vec<(OutgoingHook, HookHealth)>,
}

impl Store {
    /// The webhooks of a room: two round trips.
    pub async fn hooks_of(&self, room: RoomId) -> Result<RoomHooks> {
        let HookKeys { incoming, used, outgoing, health, .. } = self.keys.hooks();
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGETALL").arg(self.keys.hooks_of(Some(room)));
        let of_room: Vec<(String, String)> = reply::read(next(&mut self.run_list(&pipeline).await?.into_iter())?)?;
        let (sent_to, posted_by): (Vec<_>, Vec<_>) = of_room.into_iter().partition(|(_, digest)| digest.is_empty());
        let mut pipeline = Pipeline::with_capacity(2 * (sent_to.len() + posted_by.len()));
        for (_, digest) in &posted_by {
            pipeline.cmd("HGET").arg(&incoming).arg(digest);
            pipeline.cmd("HGET").arg(&used).arg(digest);
        }
        for (id, _) in &sent_to {
            pipeline.cmd("HGET").arg(&outgoing).arg(id);
            pipeline.cmd("HMGET").arg(&health).arg(HEALTH.map(|what| format!("{id}:{what}")).to_vec());
        }
        let mut replies = match pipeline.is_empty() {
            true => return Ok(RoomHooks::default()),
            false => self.run_list(&pipeline).await?.into_iter(),
        };
        let mut hooks = RoomHooks::default();
        for _ in posted_by {
            let record: Option<String> = reply::read(next(&mut replies)?)?;
            let used_at_ms = reply::read(next(&mut replies)?)?;
            let hook = record.and_then(|text| read(&text)?.incoming());
            hooks.incoming.extend(hook.map(|hook| (hook, used_at_ms)));
        }
        for _ in sent_to {
            let record: Option<String> = reply::read(next(&mut replies)?)?;
            let values: Vec<Option<String>> = reply::read(next(&mut replies)?)?;
            let hook = record.and_then(|text| read(&text)?.outgoing());
            let health = health_of(HEALTH.into_iter().zip(values).filter_map(|(what, value)| Some((what, value?))));
            hooks.outgoing.extend(hook.map(|hook| (hook, health)));
        }
        hooks.incoming.sort_by_key(|(hook, _)| hook.origin.made_at_ms);
        hooks.outgoing.sort_by_key(|(hook, _)| hook.origin.made_at_ms);
        Ok(hooks)
    }

    /// Removes a webhook of a room, or of all rooms, that somebody has made. Effective on all nodes within seconds.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_hook(&self, room: Option<RoomId>, id: &HookId, maker: UserId) -> Result<()> {
        let HookKeys { incoming, used, outgoing, health, makers, version } = self.keys.hooks();
        let new_version = new_version();
        let call = Call {
            script: &scripts::REMOVE_HOOK,
            keys: &[&self.keys.hooks_of(room), &incoming, &used, &outgoing, &health, &makers, &version],
            args: &[Arg::Text(id.as_str()), Arg::Number(maker.0), Arg::Text(&new_version)],
        };
        match reply::read(self.writer.run_script(&call, &[]).await?.0)? {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }

    /// Removes the webhooks of a room that is gone. Idempotent.
    pub async fn remove_hooks_of(&self, room: RoomId) -> Result<()> {
        let RoomHooks { incoming, outgoing } = self.hooks_of(room).await?;
        let incoming = incoming.iter().map(|(hook, _)| (&hook.id, hook.origin.made_by));
        for (id, maker) in incoming.chain(outgoing.iter().map(|(hook, _)| (&hook.id, hook.origin.made_by))) {
            match self.remove_hook(Some(room), id, maker).await {
                Ok(()) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("DEL").arg(self.keys.hooks_of(Some(room)));
        pipeline.cmd("DEL").arg(self.keys.hook_names(room));
        self.connection.run(&pipeline).await.map(drop)
    }

    /// Reserves a name for webhooks of a room. Returns whether it is the first with this name.
    ///
    /// # Errors
    /// `StorageFull` when the room's webhooks had as many names as are possible.
    pub async fn reserve_hook_name(&self, room: RoomId, name: &UserName) -> Result<bool> {
        let (names, name) = (self.keys.hook_names(room), folded(name.as_str()));
        let args = [Arg::Text(&name), Arg::Number(MAX_NAMES)];
        let call = Call { script: &scripts::RESERVE_HOOK_NAME, keys: &[&names], args: &args };
        let reply = self.writer.run_script(&call, &[]).await?.0;
        match text(&reply)? {
            "new" => Ok(true),
            "known" => Ok(false),
            "full" => Err(Error::StorageFull),
            _ => Err(reply::unexpected(&reply)),
        }
    }

    /// Takes a reservation back, because there is no account for it.
    pub async fn release_hook_name(&self, room: RoomId, name: &UserName) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HDEL").arg(self.keys.hook_names(room)).arg(folded(name.as_str()));
        self.writer.run(&pipeline).await.map(drop)
    }

    /// Counts an account that a user makes as one of the rooms that the user makes in a day.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn count_made(&self, user: UserId) -> Result<()> {
        let (made, most) = (self.keys.rooms_made(user), self.room_limits.made_daily);
        if most == 0 {
            return Ok(());
        }
        let args = [Arg::Number(1), Arg::Number(most), Arg::Number(DAY_MS)];
        let call = Call { script: &scripts::COUNT_UPLOAD, keys: &[&made], args: &args };
        match reply::read::<i64>(self.writer.run_script(&call, &[]).await?.0)? {
            0 => Ok(()),
            wait_ms => Err(reply::limited(wait_ms)),
        }
    }

    /// All outgoing webhooks, and the version of all, unless that is the one that is known.
    pub async fn changed_hooks(&self, known: Option<&str>) -> Result<Option<(String, Vec<OutgoingHook>)>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.keys.hooks().version);
        let version: Option<String> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let version = version.unwrap_or_default();
        if known == Some(&*version) {
            return Ok(None);
        }
        // Behind the version: what changes meanwhile is read again.
        Ok(Some((version, self.outgoing_hooks().await?)))
    }

    /// Forgets that somebody removed a user from a room.
    pub async fn readmit(&self, room: RoomId, user: UserId) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(self.keys.room(room).removed).arg(user.0);
        self.writer.run(&pipeline).await.map(drop)
    }

    /// Marks an account that is in no room yet as that of an application or a webhook. Rooms learn it when it joins them.
    pub async fn mark_bot(&self, user: UserId) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HSET").arg(self.keys.user(user)).arg("bot").arg(1);
        self.writer.run(&pipeline).await.map(drop)
    }

    /// Records in a room that a member is an application or a webhook.
    pub(super) async fn note_bot(&self, room: RoomId, user: UserId) -> Result<()> {
        let keys = self.keys.room(room);
        let call =
            Call { script: &scripts::MARK_BOT, keys: &[&keys.room, &keys.members], args: &[Arg::Number(user.0)] };
        self.writer.run_script(&call, &[]).await.map(drop)
    }
}
