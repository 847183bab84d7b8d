//! Floor 1: all Redis commands. One file per aggregate; `record` encodes messages, `amendments` reads their changes,
//! `redis/` holds connections, keys, replies and scripts, `lua/` the operations that must be atomic.
//!
//! Imports `domain` and `metrics` only. Imported by `fanout`, `service` and `node`.

mod account_changes;
mod accounts;
mod activity;
mod amending;
mod amendments;
mod applications;
mod audit;
mod backup;
mod client_ids;
mod connected;
mod contacts;
mod continuity;
mod conversation_settings;
mod conversations;
mod decoding;
mod deleted_accounts;
mod deliveries;
mod direct_rooms;
mod directory;
mod edits;
mod events;
mod focus;
mod gathered_activity;
mod guesses;
mod history;
mod hook_traces;
mod hooks;
mod incidents;
mod invites;
mod joins;
mod long_rooms;
mod members;
mod memory;
mod mention_changes;
mod messages;
mod metrics;
mod name_claims;
mod name_index;
mod node_settings;
mod notice_record;
mod numbers;
mod origins;
mod persistence;
mod pins;
mod presence;
mod profiles;
mod push;
mod reactions;
mod read_card;
mod readers;
mod receipts;
mod received;
mod record;
mod redis;
mod renames;
mod retention;
mod rights;
mod room_cards;
mod room_changes;
mod room_hooks;
mod room_limits;
mod room_links;
mod room_list;
mod room_removals;
mod rooms;
mod senders;
mod server;
mod server_info;
mod sessions;
mod setting_letters;
mod single_flight;
mod stats;
mod stored;
mod tail;
mod token_bindings;
mod traces;
mod upload_totals;
mod uploads;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use moka::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use account_changes::AccountChanges;
pub use accounts::Revocation;
pub use activity::Activity;
pub use backup::{Pairs, StoredKey, StoredValue};
pub use deliveries::{Due, HookMaker};
pub use edits::NewText;
pub use events::UserEvent;
pub use focus::NODE_FOCUS_SECS;
pub use guesses::GuessLimit;
pub use incidents::{Incident, IncidentKind};
pub use members::MemberChange;
pub use memory::MemoryUse;
pub use messages::{Appended, AppendedRoom, SendRate, SendTerms};
pub use metrics::{LostNode, NodeRow, ROUTES_MINUTES, Report, Reports, StoredHour, StoredMinute, StoredRoutes};
pub use node_settings::{FileStore, NodeSettings, OtherNode};
pub use numbers::Restored;
pub use persistence::Persistence;
pub use push::{PushOccasion, StoredPush};
pub use receipts::ReadRange;
pub use redis::deployment::Deployment;
pub use redis::durability::ReplicaCounts;
pub use redis::pubsub::{Subscriber, Supervisor};
pub use redis::pubsub_event::{Handler, PubSubEvent};
pub use redis::unusable::Unusable;
pub use retention::Retention;
pub use room_cards::MemberBounds;
pub use room_hooks::RoomHooks;
pub use room_limits::RoomLimits;
pub use room_list::RoomHints;
pub use room_removals::Removal;
pub use rooms::NewRoom;
pub use server_info::ServerInfo;
pub use sessions::{LogIn, NewLogIn};
pub use stats::Stats;
pub use stored::RoomEntry;
pub use token_bindings::TokenBinding;
pub use traces::{NodeEvent, NodeTrace, SocketPush, StoredTrace};
pub use uploads::{FileDescription, PictureOwner};

use crate::domain::{Clock, Error, Result, RoomId, UserId};
use crate::spans::Spans;
use continuity::Continuity;
use deleted_accounts::DeletedUsers;
use gathered_activity::GatheredActivity;
use long_rooms::LongRooms;
use presence::OnlineUsers;
use readers::Readers;
use redis::address::RESPONSE_TIMEOUT;
use redis::connection::LIST_TIMEOUT;
use redis::connections::{Connections, NodeLanes};
use redis::durability::Durability;
use redis::keys::{Channels, Keys};
use redis::writer::Writer;
use room_cards::SharedCards;
use senders::{KnownSenders, SenderReads};
use single_flight::SingleFlight;
use stats::WriteCache;

/// Maximum number of long lists that one worker reads at the same time.
const LISTS_AT_ONCE: usize = 2;
/// Maximum number of direct rooms that a node caches.
const MAX_DIRECT_ROOMS: u64 = 200_000;
/// Number of entries from which a list counts as long, and of entries that carry a message, which may be very long.
const LONG_LIST: usize = 200;
const LONG_MESSAGE_LIST: usize = 20;

/// Settings of a store.
#[derive(Clone)]
pub struct StoreConfig {
    /// The Redis of the node.
    pub deployment: Arc<Deployment>,
    /// Prefix of every key.
    pub prefix: String,
    /// Number of replicas that must have received a write before it is acknowledged.
    pub replicas: u8,
    /// Seconds with too few replicas after which fewer are enough; 0 means never.
    pub replicas_floor_secs: u64,
    /// Retention of messages.
    pub retention: Retention,
    /// Seconds after the last activity for which a user counts as online.
    pub online_for_secs: u64,
    /// Maximum number of members of a room with receipts.
    pub receipt_members: u64,
    /// How many rooms a user may have.
    pub room_limits: RoomLimits,
    /// Lifetime of a token, for which its revocation must be kept.
    pub token_ttl_secs: u64,
    /// Time zone whose midnight starts a day of the statistics.
    pub zone: jiff::tz::TimeZone,
    /// The spans of the node.
    pub spans: Spans,
}

impl StoreConfig {
    /// The names of keys and channels.
    fn keys(&self) -> Keys {
        let channels = if self.deployment.cluster().is_some() { Channels::Sharded } else { Channels::Plain };
        Keys::new(&self.prefix, self.deployment.database(), channels)
    }
}

/// Direct rooms by their pair of users, the lower number first. A pair's room never changes.
type DirectRooms = Cache<(UserId, UserId), RoomId>;

/// The clock, the caches and the required durability that the stores of one node share.
#[derive(Clone)]
pub struct NodeMemory {
    node: Arc<str>,
    clock: Clock,
    write_cache: WriteCache,
    gathered_activity: GatheredActivity,
    direct_rooms: DirectRooms,
    readers: Readers,
    long_rooms: LongRooms,
    cards: SharedCards,
    lanes: NodeLanes,
    known_senders: KnownSenders,
    durability: Arc<Durability>,
    both_ways_until_ms: Arc<AtomicU64>,
    continuity: Continuity,
    deleted_users: DeletedUsers,
}

impl NodeMemory {
    /// Empty caches of the node with these settings, this id and this clock.
    pub fn new(config: &StoreConfig, node: &str, clock: Clock) -> Self {
        Self {
            node: node.into(),
            clock,
            write_cache: WriteCache::default(),
            gathered_activity: GatheredActivity::default(),
            direct_rooms: Cache::new(MAX_DIRECT_ROOMS),
            readers: Readers::default(),
            long_rooms: LongRooms::default(),
            cards: SharedCards::default(),
            lanes: NodeLanes::default(),
            known_senders: KnownSenders::default(),
            durability: Arc::new(Durability::new(config.replicas, config.replicas_floor_secs)),
            both_ways_until_ms: Arc::default(),
            continuity: Continuity::default(),
            deleted_users: DeletedUsers::default(),
        }
    }
}

/// A handle to Redis with connections of its own, which clones share. Each worker thread has one, because the driver of a
/// connection runs on the runtime that created it.
#[derive(Clone)]
pub struct Store {
    deployment: Arc<Deployment>,
    connection: Arc<Connections>,
    /// Runs the writes that are acknowledged to clients.
    writer: Writer,
    /// Connection for long lists, which would delay other calls on `connection`.
    list_connection: Arc<Connections>,
    /// Limits the number of long lists at the same time.
    listing: Arc<Semaphore>,
    keys: Keys,
    retention: Retention,
    online_for_secs: u64,
    receipt_members: u64,
    room_limits: RoomLimits,
    token_ttl_secs: u64,
    zone: jiff::tz::TimeZone,
    spans: Spans,
    /// Id of the node.
    node: Arc<str>,
    clock: Clock,
    write_cache: WriteCache,
    gathered_activity: GatheredActivity,
    direct_rooms: DirectRooms,
    readers: Readers,
    long_rooms: LongRooms,
    cards: SharedCards,
    known_senders: KnownSenders,
    /// Until when client ids are also kept as the previous version keeps them.
    both_ways_until_ms: Arc<AtomicU64>,
    continuity: Continuity,
    deleted_users: DeletedUsers,
    sender_reads: SenderReads,
    stats: Arc<SingleFlight<Stats>>,
    online: Arc<SingleFlight<OnlineUsers>>,
}

impl Store {
    /// Creates a store, which connects at first use.
    pub fn new(config: &StoreConfig, memory: &NodeMemory) -> Self {
        let keys = config.keys();
        let connection = Arc::new(Connections::new(&config.deployment, RESPONSE_TIMEOUT, &memory.lanes.commands));
        let writer = match memory.durability.wanted() {
            0 => Writer::direct(Arc::clone(&connection)),
            _ => {
                let (direct, lanes) = (Arc::clone(&connection), &memory.lanes.writes);
                Writer::gathering(direct, &config.deployment, &memory.durability, lanes, &keys)
            }
        };
        Self {
            deployment: Arc::clone(&config.deployment),
            connection,
            writer,
            list_connection: Arc::new(Connections::new(&config.deployment, LIST_TIMEOUT, &memory.lanes.lists)),
            listing: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
            keys,
            retention: config.retention,
            online_for_secs: config.online_for_secs,
            receipt_members: config.receipt_members,
            room_limits: config.room_limits,
            token_ttl_secs: config.token_ttl_secs,
            zone: config.zone.clone(),
            spans: config.spans.clone(),
            node: Arc::clone(&memory.node),
            clock: memory.clock.clone(),
            write_cache: memory.write_cache.clone(),
            gathered_activity: memory.gathered_activity.clone(),
            direct_rooms: memory.direct_rooms.clone(),
            readers: memory.readers.clone(),
            long_rooms: memory.long_rooms.clone(),
            cards: memory.cards.clone(),
            known_senders: memory.known_senders.clone(),
            both_ways_until_ms: Arc::clone(&memory.both_ways_until_ms),
            continuity: memory.continuity.clone(),
            deleted_users: memory.deleted_users.clone(),
            sender_reads: SenderReads::default(),
            stats: Arc::default(),
            online: Arc::default(),
        }
    }

    /// The time that all nodes share, UTC milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The clock of the node.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// This store with writes that do not wait for replicas, for what is written again whenever it is missing.
    fn unreplicated(&self) -> Self {
        Self { writer: Writer::direct(Arc::clone(&self.connection)), ..self.clone() }
    }

    /// Runs the second round trip of a list, for a long list on `list_connection`.
    async fn run_list(&self, pipeline: &::redis::Pipeline) -> Result<Vec<::redis::Value>> {
        self.run_sized(pipeline, pipeline.len()).await
    }

    /// Runs a pipeline whose replies have up to `entries` entries, for a long list on `list_connection`.
    async fn run_sized(&self, pipeline: &::redis::Pipeline, entries: usize) -> Result<Vec<::redis::Value>> {
        let (connection, _turn) = self.connection_for(entries, LONG_LIST).await?;
        connection.run(pipeline).await
    }

    /// The same with `None` for the replies of shards that are unavailable.
    async fn run_partly(&self, pipeline: &::redis::Pipeline, entries: usize) -> Result<Vec<Option<::redis::Value>>> {
        let (connection, _turn) = self.connection_for(entries, LONG_LIST).await?;
        connection.run_partly(pipeline).await
    }

    /// The same for replies with a message for each of `entries` entries.
    async fn run_message_list(
        &self,
        pipeline: &::redis::Pipeline,
        entries: usize,
    ) -> Result<Vec<Option<::redis::Value>>> {
        let (connection, _turn) = self.connection_for(entries, LONG_MESSAGE_LIST).await?;
        connection.run_partly(pipeline).await
    }

    /// The connection for a list, with the turn that a long one has to hold: up to `short` entries do not count as long.
    async fn connection_for(
        &self,
        entries: usize,
        short: usize,
    ) -> Result<(&Connections, Option<SemaphorePermit<'_>>)> {
        if entries <= short {
            return Ok((&self.connection, None));
        }
        let turn = self.listing.acquire().await.map_err(Error::internal)?;
        Ok((&self.list_connection, Some(turn)))
    }

    /// Whether rooms are on several servers, of which some may be unavailable while others are not.
    pub fn has_shards(&self) -> bool {
        self.deployment.cluster().is_some()
    }

    /// Time before which messages are expired.
    pub fn oldest_ms(&self) -> u64 {
        self.now_ms().saturating_sub(self.retention.max_age_ms)
    }

    /// Writes what this node has collected: counts and activity. Called once a second, and when the node stops.
    ///
    /// # Errors
    /// `Unavailable`; the next call includes everything again.
    pub async fn write_gathered(&self) -> Result<()> {
        let (counts, activity) = tokio::join!(self.write_counts(), self.write_gathered_activity());
        counts.and(activity)
    }

    fn online_for_secs(&self) -> u64 {
        self.online_for_secs
    }
}
