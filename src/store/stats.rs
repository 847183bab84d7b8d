//! Statistics at constant cost: writes maintain counters, so that reads never count.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use moka::sync::Cache;
use redis::Pipeline;
use serde::Serialize;

use super::Store;
use super::redis::reply;
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Result, RoomId};

/// Lifetime of a day's counter after its last change. Only today's is read.
const DAY_LIFETIME_SECS: u64 = 2 * 24 * 60 * 60;
/// How long the client id of a message with an unknown outcome is remembered, and how many of them.
const UNKNOWN_FOR: Duration = Duration::from_secs(10 * 60);
const MAX_UNKNOWN: u64 = 10_000;
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

/// Recent writes of this node that need no repetition, and what it has counted. Its workers share it.
#[derive(Clone)]
pub(super) struct WriteCache {
    rooms: Arc<Mutex<HashMap<RoomId, RecentActivity>>>,
    days: Arc<Mutex<BTreeMap<Day, DayCount>>>,
    /// Messages with a client id whose outcome is unknown: one that turns out to be stored was not counted yet.
    unknown: Cache<String, ()>,
}

impl Default for WriteCache {
    fn default() -> Self {
        let unknown = Cache::builder().max_capacity(MAX_UNKNOWN).time_to_live(UNKNOWN_FOR).build();
        Self { rooms: Arc::default(), days: Arc::default(), unknown }
    }
}

/// Messages of a day that were stored through this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct DayCount {
    total: u64,
    /// The part of it that is known to be in Redis.
    written: u64,
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

    fn count_message(&self, day: Day) {
        self.days.lock().expect("no panic while held").entry(day).or_default().total += 1;
    }

    /// Totals of the days whose count is not written yet.
    fn unwritten(&self) -> Vec<(Day, u64)> {
        let days = self.days.lock().expect("no panic while held");
        days.iter().filter(|(_, count)| count.written < count.total).map(|(day, count)| (*day, count.total)).collect()
    }

    /// Records that the total of a day is in Redis. Drops earlier days that are written.
    fn note_written(&self, day: Day, total: u64) {
        let mut days = self.days.lock().expect("no panic while held");
        if let Some(count) = days.get_mut(&day) {
            count.written = total.max(count.written);
        }
        let last = days.keys().next_back().copied();
        days.retain(|day, count| Some(*day) == last || count.written < count.total);
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

    /// Counts a stored message of today. [`Self::write_gathered`] writes it to Redis.
    pub(super) fn count_message(&self) {
        self.write_cache.count_message(self.today());
    }

    /// Records that it is unknown whether the message with this key of a client id was stored.
    pub(super) fn note_unknown(&self, sent_key: &str) {
        self.write_cache.unknown.insert(sent_key.to_owned(), ());
    }

    /// Counts a message whose retry shows that it was stored, if its outcome was unknown to this node. Returns whether it was.
    pub(super) fn count_if_unknown(&self, sent_key: &str) -> bool {
        let was_unknown = self.write_cache.unknown.remove(sent_key).is_some();
        if was_unknown {
            self.count_message();
        }
        was_unknown
    }

    /// Adds to the days' counters what this node has counted since the last time. Idempotent.
    ///
    /// # Errors
    /// `Unavailable`; the next call includes everything again.
    pub(super) async fn write_counts(&self) -> Result<()> {
        for (day, total) in self.write_cache.unwritten() {
            let (counter, totals) = (self.keys.stats(day), self.keys.stats_nodes(day));
            let call = Call {
                script: &scripts::COUNT_MESSAGES,
                keys: &[&counter, &totals],
                args: &[Arg::Text(&self.node), Arg::Number(total), Arg::Number(DAY_LIFETIME_SECS)],
            };
            self.connection.run_script(&call, &[]).await?;
            self.write_cache.note_written(day, total);
        }
        Ok(())
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

    /// Reads the statistics: one round trip for all concurrent callers, regardless of size.
    pub async fn stats(&self) -> Result<Stats> {
        let store = self.clone();
        self.stats.join(async move { store.read_stats(store.now_ms()).await }).await
    }

    async fn read_stats(&self, now_ms: u64) -> Result<Stats> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("GET").arg(self.keys.stats(self.today()));
        pipeline.cmd("ZCOUNT").arg(self.keys.active_rooms()).arg(active_since(now_ms)).arg("+inf");
        let since = self.online_since(now_ms);
        for set in self.keys.presence_sets() {
            pipeline.cmd("ZCOUNT").arg(self.keys.online(set)).arg(since).arg("+inf");
        }
        // What this node has counted is included. Both leave in one write, in this order.
        let ((), replies) = tokio::try_join!(self.write_counts(), self.connection.run(&pipeline))?;
        // Nodes of earlier versions counted before they knew the outcome, so that the counter could become negative.
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
