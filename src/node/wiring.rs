//! Wiring: configuration → store → fan-out → services → routes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::HeaderName;
use tokio::sync::{Notify, mpsc};
use tracing::{info, warn};

use super::error::StartError;
use super::housekeeping::Progress;
use super::presence::PresenceKeeper;
use super::pulse::Pulse;
use super::reporter::{self, Reporter};
use super::tasks::Tasks;
use super::{data_folder, housekeeping, memory as memory_of_redis, push, signing_keys};
use crate::config::{Config, IpVisibility as Visibility, LimitsConfig, RedisConfig, TelemetryConfig};
use crate::dialects::{self, webchat::print_delivery};
use crate::domain::{Clock, EntryId, Error, HistoryPage, HistoryQuery, Kind, RecentMessages, RoomId, Watermark};
use crate::edge::{
    AllowedMethods, AllowedOrigins, Context, Dialect, Liveness, LongAnswers, Probes, Registry, SocketCounts, Stopping,
};
use crate::fanout::{FollowedRooms, Hub, Tails};
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::service::{
    Alert, Alerts, Deliveries, Files, IpVisibility, Limits, Passwords, Services, Shared, Throttle, Tokens, Watermarks,
};
use crate::site;
use crate::spans::Spans;
use crate::store::{
    Deployment, MemberBounds, NodeMemory, Persistence, Retention, RoomLimits, Store, StoreConfig, Subscriber,
};

/// How long a node waits for Redis at start.
const REDIS_WAIT: Duration = Duration::from_secs(30);
const RETRY_EVERY: Duration = Duration::from_millis(250);

/// Everything from which the workers of a node are built.
#[derive(Clone)]
pub(super) struct Wiring {
    pub(super) node_id: String,
    pub(super) config: Arc<Config>,
    store: StoreConfig,
    memory: NodeMemory,
    pub(super) shared: Shared,
    pub(super) followed_rooms: FollowedRooms,
    pub(super) pulse: Arc<Pulse>,
    pub(super) socket_counts: Arc<SocketCounts>,
    long_answers: Arc<LongAnswers>,
    pub(super) stopping: Arc<Stopping>,
    pub(super) registry: Registry,
    pub(super) document: site::Document,
    pub(super) allowed_methods: Arc<AllowedMethods>,
    pub(super) allowed_origins: AllowedOrigins,
}

impl Wiring {
    /// Connects to Redis, loads the state that a node needs before it answers, and starts its background tasks.
    pub(super) async fn prepare(
        config: Config,
        dialects: Vec<Dialect>,
        url: &str,
        clock: Clock,
        tasks: &mut Tasks,
    ) -> Result<(Self, Store), StartError> {
        let mut store_config = store_config(&config, url).await?;
        let node_id = reporter::node_id()?;
        store_config.spans = spans(&config.telemetry, &node_id)?;
        let memory = NodeMemory::new(&store_config, &node_id, clock);
        let store = Store::new(&store_config, &memory);
        wait_for_redis(&store).await?;
        if !config.has_private_redis() {
            warn_of_data_in_memory(&store).await;
        }
        retried(async || prepare(&store).await).await?;

        let registry = Registry { dialects, site: site::SITE };
        let metrics = Metrics::new(&registry.names(), &registry.socket_dialects(&config));
        let (mut shared, alerts) = shared(&config, Arc::new(metrics), store.clock())?;
        shared.push = retried(async || push::access(&config, &store, &shared.outbound).await).await?;
        let (subscriber, supervisor) = Subscriber::new(&store_config, store.clone(), &node_id);
        let tails = Tails::new(config.messages.tail_bytes, config.messages.max_per_room);
        let followed_rooms = FollowedRooms::new(subscriber, store.clone(), Arc::clone(&shared.metrics), tails);
        let reconnected = housekeeping::start_pubsub(supervisor, &followed_rooms, &store, &shared, tasks);
        let progress = retried(async || Progress::begin(&store, &shared.tokens).await).await?;
        let socket_counts = SocketCounts::new(&shared.limits);
        let openapi = site::openapi(registry.dialects.iter().map(|dialect| (dialect.openapi)()));
        let wiring = Self {
            node_id,
            document: site::Document::of(&openapi)?,
            allowed_methods: Arc::new(AllowedMethods::of(&openapi)),
            allowed_origins: AllowedOrigins::new(&config.server.allowed_origins),
            stopping: Arc::default(),
            config: Arc::new(config),
            store: store_config,
            memory,
            shared,
            followed_rooms,
            pulse: Arc::new(Pulse::new()),
            socket_counts: Arc::new(socket_counts),
            long_answers: Arc::default(),
            registry,
        };
        push::start(alerts, &wiring.shared, &store, tasks);
        wiring.start_housekeeping(&store, progress, reconnected, tasks);
        Ok((wiring, store))
    }

    fn start_housekeeping(&self, store: &Store, progress: Progress, reconnected: Arc<Notify>, tasks: &mut Tasks) {
        let (tokens, metrics) = (Arc::clone(&self.shared.tokens), Arc::clone(&self.shared.metrics));
        tasks.spawn("keys of issuers", Arc::clone(&tokens).follow_issuers());
        let limits = Arc::clone(&self.shared.limits);
        let watching = memory_of_redis::watch_memory(store.clone(), limits, Arc::clone(&metrics));
        tasks.spawn("memory of Redis", watching);
        if store.has_shards() {
            tasks.spawn("shards of Redis", memory_of_redis::watch_shards(store.clone(), Arc::clone(&metrics)));
        }
        tasks.spawn("clock", housekeeping::follow_clock(store.clone(), metrics));
        tasks.spawn("gathered writes", housekeeping::write_gathered(store.clone()));
        let changes = housekeeping::follow_account_changes(progress, store.clone(), tokens, reconnected);
        tasks.spawn("account changes", changes);
        let presence =
            PresenceKeeper::new(self.services(store), Arc::clone(&self.socket_counts), store.clock().clone());
        tasks.spawn("presence", presence.run(Duration::from_secs(self.config.presence.lease_secs)));
        if self.config.redis.durability.replicas() > 0 {
            tasks.spawn("replicas", housekeeping::watch_replicas(store.clone(), Arc::clone(&self.shared.metrics)));
        }
        tasks.spawn("webhooks", self.deliveries(store).run());
        tasks.spawn("housekeeping", housekeeping::housekeeping(self.services(store)));
        let every = Duration::from_secs(self.config.uploads.check_secs);
        tasks.spawn("uploads", housekeeping::look_after_uploads(self.services(store).uploads, every));
        let deployment = Arc::clone(&self.store.deployment);
        tasks.spawn("servers of Redis", async move { deployment.watch().await });
    }

    fn deliveries(&self, store: &Store) -> Deliveries {
        let base_url = self.config.server.public_url.trim_end_matches('/').to_owned();
        let longest_request = Duration::from_secs(self.config.outbound.timeout_secs);
        Deliveries::new(
            store.clone(),
            (self.shared.outbound.clone(), longest_request),
            Arc::clone(&self.shared.hooked),
            Arc::clone(&self.shared.metrics),
            Arc::new(move |hook, message| print_delivery(hook, message, &base_url)),
        )
    }

    /// Builds the reporter of the node at this address.
    pub(super) fn reporter(&self, address: SocketAddr, store: Store) -> Reporter {
        Reporter {
            id: self.node_id.clone(),
            address: reporter::shown_address(address),
            every_ms: self.config.stats.report_ms,
            store,
            followed_rooms: self.followed_rooms.clone(),
            stopping: Arc::clone(&self.stopping),
            metrics: Arc::clone(&self.shared.metrics),
        }
    }

    pub(super) fn services(&self, store: &Store) -> Services {
        Services::new(store, &self.shared, Arc::new(self.followed_rooms.clone()))
    }

    pub(super) fn spans(&self) -> Spans {
        self.store.spans.clone()
    }

    /// Opens a worker's store. Each worker has its own, because a connection belongs to the runtime that opened it.
    pub(super) fn open_store(&self) -> Store {
        Store::new(&self.store, &self.memory)
    }

    /// Builds a worker's context over its store.
    pub(super) fn context(&self, store: &Store) -> Context {
        let max_lag = Duration::from_secs(self.config.limits.behind_secs);
        let hub = Hub::start(&self.followed_rooms, store.clone(), &self.config.server.public_url, max_lag);
        Context {
            services: self.services(store),
            liveness: Liveness::new(self.services(store)),
            followed_rooms: self.followed_rooms.clone(),
            hub,
            socket_counts: Arc::clone(&self.socket_counts),
            long_answers: Arc::clone(&self.long_answers),
            allowed_origins: self.allowed_origins.clone(),
            public_url: self.config.server.public_url.trim_end_matches('/').to_owned(),
            metrics: Arc::clone(&self.shared.metrics),
            spans: self.spans(),
            trusted_proxies: self.config.server.trusted_proxies.clone(),
            retry_header: HeaderName::from_bytes(self.config.server.retry_header.as_bytes()).ok(),
            stopping: Arc::clone(&self.stopping),
        }
    }

    /// Builds what a worker's health checks read. A worker is ready when the store is that its requests use.
    pub(super) fn probes(&self, store: &Store) -> Probes {
        Probes {
            presence: self.services(store).presence,
            followed_rooms: self.followed_rooms.clone(),
            metrics: Arc::clone(&self.shared.metrics),
            stopping: Arc::clone(&self.stopping),
        }
    }
}

impl Watermarks for FollowedRooms {
    fn watermark(&self, room: RoomId) -> Option<Watermark> {
        self.watermark(room)
    }

    fn seen(&self, room: RoomId) -> Option<EntryId> {
        self.last_seen(room)
    }

    fn follow(&self, room: RoomId) {
        self.follow_for_polls(room);
    }

    fn recent(&self, room: RoomId) -> Option<Arc<RecentMessages>> {
        self.recent(room)
    }

    fn keep(&self, query: &HistoryQuery, page: &HistoryPage) {
        self.keep_recent(query, page);
    }
}

/// The settings of the store. Waits until it is known whether Redis is a cluster.
pub(super) async fn store_config(config: &Config, url: &str) -> Result<StoreConfig, StartError> {
    let deployment = deployment(config, url)?;
    retried(async || deployment.discover().await).await?;
    Ok(settings_of_store(config, deployment))
}

/// The same at once, or not at all.
pub(super) async fn store_config_now(config: &Config, url: &str) -> Result<StoreConfig, Error> {
    let deployment = deployment(config, url)?;
    deployment.discover().await?;
    Ok(settings_of_store(config, deployment))
}

fn deployment(config: &Config, url: &str) -> Result<Deployment, Error> {
    Deployment::new(&RedisConfig { url: url.to_owned(), ..config.redis.clone() })
}

fn settings_of_store(config: &Config, deployment: Deployment) -> StoreConfig {
    StoreConfig {
        deployment: Arc::new(deployment),
        prefix: config.redis.prefix.clone(),
        replicas: config.redis.durability.replicas(),
        replicas_floor_secs: config.redis.durability_floor_secs,
        retention: Retention {
            max_messages: config.messages.max_per_room,
            max_age_ms: config.messages.retention_secs * 1000,
        },
        online_for_secs: config.presence.offline_after_secs,
        receipt_members: config.limits.receipt_members,
        room_limits: room_limits(&config.limits),
        token_ttl_secs: config.auth.token_ttl_secs,
        zone: zone(&config.stats.timezone).unwrap_or(jiff::tz::TimeZone::UTC),
        spans: Spans::default(),
    }
}

/// Starts exporting the spans of a node, if the settings name a collector.
fn spans(config: &TelemetryConfig, node_id: &str) -> Result<Spans, Error> {
    let spans = Spans::start(&config.endpoint, config.sample_share, &config.service_name, node_id);
    spans.map_err(|reason| Error::internal(format!("telemetry.endpoint: {reason}")))
}

fn room_limits(limits: &LimitsConfig) -> RoomLimits {
    let limit = |number: u64| if limits.enabled { number } else { 0 };
    RoomLimits { per_user: limit(limits.rooms_per_user), made_daily: limit(limits.rooms_made_daily) }
}

/// Looks up a time zone by its name; `None` for an empty name. `check` has refused unknown ones.
fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).ok()
}

/// Waits until Redis answers. Fails at once when its version or configuration is not suitable.
pub(super) async fn wait_for_redis(store: &Store) -> Result<(), StartError> {
    retried(async || check_redis(store).await).await
}

/// Repeats a step of the start while Redis is not available: it may still be starting, or its replicas may be late.
pub(super) async fn retried<T>(step: impl AsyncFn() -> Result<T, Error>) -> Result<T, StartError> {
    let started = Instant::now();
    loop {
        match step().await {
            Ok(outcome) => return Ok(outcome),
            Err(error) if error.kind() == Kind::Unavailable && started.elapsed() < REDIS_WAIT => {
                if started.elapsed() > Duration::from_secs(2) {
                    warn!(%error, "waiting for Redis");
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes what every installation has. Each step may be repeated.
async fn prepare(store: &Store) -> Result<(), Error> {
    store.ensure_global_room().await?;
    store.note_history().await?;
    store.remove_former_presence().await?;
    store.index_earlier_names().await
}

async fn warn_of_data_in_memory(store: &Store) {
    match store.persistence().await {
        Persistence::Disk => {}
        Persistence::Memory => {
            warn!("Redis keeps nothing on disk (appendonly no, no save): acknowledged messages live in memory only");
        }
        Persistence::Unknown => info!("cannot find out whether Redis keeps its data on disk"),
    }
}

/// Checks that Redis is suitable, and sets the node's clock by it.
async fn check_redis(store: &Store) -> Result<(), Error> {
    store.check_server().await?;
    store.read_clock().await
}

/// What the workers share, and the queue of notifications.
fn shared(
    config: &Config,
    metrics: Arc<Metrics>,
    clock: &Clock,
) -> Result<(Shared, mpsc::Receiver<Alert>), StartError> {
    let limits = &config.limits;
    let rates = Arc::new(Limits::new(limits));
    let rates = || Arc::clone(&rates);
    let tokens = Tokens::new(&signing_keys::signing_keys(config)?, config.auth.token_ttl_secs, clock.clone())?;
    let hashing_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (alerts, waiting) = Alerts::queue(Arc::clone(&metrics));
    let shared = Shared {
        tokens: Arc::new(tokens.trusting(&config.auth.issuers)?),
        passwords: Arc::new(Passwords::new(config.auth.bcrypt_cost, hashing_threads)?),
        throttle: Arc::new(Throttle::new(Duration::from_secs(config.presence.offline_after_secs))),
        files: Files::open(&uploads_url(config)?, &config.uploads, rates(), Arc::clone(&metrics))?,
        limits: rates(),
        registration: config.auth.registration,
        ip_visibility: match config.privacy.ip_visibility {
            Visibility::Everyone => IpVisibility::Everyone,
            Visibility::Admins => IpVisibility::Admins,
        },
        adding: config.privacy.adding,
        members: MemberBounds { listed: limits.members_listed, answered: limits.members_answered },
        metrics,
        hooked: Arc::default(),
        outbound: Outbound::new(&config.outbound)?,
        snapshots: Arc::default(),
        push: None,
        alerts,
        focus: Arc::default(),
        questions: Arc::default(),
    };
    Ok((shared, waiting))
}

/// The address of the file store; without a configured one, of a folder in the data folder.
pub(super) fn uploads_url(config: &Config) -> Result<String, StartError> {
    if !config.uploads.url.is_empty() {
        return Ok(config.uploads.url.clone());
    }
    let folder = data_folder::prepare(&config.data.dir)?.join("uploads");
    let url = url::Url::from_directory_path(&folder).map_err(|()| Error::internal("data.dir has no absolute path"))?;
    Ok(url.into())
}

/// Generates the OpenAPI document of all dialects.
pub fn openapi() -> utoipa::openapi::OpenApi {
    site::openapi(dialects::ALL.iter().map(|dialect| (dialect.openapi)()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn schemas_of_different_dialects_have_different_names() {
        let mut known: HashMap<String, String> = HashMap::new();
        for dialect in dialects::ALL {
            let schemas = (dialect.openapi)().components.map(|components| components.schemas).unwrap_or_default();
            for (name, schema) in schemas {
                let schema = serde_json::to_string(&schema).expect("JSON");
                let other = known.insert(name.clone(), schema.clone());
                assert!(other.is_none_or(|other| other == schema), "two schemas are called {name}");
            }
        }
    }
}
