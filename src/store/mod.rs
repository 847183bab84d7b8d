//! Floor 1: the only Redis commands. One file per aggregate; `keys` spells keys, `record` encodes messages,
//! `connection` talks, `scripts` and `lua/` hold what must be atomic.
//!
//! Imports `domain` and `metrics` only. Imported by `fanout`, `service` and `app`.

mod accounts;
mod amendments;
mod conversations;
mod events;
mod history;
mod members;
mod messages;
mod metrics;
mod presence;
mod receipts;
mod record;
mod redis;
mod rooms;
mod server;
mod single_flight;
mod stats;
mod stored;

use std::sync::Arc;

use moka::sync::Cache;
use tokio::sync::Semaphore;

pub use accounts::Revocation;
pub use events::UserEvent;
pub use members::MemberChange;
pub use messages::{Appended, SendRate};
pub use metrics::{NodeRow, ServerInfo, StoredMinute};
pub use presence::Activity;
pub use receipts::ReadRange;
pub use redis::pubsub::{Handler, PubSubEvent, Subscriber, Supervisor};
pub use rooms::NewRoom;
pub use stats::Stats;
pub use stored::RoomEntry;

use crate::domain::{Error, Result, RoomId, UserId, now_ms};
use redis::connection::{LIST_TIMEOUT, RESPONSE_TIMEOUT, SharedConnection};
use redis::keys::Keys;
use single_flight::SingleFlight;
use stats::WriteCache;

/// Long lists that one worker asks for at the same time; the others wait.
const LISTS_AT_ONCE: usize = 2;
/// Direct rooms that a node remembers.
const MAX_DIRECT_ROOMS: u64 = 200_000;
/// A pipeline of more commands than this is a long list.
const LONG_LIST: usize = 200;

/// How much of a room's history is kept. Document 003, note 4: 1000 messages, 7 days.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Most messages of a room.
    pub max_messages: u64,
    /// Oldest age, milliseconds.
    pub max_age_ms: u64,
}

impl Retention {
    /// How often a busy room is trimmed by age: hourly for seven days. Readers hide what is older.
    fn sweep_ms(self) -> u64 {
        (self.max_age_ms / 168).max(1)
    }
}

/// What a store needs to know.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Address of Redis: `redis://…` or `redis+unix://…`.
    pub url: String,
    /// Put before every key.
    pub prefix: String,
    /// How much of a room is kept.
    pub retention: Retention,
    /// How long a user counts as online after their last activity, seconds.
    pub online_for_secs: u64,
    /// Most members of a room in which receipts are kept.
    pub receipt_members: u64,
    /// The zone whose midnight begins a day of the statistics.
    pub zone: jiff::tz::TimeZone,
}

/// Direct rooms by their pair of users, the lower number first. A pair's room never changes.
type DirectRooms = Cache<(UserId, UserId), RoomId>;

/// What the stores of one node share.
#[derive(Clone)]
pub struct NodeMemory {
    write_cache: WriteCache,
    direct_rooms: DirectRooms,
}

impl Default for NodeMemory {
    fn default() -> Self {
        Self { write_cache: WriteCache::default(), direct_rooms: Cache::new(MAX_DIRECT_ROOMS) }
    }
}

/// A handle to Redis with a lane of its own. One per worker thread, because a connection's driver runs on
/// the runtime that made it; clones share the lane.
#[derive(Clone)]
pub struct Store {
    connection: Arc<SharedConnection>,
    /// Long lists go their own way: they would hold up the calls behind them on the shared lane.
    list_connection: Arc<SharedConnection>,
    /// So many long lists at a time.
    listing: Arc<Semaphore>,
    keys: Keys,
    retention: Retention,
    online_for_secs: u64,
    receipt_members: u64,
    zone: jiff::tz::TimeZone,
    write_cache: WriteCache,
    direct_rooms: DirectRooms,
    stats: Arc<SingleFlight<Stats>>,
}

impl Store {
    /// A store; connects at first use.
    ///
    /// # Errors
    /// `Internal` for an address that is not understood.
    pub fn new(config: &StoreConfig, memory: &NodeMemory) -> Result<Self> {
        Ok(Self {
            connection: Arc::new(SharedConnection::new(&config.url, RESPONSE_TIMEOUT)?),
            list_connection: Arc::new(SharedConnection::new(&config.url, LIST_TIMEOUT)?),
            listing: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
            keys: Keys::new(&config.prefix),
            retention: config.retention,
            online_for_secs: config.online_for_secs,
            receipt_members: config.receipt_members,
            zone: config.zone.clone(),
            write_cache: memory.write_cache.clone(),
            direct_rooms: memory.direct_rooms.clone(),
            stats: Arc::default(),
        })
    }

    /// Runs the second round trip of a list, a long one on the lane for lists.
    async fn run_list(&self, pipeline: &::redis::Pipeline) -> Result<Vec<::redis::Value>> {
        self.run_sized(pipeline, pipeline.len()).await
    }

    /// Runs a pipeline whose answer has up to `entries` entries, a long one on the lane for lists.
    async fn run_sized(&self, pipeline: &::redis::Pipeline, entries: usize) -> Result<Vec<::redis::Value>> {
        if entries <= LONG_LIST {
            return self.connection.run(pipeline).await;
        }
        let _turn = self.listing.acquire().await.map_err(Error::internal)?;
        self.list_connection.run(pipeline).await
    }

    /// Entries of an earlier time are too old to be shown.
    fn oldest_ms(&self) -> u64 {
        now_ms().saturating_sub(self.retention.max_age_ms)
    }

    fn online_for_secs(&self) -> u64 {
        self.online_for_secs
    }
}
