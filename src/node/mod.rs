//! A node: starts everything in order, watches over its long-lived tasks, and stops without losing a request.
//!
//! The top of the house: imports every floor, and no floor imports it.

mod administration;
mod check;
mod data_folder;
mod error;
mod exposure;
mod folder_lock;
mod housekeeping;
mod incidents;
mod kept_file;
mod listener;
mod memory;
mod peers;
mod presence;
mod private_redis;
mod process_usage;
mod pulse;
mod push;
mod redis_log;
mod reload;
mod reporter;
mod scratch_folder;
mod server;
mod service_manager;
mod signing_keys;
mod tasks;
pub mod telemetry;
mod wiring;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

pub use crate::service::new_push_key;
pub use administration::{administration, applications, backups, hooks, restoring, room_removals};
pub use check::{Finding, Verdict, check};
pub use data_folder::FolderError;
pub use error::StartError;
pub use folder_lock::LockError;
pub use private_redis::{PrivateRedis, PrivateRedisError};
pub use reload::{LiveSettings, Reloader};
pub use scratch_folder::ScratchFolder;
pub use service_manager::ServiceManager;
pub use signing_keys::new_secret;
pub use tasks::TaskEnded;
pub use wiring::openapi;

use crate::config::Config;
use crate::dialects;
use crate::domain::Clock;
use crate::edge::{Dialect, Faults, SocketCounts, Stopping};
use crate::fanout::FollowedRooms;
use crate::service::Services;
use crate::spans::Spans;
use listener::ListenerHandle;
use pulse::Pulse;
use reporter::REPORTER;
use server::Listening;
use tasks::Tasks;
use wiring::Wiring;

/// Time for another Chinwag, which was killed or told to stop, to leave the data folder.
const TAKEOVER: Duration = Duration::from_secs(5);
/// Time for all WebSockets to close.
const SOCKETS_CLOSE: Duration = Duration::from_secs(6);
/// Time for the last report and for leaving the dashboard.
const LAST_REPORT: Duration = Duration::from_secs(2);
/// Time for the last response to be sent once it is complete.
const LAST_RESPONSE: Duration = Duration::from_millis(250);
const POLL: Duration = Duration::from_millis(10);

/// A running node.
pub struct Node {
    id: String,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    listener: Option<ListenerHandle>,
    server: ServerHandle,
    tasks: Tasks,
    stopping: Arc<Stopping>,
    pulse: Arc<Pulse>,
    followed_rooms: FollowedRooms,
    socket_counts: Arc<SocketCounts>,
    drain: Duration,
    services: Services,
    settings: LiveSettings,
    spans: Spans,
    /// Dropped to make the reporter send its last report.
    end_reports: oneshot::Sender<()>,
    service_manager: Option<Arc<ServiceManager>>,
    redis: Option<PrivateRedis>,
}

impl Node {
    /// Starts a node and returns once it listens.
    ///
    /// # Errors
    /// One line that names what is wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with_dialects(config, dialects::ALL.to_vec()).await
    }

    /// Starts a node with this clock. Nodes of one process can thereby have clocks that differ.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with_clock(config: Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_with(config, dialects::ALL.to_vec(), clock, None).await
    }

    /// Starts a node for tests of clients: its private Redis keeps everything in memory, and it has faults on request.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_for_tests(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, dialects::ALL.to_vec(), Clock::default(), Some(Arc::default())).await
    }

    /// Starts a node with these dialects.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with_dialects(config: Config, dialects: Vec<Dialect>) -> Result<Self, StartError> {
        Self::start_with(config, dialects, Clock::default(), None).await
    }

    async fn start_with(
        config: Config,
        dialects: Vec<Dialect>,
        clock: Clock,
        faults: Option<Arc<Faults>>,
    ) -> Result<Self, StartError> {
        config.check()?;
        let redis = start_redis(&config, faults.is_some()).await?;
        // Nothing balances load in front of a node that is alone.
        let drain = Duration::from_secs(if redis.is_some() { 0 } else { config.server.drain_secs });
        let url = redis.as_ref().map_or(config.redis.url.clone(), |redis| redis.url().to_owned());
        let mut tasks = Tasks::default();
        let preparing = Box::pin(Wiring::prepare(config, dialects, &url, clock, &mut tasks));
        let (wiring, store) = match &redis {
            Some(redis) => redis.run(preparing).await?,
            None => preparing.await?,
        };
        let Listening { address, metrics_address, listener, server } = server::listen(&wiring, faults)?;
        let is_memory_limited = redis.is_some() || memory::is_limited(&store).await;
        exposure::warn_of_risks(&wiring.config, address, is_memory_limited);
        check::warn_of_local_faults(&wiring.config).await;
        let services = wiring.services(&store);
        let reporter = wiring.reporter(address, store);
        if redis.is_none() {
            // No request is answered before: the server does not run yet.
            peers::join(&reporter, &wiring.config, &wiring::uploads_url(&wiring.config)?).await?;
        }
        let handle = server.handle();
        tasks.spawn("server", async move {
            if let Err(error) = server.await {
                error!(%error, "server ended with an error");
            }
        });
        let (end_reports, end) = oneshot::channel();
        tasks.spawn(REPORTER, reporter.run(end));
        info!(node.id = %wiring.node_id, %address, "node started");
        Ok(Self {
            spans: wiring.spans(),
            id: wiring.node_id,
            address,
            metrics_address,
            listener: Some(listener),
            server: handle,
            tasks,
            stopping: wiring.stopping,
            pulse: wiring.pulse,
            followed_rooms: wiring.followed_rooms,
            socket_counts: wiring.socket_counts,
            drain,
            services,
            settings: LiveSettings { limits: wiring.shared.limits, allowed_origins: wiring.allowed_origins },
            end_reports,
            service_manager: None,
            redis,
        })
    }

    /// The address on which the node listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of health checks and metrics alone, if there is one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// The node's id, generated at its start. The dashboard shows it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it does, without a route.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The settings that it may take over while it runs.
    pub fn settings(&self) -> LiveSettings {
        self.settings.clone()
    }

    /// Adds a task to those that the node watches: it runs until the node stops, and the node ends with it.
    pub fn watch(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(name, task);
    }

    /// Notifies the service manager from now on that the node serves, that it still answers, and that it stops.
    pub fn report_to(&mut self, manager: Arc<ServiceManager>) {
        let rooms = self.followed_rooms.clone();
        let is_ready = move || rooms.is_up() && rooms.takes_writes();
        self.tasks.spawn("service manager", Arc::clone(&manager).report(Arc::clone(&self.pulse), is_ready));
        self.service_manager = Some(manager);
    }

    /// Waits until one of the node's long-lived tasks ends by itself. It is not restarted: stop the node, and
    /// let a supervisor start the process again.
    pub async fn wait(&mut self) -> TaskEnded {
        let ended = self.tasks.first_ended().await;
        error!(task = ended.task, has_panicked = ended.has_panicked, "a task of the node ended, the node stops");
        ended
    }

    /// Stops the node: reports it as not ready, waits for balancers to notice, closes the listener and the WebSockets,
    /// waits for responses under way, and stops the private Redis last.
    pub async fn stop(mut self) {
        self.stopping.begin();
        self.service_manager.iter().for_each(|manager| manager.stopping());
        info!("draining");
        self.wait_for_balancers().await;
        self.close_sockets().await;
        // The framework would wait for idle connections as well, for the whole of its timeout.
        tokio::select! {
            () = self.server.stop(true) => {}
            () = all_answered(&self.stopping) => {}
        }
        drop(self.end_reports);
        if !self.tasks.wait_for(REPORTER, LAST_REPORT).await {
            debug!("the last report took too long and was dropped");
        }
        self.tasks.shutdown().await;
        self.spans.stop().await;
        if let Some(redis) = self.redis.take()
            && let Err(error) = tokio::task::spawn_blocking(|| redis.stop()).await
        {
            error!(%error, "could not stop the private Redis");
        }
        info!("stopped");
    }

    async fn wait_for_balancers(&mut self) {
        if self.drain.is_zero() {
            return;
        }
        tokio::time::sleep(self.drain).await;
        if let Some(listener) = self.listener.take()
            && let Err(error) = listener.stop_accepting().await
        {
            warn!(%error, "connections that wait to be accepted may be reset");
        }
    }

    async fn close_sockets(&self) {
        self.stopping.close_sockets();
        let started = Instant::now();
        while self.socket_counts.total() > 0 && started.elapsed() < SOCKETS_CLOSE {
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Starts the private Redis of a node without a configured one.
async fn start_redis(config: &Config, is_for_tests: bool) -> Result<Option<PrivateRedis>, PrivateRedisError> {
    let (dir, redis) = (&config.data.dir, &config.redis);
    match (config.has_private_redis(), is_for_tests) {
        (true, false) => PrivateRedis::start(dir, redis, TAKEOVER).await.map(Some),
        (true, true) => PrivateRedis::start_in_memory(dir, redis).await.map(Some),
        (false, _) => Ok(None),
    }
}

/// Waits until no request has been under way for as long as the last response takes to leave.
async fn all_answered(stopping: &Stopping) {
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < LAST_RESPONSE {
        tokio::time::sleep(POLL).await;
        if stopping.under_way() > 0 {
            quiet_since = Instant::now();
        }
    }
}
