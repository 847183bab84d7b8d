//! Wiring: configuration → store → fan-out → services → routes; start, drain, stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio::task::JoinSet;
use tracing::{error, info, warn};
use tracing_actix_web::TracingLogger;

use crate::config::{Config, ConfigError, IpVisibility as Visibility};
use crate::dialects::{self, chatroom};
use crate::domain::{Error, Kind};
use crate::edge::{Context, Limits, Registry, RequestSpan, Stopping, cors, count, hold_unread, in_dialect, not_found};
use crate::embedded::{self, EmbeddedError, PrivateRedis};
use crate::fanout::LiveRooms;
use crate::service::{Accounts, IpVisibility, Passwords, Services, Shared, Throttle, Tokens, Uploads};
use crate::site;
use crate::store::{Feed, NodeMemory, Retention, SendRate, Store, StoreConfig, UserEvent};
use crate::telemetry::Metrics;

/// How long a node waits for Redis at start.
const REDIS_WAIT: Duration = Duration::from_secs(30);
const RETRY_EVERY: Duration = Duration::from_millis(250);
const REVOCATIONS_EVERY: Duration = Duration::from_secs(5);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
const METRICS_EVERY: Duration = Duration::from_secs(5);
/// Waiting connections that the kernel keeps per listener.
const BACKLOG: i32 = 4096;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for the last answer to leave once it is made.
const LAST_ANSWER: Duration = Duration::from_millis(250);
/// Time for connections that wait to be accepted.
const ACCEPT_WAITING: Duration = Duration::from_millis(200);

/// Why a node does not start: one clear line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no private Redis.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Redis is not usable, or something else that is needed.
    #[error("{0}")]
    Node(#[from] Error),
    /// A file or socket.
    #[error("{what}: {source}")]
    Io {
        /// Which.
        what: String,
        /// The reason.
        source: std::io::Error,
    },
}

/// A running node.
pub struct Node {
    address: SocketAddr,
    server: ServerHandle,
    tasks: JoinSet<()>,
    stopping: Arc<Stopping>,
    drain: Duration,
    /// A second handle to the listening socket.
    listener: Option<socket2::Socket>,
    redis: Option<PrivateRedis>,
}

/// What all workers of a node are made from.
#[derive(Clone)]
struct Plan {
    config: Arc<Config>,
    store: StoreConfig,
    memory: NodeMemory,
    shared: Shared,
    live: LiveRooms,
    limits: Arc<Limits>,
    stopping: Arc<Stopping>,
    registry: Registry,
    metrics: Metrics,
}

impl Node {
    /// Starts a node and returns when it listens.
    ///
    /// # Errors
    /// One line naming what is wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let redis = match config.is_single_node() {
            true => Some(PrivateRedis::start(&config.data.dir, config.redis.fsync)?),
            false => None,
        };
        let url = redis.as_ref().map_or(config.redis.url.as_str(), |redis| redis.url());
        let store_config = store_config(&config, url);
        let memory = NodeMemory::default();
        let store = Store::new(&store_config, &memory)?;
        wait_for_redis(&store).await?;
        store.ensure_global_room().await?;

        let shared = shared(&config)?;
        let mut tasks = JoinSet::new();
        let live = start_feed(&store_config, &store, &shared, &mut tasks).await?;
        let registry = Registry { dialects: dialects::ALL.to_vec(), site: site::SITE };
        let plan = Plan {
            limits: Arc::new(Limits::new(&config.limits)),
            metrics: Metrics::new(&registry.names()),
            stopping: Arc::default(),
            config: Arc::new(config),
            store: store_config,
            memory,
            shared,
            live,
            registry,
        };
        start_upkeep(&plan, &store, &mut tasks);
        let (address, listener, server) = listen(&plan)?;
        let handle = server.handle();
        tokio::spawn(async move {
            if let Err(error) = server.await {
                error!(%error, "server ended with an error");
            }
        });
        Ok(Self {
            address,
            server: handle,
            tasks,
            stopping: plan.stopping,
            drain: Duration::from_secs(plan.config.server.drain_secs),
            listener: Some(listener),
            redis,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: not ready at once, then no new connections, then the end of what is under way; the private
    /// Redis last.
    pub async fn stop(mut self) {
        self.stopping.begin();
        info!("draining");
        if !self.drain.is_zero() {
            tokio::time::sleep(self.drain).await;
            self.turn_away_newcomers().await;
        }
        // The framework would wait for idle connections as well, for the whole of its time-out.
        tokio::select! {
            () = self.server.stop(true) => {}
            () = all_answered(&self.stopping) => {}
        }
        self.tasks.shutdown().await;
        if let Some(redis) = self.redis.take()
            && let Err(error) = tokio::task::spawn_blocking(|| redis.stop()).await
        {
            error!(%error, "private Redis not stopped");
        }
        info!("stopped");
    }
}

impl Node {
    /// Closing a listener resets the connections that wait to be accepted, and a proxy cannot know what
    /// became of a request that it had sent into one. So first the kernel ignores new connections while
    /// those that wait are accepted; who was ignored tries again a second later and is refused plainly.
    async fn turn_away_newcomers(&mut self) {
        if let Some(listener) = self.listener.take() {
            if let Err(error) = listener.attach_filter(&IGNORE_NEW_CONNECTIONS) {
                warn!(%error, "connections that wait to be accepted may be reset");
            }
            tokio::time::sleep(ACCEPT_WAITING).await;
        }
    }
}

/// A classic BPF program for a listening TCP socket: drops a segment whose flags say SYN without ACK (a new
/// connection), takes all others.
const IGNORE_NEW_CONNECTIONS: [socket2::SockFilter; 5] = [
    socket2::SockFilter::new(0x30, 0, 0, 13),          // load the byte of flags
    socket2::SockFilter::new(0x54, 0, 0, 0x12),        // keep SYN and ACK
    socket2::SockFilter::new(0x15, 0, 1, 0x02),        // SYN alone?
    socket2::SockFilter::new(0x06, 0, 0, 0),           // drop
    socket2::SockFilter::new(0x06, 0, 0, 0xffff_ffff), // take
];

/// Waits until no request has been under way for a while in which the last answer leaves.
async fn all_answered(stopping: &Stopping) {
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < LAST_ANSWER {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if stopping.under_way() > 0 {
            quiet_since = Instant::now();
        }
    }
}

fn store_config(config: &Config, url: &str) -> StoreConfig {
    StoreConfig {
        url: url.to_owned(),
        prefix: config.redis.prefix.clone(),
        retention: Retention {
            max_messages: config.messages.max_per_room,
            max_age_ms: config.messages.retention_secs * 1000,
        },
        online_for_secs: config.presence.offline_after_secs,
        zone: zone(&config.stats.timezone).unwrap_or(jiff::tz::TimeZone::UTC),
    }
}

/// A zone by name; `check` has refused unknown ones, and no name is no zone.
fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).ok()
}

/// Waits until Redis answers and is one that keeps what it is given.
async fn wait_for_redis(store: &Store) -> Result<(), StartError> {
    let started = Instant::now();
    loop {
        match store.check_server().await {
            Ok(()) => return Ok(()),
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

fn shared(config: &Config) -> Result<Shared, StartError> {
    let limits = &config.limits;
    let send_rate = SendRate { per_sec: limits.sends_per_sec, burst: limits.sends_burst };
    let hashing_threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Shared {
        tokens: Arc::new(Tokens::new(&signing_keys(config)?, config.auth.token_ttl_secs)?),
        passwords: Arc::new(Passwords::new(config.auth.bcrypt_cost, hashing_threads)?),
        throttle: Arc::new(Throttle::default()),
        uploads: Uploads::open(&uploads_url(config)?, config.uploads.max_bytes)?,
        send_rate: limits.enabled.then_some(send_rate),
        ip_visibility: match config.privacy.ip_visibility {
            Visibility::Everyone => IpVisibility::Everyone,
            Visibility::Admins => IpVisibility::Admins,
        },
        members_listed: limits.members_listed,
    })
}

fn uploads_url(config: &Config) -> Result<String, StartError> {
    if !config.uploads.url.is_empty() {
        return Ok(config.uploads.url.clone());
    }
    let dir = embedded::prepare(&config.data.dir)?;
    Ok(format!("file://{}", dir.join("uploads").display()))
}

/// The keys as configured, or the one that the data folder keeps.
fn signing_keys(config: &Config) -> Result<Vec<SecretSlice<u8>>, StartError> {
    let bytes = |secret: &SecretString| -> SecretSlice<u8> { secret.expose_secret().as_bytes().to_vec().into() };
    let mut keys = vec![match config.auth.jwt_secret.expose_secret().is_empty() {
        false => bytes(&config.auth.jwt_secret),
        true => bytes(&kept_secret(config)?),
    }];
    if !config.auth.jwt_secret_previous.expose_secret().is_empty() {
        keys.push(bytes(&config.auth.jwt_secret_previous));
    }
    Ok(keys)
}

fn kept_secret(config: &Config) -> Result<SecretString, StartError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = embedded::prepare(&config.data.dir)?.join("jwt_secret");
    let failed = |source| StartError::Io { what: path.display().to_string(), source };
    let new = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&path);
    match new {
        Ok(mut file) => {
            let secret = new_secret();
            file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(secret.into())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(std::fs::read_to_string(&path).map_err(failed)?.trim().into())
        }
        Err(error) => Err(failed(error)),
    }
}

/// A fresh signing secret: hex digits of three random UUIDs, 366 random bits.
pub fn new_secret() -> String {
    (0..3).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect()
}

/// The accounts alone, for the command line: on the configured Redis, or the private one of the data folder,
/// whether a node runs on it or not.
///
/// # Errors
/// One line naming what is wrong.
pub async fn accounts(config: &Config) -> Result<(Accounts, Option<PrivateRedis>), StartError> {
    config.check()?;
    let (url, redis) = match config.is_single_node() {
        false => (config.redis.url.clone(), None),
        true => match PrivateRedis::start(&config.data.dir, config.redis.fsync) {
            Ok(redis) => (redis.url().to_owned(), Some(redis)),
            Err(EmbeddedError::InUse(_)) => (PrivateRedis::url_for(&config.data.dir)?, None),
            Err(error) => return Err(error.into()),
        },
    };
    let store = Store::new(&store_config(config, &url), &NodeMemory::default())?;
    wait_for_redis(&store).await?;
    let shared = shared(config)?;
    Ok((Accounts::new(store, shared.tokens, shared.passwords), redis))
}

/// Starts pub/sub and loads what announcements may have said before.
async fn start_feed(
    config: &StoreConfig,
    store: &Store,
    shared: &Shared,
    tasks: &mut JoinSet<()>,
) -> Result<LiveRooms, StartError> {
    let node = uuid::Uuid::new_v4().to_string();
    let (feed, deliveries, supervisor) = Feed::new(config, store.clone(), &node)?;
    tasks.spawn(supervisor);
    let live = LiveRooms::new(feed);
    let tokens = Arc::clone(&shared.tokens);
    let on_user_event = move |event| match event {
        UserEvent::Revoked { user, epoch } => tokens.revocations().raise(user, epoch),
    };
    tasks.spawn(live.clone().listen(deliveries, store.clone(), on_user_event));
    load_revocations(store, &shared.tokens).await?;
    Ok(live)
}

async fn load_revocations(store: &Store, tokens: &Tokens) -> Result<(), Error> {
    for (user, epoch) in store.revocations().await? {
        tokens.revocations().raise(user, epoch);
    }
    Ok(())
}

fn start_upkeep(plan: &Plan, store: &Store, tasks: &mut JoinSet<()>) {
    let (tokens, store_of_tokens) = (Arc::clone(&plan.shared.tokens), store.clone());
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(REVOCATIONS_EVERY).await;
            if let Err(error) = load_revocations(&store_of_tokens, &tokens).await {
                warn!(%error, "revocations not read");
            }
        }
    });
    let (services, limits) = (Services::new(store, &plan.shared), Arc::clone(&plan.limits));
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(HOUSEKEEPING_EVERY).await;
            limits.forget_quiet();
            if let Err(error) = services.presence.keep_house().await {
                warn!(%error, "housekeeping not done");
            }
        }
    });
    let (metrics, live) = (plan.metrics.clone(), plan.live.clone());
    tasks.spawn(async move {
        loop {
            metrics.set_delivery_up(live.is_up());
            metrics.fold();
            tokio::time::sleep(METRICS_EVERY).await;
        }
    });
}

fn listen(plan: &Plan) -> Result<(SocketAddr, socket2::Socket, actix_web::dev::Server), StartError> {
    let config = &plan.config.server;
    let what = format!("{}:{}", config.host, config.port);
    let failed = |source| StartError::Io { what: what.clone(), source };
    let listener = bind(&config.host, config.port).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let second = listener.try_clone().map_err(failed)?;
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let plan = plan.clone();
    let server = HttpServer::new(move || {
        let context = plan.context().expect("the address was understood when the node started");
        let times = chatroom::Times::new(zone(&plan.config.chatroom.naive_timezone));
        App::new()
            .app_data(web::Data::new(context))
            .app_data(web::Data::new(plan.registry.clone()))
            .app_data(web::Data::new(plan.metrics.clone()))
            .app_data(web::Data::new(times))
            .configure(|routes| plan.registry.dialects.iter().for_each(|dialect| (dialect.routes)(routes)))
            .configure(plan.registry.site.routes)
            .default_service(web::to(not_found))
            .wrap(from_fn(in_dialect))
            .wrap(from_fn(hold_unread))
            .wrap(cors(&plan.config.server.allowed_origins))
            .wrap(from_fn(count))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .workers(workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(config.shutdown_secs)
    .disable_signals()
    .listen(listener)
    .map_err(failed)?
    .run();
    Ok((address, second.into(), server))
}

fn bind(host: &str, port: u16) -> std::io::Result<TcpListener> {
    use std::net::ToSocketAddrs;
    let address = (host, port).to_socket_addrs()?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?; // accepted connections inherit it
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Plan {
    /// A worker's context, over a store of its own: a connection belongs to the runtime that made it.
    fn context(&self) -> Result<Context, Error> {
        let store = Store::new(&self.store, &self.memory)?;
        Ok(Context {
            services: Services::new(&store, &self.shared),
            live: self.live.clone(),
            limits: Arc::clone(&self.limits),
            trusted_proxies: self.config.server.trusted_proxies.clone(),
            stopping: Arc::clone(&self.stopping),
        })
    }
}
