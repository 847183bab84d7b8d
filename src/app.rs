//! Wiring: configuration → store → fan-out → services → routes; start, drain, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, error, info, warn};
use tracing_actix_web::TracingLogger;

use crate::config::{Config, ConfigError, IpVisibility as Visibility};
use crate::dialects;
use crate::domain::{Error, Kind};
use crate::edge::{
    Context, Dialect, Limits, RawSocket, Registry, RequestSpan, SocketCounts, Sockets, Stopping, configure, cors,
    count, hold_body, in_dialect, not_found,
};
use crate::embedded::{self, EmbeddedError, PrivateRedis};
use crate::fanout::{FollowedRooms, Hub};
use crate::listener::{self, ListenerHandle};
use crate::metrics::Metrics;
use crate::reporting::{self, Reporter};
use crate::secrets;
use crate::service::{Accounts, IpVisibility, Passwords, Services, Shared, Throttle, Tokens, Uploads};
use crate::site;
use crate::store::{NodeMemory, Retention, SendRate, Store, StoreConfig};
use crate::upkeep;

/// How long a node waits for Redis at start.
const REDIS_WAIT: Duration = Duration::from_secs(30);
const RETRY_EVERY: Duration = Duration::from_millis(250);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for the closing of all WebSockets.
const SOCKETS_CLOSE: Duration = Duration::from_secs(6);
/// Time for the last report and the leave-taking.
const LAST_REPORT: Duration = Duration::from_secs(2);
/// Time for the last answer to leave once it is made.
const LAST_ANSWER: Duration = Duration::from_millis(250);

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
    socket_counts: Arc<SocketCounts>,
    drain: Duration,
    listener_handle: Option<ListenerHandle>,
    id: String,
    reports: JoinHandle<()>,
    end_reports: oneshot::Sender<()>,
    redis: Option<PrivateRedis>,
}

/// What all workers of a node are made from.
#[derive(Clone)]
struct Plan {
    config: Arc<Config>,
    store: StoreConfig,
    memory: NodeMemory,
    shared: Shared,
    followed_rooms: FollowedRooms,
    socket_counts: Arc<SocketCounts>,
    limits: Arc<Limits>,
    stopping: Arc<Stopping>,
    registry: Registry,
    openapi: utoipa::openapi::OpenApi,
}

impl Node {
    /// Starts a node and returns when it listens.
    ///
    /// # Errors
    /// One line naming what is wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with_dialects(config, dialects::ALL.to_vec()).await
    }

    /// The same with these dialects.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with_dialects(config: Config, dialects: Vec<Dialect>) -> Result<Self, StartError> {
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

        let registry = Registry { dialects, site: site::SITE };
        let metrics = Metrics::new(&registry.names(), &registry.socket_dialects(&config));
        let shared = shared(&config, Arc::new(metrics))?;
        let node_id = reporting::node_id();
        let mut tasks = JoinSet::new();
        let followed_rooms = upkeep::start_pubsub(&store_config, &store, &node_id, &shared, &mut tasks).await?;
        let openapi = site::openapi(registry.dialects.iter().map(|dialect| (dialect.openapi)()));
        let plan = Plan {
            limits: Arc::new(Limits::new(&config.limits)),
            openapi,
            stopping: Arc::default(),
            config: Arc::new(config),
            store: store_config,
            memory,
            shared,
            followed_rooms,
            socket_counts: Arc::default(),
            registry,
        };
        tasks.spawn(upkeep::follow_account_changes(store.clone(), Arc::clone(&plan.shared.tokens)));
        let keep_days = plan.config.uploads.keep_days;
        tasks.spawn(upkeep::housekeeping(store.clone(), plan.shared.clone(), Arc::clone(&plan.limits), keep_days));
        let (address, listener_handle, server) = serve(&plan)?;
        let reporter = Reporter {
            id: node_id.clone(),
            address: reporting::shown_address(address),
            every_ms: plan.config.stats.report_ms,
            store,
            followed_rooms: plan.followed_rooms.clone(),
            stopping: Arc::clone(&plan.stopping),
            metrics: Arc::clone(&plan.shared.metrics),
        };
        info!(node.id = %reporter.id, "this is how the dashboard names the node");
        let (end_reports, end) = oneshot::channel();
        let reports = tokio::spawn(reporter.run(end));
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
            socket_counts: plan.socket_counts,
            // Nothing stands in front of a node that is alone.
            drain: Duration::from_secs(if redis.is_some() { 0 } else { plan.config.server.drain_secs }),
            listener_handle: Some(listener_handle),
            id: node_id,
            reports,
            end_reports,
            redis,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its id, made when it started.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Stops: not ready at once, then no new connections, then the end of what is under way; the private
    /// Redis last.
    pub async fn stop(mut self) {
        self.stopping.begin();
        info!("draining");
        if !self.drain.is_zero() {
            tokio::time::sleep(self.drain).await;
            if let Some(listener_handle) = self.listener_handle.take()
                && let Err(error) = listener_handle.stop_accepting().await
            {
                warn!(%error, "connections that wait to be accepted may be reset");
            }
        }
        self.stopping.close_sockets();
        let closing = Instant::now();
        while self.socket_counts.total() > 0 && closing.elapsed() < SOCKETS_CLOSE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The framework would wait for idle connections as well, for the whole of its time-out.
        tokio::select! {
            () = self.server.stop(true) => {}
            () = all_answered(&self.stopping) => {}
        }
        self.tasks.shutdown().await;
        drop(self.end_reports);
        if tokio::time::timeout(LAST_REPORT, self.reports).await.is_err() {
            debug!("the last report takes too long");
        }
        if let Some(redis) = self.redis.take()
            && let Err(error) = tokio::task::spawn_blocking(|| redis.stop()).await
        {
            error!(%error, "private Redis not stopped");
        }
        info!("stopped");
    }
}

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
        receipt_members: config.limits.receipt_members,
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

fn shared(config: &Config, metrics: Arc<Metrics>) -> Result<Shared, StartError> {
    let limits = &config.limits;
    let send_rate = SendRate { per_sec: limits.sends_per_sec, burst: limits.sends_burst };
    let hashing_threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Shared {
        tokens: Arc::new(Tokens::new(&secrets::signing_keys(config)?, config.auth.token_ttl_secs)?),
        passwords: Arc::new(Passwords::new(config.auth.bcrypt_cost, hashing_threads)?),
        throttle: Arc::new(Throttle::default()),
        uploads: Uploads::open(&uploads_url(config)?, config.uploads.max_bytes, Arc::clone(&metrics))?,
        send_rate: limits.enabled.then_some(send_rate),
        ip_visibility: match config.privacy.ip_visibility {
            Visibility::Everyone => IpVisibility::Everyone,
            Visibility::Admins => IpVisibility::Admins,
        },
        members_listed: limits.members_listed,
        metrics,
        snapshots: Arc::default(),
    })
}

fn uploads_url(config: &Config) -> Result<String, StartError> {
    if !config.uploads.url.is_empty() {
        return Ok(config.uploads.url.clone());
    }
    let folder = embedded::prepare(&config.data.dir)?.join("uploads");
    let url = url::Url::from_directory_path(&folder).map_err(|()| Error::internal("data.dir has no absolute path"))?;
    Ok(url.into())
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
    let shared = shared(config, Arc::new(Metrics::new(&[], &[])))?;
    Ok((Accounts::new(store, shared.tokens, shared.passwords), redis))
}

/// The OpenAPI document of all dialects, generated from the code.
pub fn openapi() -> utoipa::openapi::OpenApi {
    site::openapi(dialects::ALL.iter().map(|dialect| (dialect.openapi)()))
}

fn serve(plan: &Plan) -> Result<(SocketAddr, ListenerHandle, actix_web::dev::Server), StartError> {
    let config = &plan.config.server;
    let what = format!("server.host and server.port, {}:{}", config.host, config.port);
    let failed = |source| StartError::Io { what: what.clone(), source };
    let (listener, listener_handle, address) = listener::listen(&config.host, config.port).map_err(failed)?;
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let plan = plan.clone();
    let server = HttpServer::new(move || {
        let context = plan.context().expect("the address was understood when the node started");
        let context = web::Data::new(context);
        context.sockets.tend(context.clone());
        let sockets = plan.registry.all().flat_map(|owner| (owner.sockets)(&plan.config)).collect();
        App::new()
            .app_data(context)
            .app_data(web::Data::new(plan.registry.clone()))
            .configure(|routes| plan.registry.all().for_each(|owner| (owner.routes)(routes, &plan.config)))
            .configure(|routes| configure(routes, sockets))
            .service(site::documentation(plan.openapi.clone()))
            .default_service(web::to(not_found))
            .wrap(from_fn(in_dialect))
            .wrap(from_fn(hold_body))
            .wrap(cors(&plan.config.server.allowed_origins))
            .wrap(from_fn(count))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .on_connect(|connection, data| {
        let stream = connection.downcast_ref::<actix_web::rt::net::TcpStream>();
        if let Some(socket) = stream.and_then(RawSocket::of) {
            data.insert(socket);
        }
    })
    .workers(workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(config.shutdown_secs)
    .disable_signals()
    .listen(listener)
    .map_err(failed)?
    .run();
    Ok((address, listener_handle, server))
}

impl Plan {
    /// A worker's context, over a store of its own: a connection belongs to the runtime that made it.
    fn context(&self) -> Result<Context, Error> {
        let store = Store::new(&self.store, &self.memory)?;
        let lagging = Duration::from_secs(self.config.limits.behind_secs);
        let hub = Hub::start(&self.followed_rooms, store.clone(), &self.config.server.public_url, lagging);
        Ok(Context {
            services: Services::new(&store, &self.shared),
            followed_rooms: self.followed_rooms.clone(),
            sockets: Sockets::new(hub),
            socket_counts: Arc::clone(&self.socket_counts),
            allowed_origins: self.config.server.allowed_origins.clone(),
            public_url: self.config.server.public_url.trim_end_matches('/').to_owned(),
            metrics: Arc::clone(&self.shared.metrics),
            limits: Arc::clone(&self.limits),
            trusted_proxies: self.config.server.trusted_proxies.clone(),
            stopping: Arc::clone(&self.stopping),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn schemas_of_two_dialects_do_not_share_a_name() {
        let mut known: HashMap<String, String> = HashMap::new();
        for dialect in dialects::ALL {
            let schemas = (dialect.openapi)().components.map(|it| it.schemas).unwrap_or_default();
            for (name, schema) in schemas {
                let schema = serde_json::to_string(&schema).expect("JSON");
                let other = known.insert(name.clone(), schema.clone());
                assert!(other.is_none_or(|other| other == schema), "{name} is two things");
            }
        }
    }
}
