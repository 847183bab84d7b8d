//! What is noted of the deliveries of outgoing webhooks, and what removed ones leave in the logs of rooms.

use std::collections::{BTreeSet, HashMap, HashSet};

use redis::{Pipeline, Value};

use super::Store;
use super::deliveries::GROUP_PREFIX;
use super::redis::keys::HookKeys;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{HookId, Result, RoomId};

/// Rooms whose groups are read in one round trip.
const ROOMS_AT_ONCE: usize = 100;

impl Store {
    /// Notes that a delivery succeeded. No-op for a hook that was removed.
    pub async fn note_hook_delivers(&self, hook: &HookId) -> Result<()> {
        self.note_delivery(hook, "", 0).await
    }

    /// Notes that a delivery failed, why, and whether its message is given up. The cause is for operators alone. No-op for a hook
    /// that was removed.
    pub async fn note_hook_fails(
        &self,
        hook: &HookId,
        error: &str,
        cause: Option<&str>,
        is_given_up: bool,
    ) -> Result<()> {
        let reason = cause.map_or_else(|| error.to_owned(), |cause| format!("{error}\n{cause}"));
        self.note_delivery(hook, &reason, is_given_up.into()).await
    }

    async fn note_delivery(&self, hook: &HookId, reason: &str, lost: u64) -> Result<()> {
        let HookKeys { outgoing, health, .. } = self.keys.hooks();
        let args = [Arg::Text(hook.as_str()), Arg::Number(self.now_ms()), Arg::Text(reason), Arg::Number(lost)];
        let call = Call { script: &scripts::NOTE_DELIVERY, keys: &[&outgoing, &health], args: &args };
        self.connection.run_script(&call, &[]).await.map(drop)
    }

    /// Removes from these rooms what says how far hooks had come that do not exist any more.
    ///
    /// # Errors
    /// `Unavailable`; `Internal` when Redis refuses a command.
    pub async fn forget_removed_hooks(&self, rooms: &[RoomId]) -> Result<()> {
        for rooms in rooms.chunks(ROOMS_AT_ONCE) {
            let groups = self.hook_groups(rooms).await?;
            let ids: BTreeSet<&str> = groups.iter().map(|(_, id)| id.as_str()).collect();
            if ids.is_empty() {
                continue;
            }
            // Read only now: a hook is stored before it has a group anywhere.
            let removed = self.removed_hooks(&ids).await?;
            let stale: Vec<&(RoomId, String)> = groups.iter().filter(|(_, id)| removed.contains(id.as_str())).collect();
            if stale.is_empty() {
                continue;
            }
            let mut pipeline = Pipeline::with_capacity(stale.len());
            for (room, id) in stale {
                pipeline.cmd("XGROUP").arg("DESTROY").arg(self.keys.room(*room).log).arg(format!("{GROUP_PREFIX}{id}"));
            }
            // A log that has expired meanwhile is an error of its own command.
            self.connection.exchange(&pipeline).await?;
        }
        Ok(())
    }

    /// The hooks that have a group in the logs of these rooms.
    async fn hook_groups(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, String)>> {
        let mut pipeline = Pipeline::with_capacity(rooms.len());
        for room in rooms {
            pipeline.cmd("XINFO").arg("GROUPS").arg(self.keys.room(*room).log);
        }
        let replies = self.connection.exchange(&pipeline).await?;
        let mut found = Vec::new();
        for (room, reply) in rooms.iter().zip(replies) {
            // A room without a log.
            if matches!(reply, Value::ServerError(_)) {
                continue;
            }
            let groups: Vec<HashMap<String, Value>> = reply::read(reply)?;
            for name in groups.into_iter().filter_map(|mut group| group.remove("name")) {
                let id = reply::text(&name)?.strip_prefix(GROUP_PREFIX).map(str::to_owned);
                found.extend(id.map(|id| (*room, id)));
            }
        }
        Ok(found)
    }

    /// Those of these ids that no outgoing hook has.
    async fn removed_hooks<'a>(&self, ids: &BTreeSet<&'a str>) -> Result<HashSet<&'a str>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(self.keys.hooks().outgoing).arg(ids.iter().collect::<Vec<_>>());
        let stored: Vec<Option<String>> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(ids.iter().zip(stored).filter(|(_, stored)| stored.is_none()).map(|(id, _)| *id).collect())
    }
}
