//! Shared connections: one connection checked out of a pool, whose clones all callers share.
//!
//! Concurrent calls over clones coalesce into one write, and no call pays the `PING` that `pool.get()` costs on every
//! reuse. When the connection breaks, stops answering or reaches a server that takes no writes, it is dropped and
//! replaced; while Redis is down, callers fail at once instead of waiting for each other's timeouts. Rare calls (start-up
//! checks, administration) use [`SharedConnection::cold`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool_redis::{Connection, Manager, Pool, PoolError};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, ConnectionInfo, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::scripts;
use super::servers::{CONNECT_TIMEOUT, Opened, Servers};
use super::unusable::{missing_right, unusable};
use crate::domain::{Error, Result};

/// Response timeout of the connection for long lists.
pub(in crate::store) const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after a failed connect during which callers fail at once.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// The client library's default of 50 stalls senders under load.
const QUEUED_COMMANDS: usize = 4096;

/// What a redirect means where the server is not known as one of a cluster.
const IS_CLUSTER: &str =
    "redis.url is the address of a Redis Cluster: set redis.mode = \"cluster\" where the right to INFO is missing";

/// A shared connection that replaces itself when it breaks or when its server takes no writes any longer.
pub(in crate::store) struct SharedConnection {
    servers: Arc<Servers>,
    response_timeout: Duration,
    /// The runtime whose threads drive it. `None`: that of whoever connects.
    runtime: Option<Handle>,
    /// The connection that callers clone; apart from `slot`, so that calls need no async lock.
    current: std::sync::Mutex<Option<Current>>,
    slot: Mutex<Slot>,
}

/// A connection and its number, so that a late failure on an old connection does not retire the current one.
#[derive(Clone)]
struct Current {
    connection: MultiplexedConnection,
    number: u64,
    /// The generation of servers in which it was opened.
    generation: u64,
    /// Set by the driver when the connection ends.
    is_ended: Arc<AtomicBool>,
}

#[derive(Default)]
struct Slot {
    /// Keeps the checked-out connection out of its pool.
    held: Option<Connection>,
    /// Number of connections so far.
    count: u64,
    failed_at: Option<Instant>,
}

impl SharedConnection {
    /// Creates a connection. It connects at first use, on the runtime of that call.
    pub(in crate::store) fn new(servers: &Arc<Servers>, response_timeout: Duration) -> Self {
        Self {
            servers: Arc::clone(servers),
            response_timeout,
            runtime: None,
            current: std::sync::Mutex::default(),
            slot: Mutex::default(),
        }
    }

    /// The same connection, driven by the threads of this runtime.
    pub(in crate::store) fn driven_by(self, runtime: Option<Handle>) -> Self {
        Self { runtime, ..self }
    }

    /// Opens a separate connection, for rare or blocking commands.
    ///
    /// # Errors
    /// `Unavailable`; `Internal` with the reason when Redis cannot be used as it is configured.
    pub(in crate::store) async fn cold(&self) -> Result<Connection> {
        Ok(self.connect(&Arc::default()).await?.connection)
    }

    /// Runs a pipeline in one round trip and returns each command's reply, error replies included.
    pub(super) async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        if pipeline.is_empty() {
            return Ok(Vec::new()); // an empty pipeline has no reply to wait for
        }
        let Current { mut connection, number, generation, .. } = self.current().await?;
        let outcome = connection.send_packed_commands(pipeline, 0, pipeline.len()).await;
        if self.servers.is_left(generation) {
            // What a demoted server acknowledges late may be lost.
            return Err(Error::Unavailable("the server was left before it answered".into()));
        }
        match outcome {
            Ok(replies) => {
                self.servers.judge(generation, &replies);
                Ok(replies)
            }
            Err(error) => {
                if error.is_timeout() || error.is_io_error() || error.is_connection_dropped() {
                    self.servers.condition.note_silence(&error);
                    self.give_up(number);
                }
                Err(store_error(error))
            }
        }
    }

    /// Retires a connection, if it is still the current one.
    fn give_up(&self, number: u64) {
        let mut current = self.current.lock().expect("no panic while held");
        if current.as_ref().is_some_and(|current| current.number == number) {
            self.servers.note_break();
            *current = None;
        }
    }

    async fn current(&self) -> Result<Current> {
        match self.present() {
            Some(current) => Ok(current),
            None => self.reconnect().await,
        }
    }

    /// The current connection, unless it has ended or its server was left.
    fn present(&self) -> Option<Current> {
        let current = self.current.lock().expect("no panic while held");
        let is_usable =
            |current: &&Current| !current.is_ended.load(Ordering::Acquire) && !self.servers.is_left(current.generation);
        current.as_ref().filter(is_usable).cloned()
    }

    async fn reconnect(&self) -> Result<Current> {
        let mut slot = self.slot.lock().await;
        if let Some(current) = self.present() {
            return Ok(current); // another caller has replaced it already
        }
        drop(slot.held.take());
        *self.current.lock().expect("no panic while held") = None;
        if slot.failed_at.is_some_and(|at| at.elapsed() < RETRY_PAUSE) {
            return Err(Error::Unavailable("Redis did not answer a moment ago".into()));
        }
        let is_ended = Arc::default();
        match self.connect(&is_ended).await {
            Ok(Opened { connection, generation }) => {
                let current = Current { connection: (*connection).clone(), number: slot.count, generation, is_ended };
                *slot = Slot { held: Some(connection), count: slot.count + 1, failed_at: None };
                *self.current.lock().expect("no panic while held") = Some(current.clone());
                self.servers.condition.note_success();
                Ok(current)
            }
            Err(error) => {
                slot.failed_at = Some(Instant::now());
                Err(self.servers.condition.note_failure(error))
            }
        }
    }

    async fn connect(&self, is_ended: &Arc<AtomicBool>) -> Result<Opened<Connection>> {
        let opening = open_with_scripts(Arc::clone(&self.servers), self.response_timeout, Arc::clone(is_ended));
        match &self.runtime {
            None => opening.await,
            Some(runtime) => {
                let opened = runtime.spawn(opening).await;
                opened.unwrap_or_else(|_| Err(Error::Unavailable("the node is stopping".into())))
            }
        }
    }
}

/// Opens a connection and loads the scripts, so that the first call after a restart finds them.
async fn open_with_scripts(
    servers: Arc<Servers>,
    response_timeout: Duration,
    is_ended: Arc<AtomicBool>,
) -> Result<Opened<Connection>> {
    let mut opened = open(servers, response_timeout, is_ended).await?;
    let pipeline = scripts::load_all();
    let loading = opened.connection.req_packed_commands(&pipeline, 0, pipeline.len());
    for reply in loading.await.map_err(store_error)? {
        refuse_error(reply)?;
    }
    Ok(opened)
}

/// Opens a connection. Its driver sets `is_ended` when it ends.
async fn open(
    servers: Arc<Servers>,
    response_timeout: Duration,
    is_ended: Arc<AtomicBool>,
) -> Result<Opened<Connection>> {
    let of_driver = Arc::clone(&servers);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
        .set_pipeline_buffer_size(QUEUED_COMMANDS)
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                // First: what was read must count as outdated before anyone can reach the next server.
                of_driver.note_break();
                is_ended.store(true, Ordering::Release);
            }
            Ok::<(), redis::aio::SendError>(())
        });
    servers.connect(|info| check_out(info, config.clone())).await
}

/// Connects to one server. The manager of `deadpool-redis` keeps one address and one password, so each connect has a pool of
/// its own, which ends with the connection.
async fn check_out(info: ConnectionInfo, config: AsyncConnectionConfig) -> RedisResult<Connection> {
    let failed = |what: String| RedisError::from((ErrorKind::Io, "no connection", what));
    let manager = Manager::new_with_config(info, config)?;
    let pool = Pool::builder(manager).max_size(1).build().map_err(|error| failed(error.to_string()))?;
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => error,
        error => failed(error.to_string()),
    })
}

/// Converts an error reply. Replies of these scripts and commands carry errors at the top level only.
pub(in crate::store) fn refuse_error(reply: Value) -> Result<Value> {
    match reply {
        Value::ServerError(error) => Err(store_error(error.into())),
        reply => Ok(reply),
    }
}

/// Converts an error: transient conditions (loading, failover, no connection) to `Unavailable`, exhausted memory to
/// `StorageFull`, others to a defect.
pub(in crate::store) fn store_error(error: redis::RedisError) -> Error {
    const PASSING: [&str; 9] =
        ["LOADING", "READONLY", "MASTERDOWN", "UNBLOCKED", "BUSY", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS"];
    let is_passing = error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || error.code().is_some_and(|code| PASSING.contains(&code));
    if is_passing {
        return Error::Unavailable(error.into());
    }
    if error.code() == Some("OOM") {
        return Error::StorageFull; // no command and no script has written anything then
    }
    if error.code() == Some("NOPERM") {
        return missing_right(&error);
    }
    if error.code() == Some("MOVED") {
        return unusable(IS_CLUSTER);
    }
    Error::Internal(error.into())
}
