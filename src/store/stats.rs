//! Statistics at constant cost: writes maintain counters, so that reads never count.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline};
use serde::Serialize;

use super::Store;
use super::redis::keys::ONLINE_SHARDS;
use super::redis::reply;
use crate::domain::{Result, RoomId};

/// Lifetime of a day's counter after the node's first message of the day. Only today's is read.
const DAY_LIFETIME_SECS: u64 = 2 * 24 * 60 * 60;
/// Minimum interval between writes of a room's activity by one node.
const ACTIVE_EVERY: Duration = Duration::from_secs(60);

/// A day as `yyyymmdd` in the time zone of the statistics.
pub(super) type Day = u32;

/// The statistics of document 003, §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Users who count as online.
    pub online_users: u64,
    /// Messages of users since midnight in the time zone of the statistics.
    pub messages_today: u64,
    /// Rooms with a user's message in the last 24 hours.
    pub active_rooms: u64,
}

/// Recent writes of this node that need no repetition. Its workers share it.
#[derive(Clone, Default)]
pub(super) struct WriteCache {
    rooms: Arc<Mutex<HashMap<RoomId, RecentActivity>>>,
    /// The last day whose counter got its expiry.
    day: Arc<AtomicU64>,
}

/// Activity of a room on this node.
#[derive(Clone, Copy, Default)]
struct RecentActivity {
    /// When it was last written.
    written_at: Option<Instant>,
    /// Number of messages since the last [`WriteCache::take_messages`].
    messages: u64,
}

impl WriteCache {
    /// Counts a message of a room. Returns whether the room's activity is due to be written.
    fn is_room_due(&self, room: RoomId) -> bool {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        let noted = rooms.entry(room).or_default();
        noted.messages += 1;
        let is_due = noted.written_at.is_none_or(|at| at.elapsed() >= ACTIVE_EVERY);
        if is_due {
            noted.written_at = Some(Instant::now());
        }
        is_due
    }

    /// The number of messages of each room since the last call.
    pub(super) fn take_messages(&self) -> Vec<(RoomId, u64)> {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        let counted = rooms.iter_mut().filter(|(_, noted)| noted.messages > 0);
        counted.map(|(room, noted)| (*room, std::mem::take(&mut noted.messages))).collect()
    }

    /// Drops rooms whose activity is due anyway, so that the map holds only active rooms.
    pub(super) fn forget_quiet_rooms(&self) {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        rooms.retain(|_, noted| noted.messages > 0 || noted.written_at.is_some_and(|at| at.elapsed() < ACTIVE_EVERY));
    }
}

impl Store {
    /// Today in the time zone of the statistics.
    pub(super) fn today(&self) -> Day {
        let now = jiff::Timestamp::from_millisecond(self.now_ms().cast_signed()).unwrap_or(jiff::Timestamp::MAX);
        let date = now.to_zoned_datetime(self.zone.clone()).date();
        let (year, month, day) = (date.year().unsigned_abs(), date.month().unsigned_abs(), date.day().unsigned_abs());
        u32::from(year) * 10_000 + u32::from(month) * 100 + u32::from(day)
    }

    /// The commands that count a message, for the pipeline that stores it.
    pub(super) fn count_message(&self, day: Day) -> Vec<Cmd> {
        let mut commands = Vec::with_capacity(2);
        let mut count = redis::cmd("INCR");
        count.arg(self.keys.stats(day));
        commands.push(count);
        if self.write_cache.day.swap(day.into(), Ordering::Relaxed) != u64::from(day) {
            let mut expire = redis::cmd("EXPIRE");
            expire.arg(self.keys.stats(day)).arg(DAY_LIFETIME_SECS);
            commands.push(expire);
        }
        commands
    }

    /// Records that a user's message was stored in a room. It takes a separate round trip at most once a minute per room and
    /// node, because in the pipeline of the message it would count refused ones as well.
    pub(super) async fn note_active(&self, room: RoomId) -> Result<()> {
        if !self.write_cache.is_room_due(room) {
            return Ok(());
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZADD").arg(self.keys.active_rooms()).arg("GT").arg(self.now_ms()).arg(room.number());
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Reverts [`Self::count_message`] for a message that was not stored. Best effort: the caller receives the error of the
    /// message, not of the counter.
    pub(super) async fn uncount_message(&self, day: Day) {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("DECR").arg(self.keys.stats(day));
        if let Err(error) = self.connection.run(&pipeline).await {
            tracing::debug!(%error, "could not revert the count of a refused message; today's counter stays one too high");
        }
    }

    /// Reads the statistics: one round trip for all concurrent callers, regardless of size.
    pub async fn stats(&self) -> Result<Stats> {
        let store = self.clone();
        self.stats.join(async move { store.read_stats(store.now_ms()).await }).await
    }

    async fn read_stats(&self, now_ms: u64) -> Result<Stats> {
        let mut pipeline = Pipeline::with_capacity(ONLINE_SHARDS as usize + 2);
        pipeline.cmd("GET").arg(self.keys.stats(self.today()));
        pipeline.cmd("ZCOUNT").arg(self.keys.active_rooms()).arg(active_since(now_ms)).arg("+inf");
        let since = self.online_since(now_ms);
        for shard in 0..ONLINE_SHARDS {
            pipeline.cmd("ZCOUNT").arg(self.keys.online(shard)).arg(since).arg("+inf");
        }
        let replies = self.connection.run(&pipeline).await?;
        // The counter can be negative when Redis lost a count that was reverted afterwards.
        let counts: Vec<Option<i64>> = replies.into_iter().map(reply::read).collect::<Result<_>>()?;
        let count =
            |index: usize| counts.get(index).copied().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        Ok(Stats { messages_today: count(0), active_rooms: count(1), online_users: (2..counts.len()).map(count).sum() })
    }

    /// Drops outdated entries of the node's cache. Called once a minute.
    pub async fn housekeeping(&self) -> Result<()> {
        let now_ms = self.now_ms();
        self.write_cache.forget_quiet_rooms();
        self.trim_activity(now_ms, active_since(now_ms)).await
    }
}

/// Time before which rooms are inactive: 24 hours after the last message.
fn active_since(now_ms: u64) -> u64 {
    now_ms.saturating_sub(24 * 60 * 60 * 1000)
}
