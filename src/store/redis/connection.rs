//! Shared connections: one connection checked out of a pool, whose clones all callers share.
//!
//! Concurrent calls over clones coalesce into one write, and no call pays the `PING` that `pool.get()` costs on every
//! reuse. When the connection breaks or stops answering, it is dropped and replaced; while Redis is down, callers fail at
//! once instead of waiting for each other's timeouts. Rare calls (start-up checks, administration) use
//! [`SharedConnection::cold`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool_redis::{Connection, Manager, Pool, Runtime};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline, ProtocolVersion, PushInfo, PushKind,
    Value,
};
use tokio::sync::Mutex;

use super::scripts::{self, Call};
use crate::domain::{Error, Result};

/// Together, the two timeouts stay below the two seconds within which a request answers 503.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(600);
pub(in crate::store) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1200);
/// Response timeout of the connection for long lists.
pub(in crate::store) const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after a failed connect during which callers fail at once.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// One connection to share and a few for rare calls.
const POOL_SIZE: usize = 4;
/// The client library's default of 50 stalls senders under load.
const QUEUED_COMMANDS: usize = 4096;

/// A shared connection that replaces itself when it breaks.
pub(in crate::store) struct SharedConnection {
    pool: Pool,
    /// The connection that callers clone; apart from `slot`, so that calls need no async lock.
    current: std::sync::Mutex<Option<Current>>,
    slot: Mutex<Slot>,
    /// Set by the driver when the connection ends.
    is_ended: Arc<AtomicBool>,
}

/// A connection and its number, so that a late failure on an old connection does not retire the current one.
#[derive(Clone)]
struct Current {
    connection: MultiplexedConnection,
    number: u64,
}

#[derive(Default)]
struct Slot {
    /// Keeps the checked-out connection out of the pool.
    held: Option<Connection>,
    /// Number of connections so far.
    count: u64,
    failed_at: Option<Instant>,
}

impl SharedConnection {
    /// Makes a connection to the server at `url`. It connects at first use, on the runtime of that call.
    ///
    /// # Errors
    /// `Internal` for a malformed address.
    pub(in crate::store) fn new(url: &str, response_timeout: Duration) -> Result<Self> {
        let is_ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_ended);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(response_timeout))
            .set_pipeline_buffer_size(QUEUED_COMMANDS)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    flag.store(true, Ordering::Release);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        let manager = Manager::new_with_config(connection_info(url)?, config).map_err(Error::internal)?;
        let pool = Pool::builder(manager)
            .max_size(POOL_SIZE)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(RESPONSE_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(Error::internal)?;
        Ok(Self { pool, current: std::sync::Mutex::default(), slot: Mutex::default(), is_ended })
    }

    /// Checks out a separate connection, for rare or blocking commands.
    pub(in crate::store) async fn cold(&self) -> Result<Connection> {
        self.pool.get().await.map_err(|error| Error::Unavailable(error.into()))
    }

    /// Runs a pipeline in one round trip and returns each command's reply. Its scripts must be read-only: when Redis does not
    /// know them, they are loaded and the pipeline runs again.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer (the outcome is then unknown); the first error reply.
    pub(in crate::store) async fn run(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let mut replies = self.exchange(pipeline).await?;
        let has_forgotten =
            replies.iter().any(|reply| matches!(reply, Value::ServerError(e) if scripts::is_missing(e)));
        if has_forgotten {
            self.exchange(&scripts::load_all()).await?;
            replies = self.exchange(pipeline).await?;
        }
        replies.into_iter().map(refuse_error).collect()
    }

    /// Runs a script and, in the same round trip, commands on keys of other slots. Returns the script's reply and theirs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script(&self, call: &Call<'_>, extra: &[Cmd]) -> Result<(Value, Vec<Value>)> {
        let mut pipeline = Pipeline::with_capacity(1 + extra.len());
        pipeline.add_command(call.by_hash());
        for command in extra {
            pipeline.add_command(command.clone());
        }
        let mut replies = self.exchange(&pipeline).await?.into_iter();
        let first = replies.next().unwrap_or_default();
        let first = match first {
            Value::ServerError(error) if scripts::is_missing(&error) => self.reload_and_run(call).await?,
            reply => refuse_error(reply)?,
        };
        Ok((first, replies.collect()))
    }

    /// Sends the source of a script that Redis does not know, after a restart or `SCRIPT FLUSH`. This loads it.
    async fn reload_and_run(&self, call: &Call<'_>) -> Result<Value> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(call.by_source());
        refuse_error(self.exchange(&pipeline).await?.pop().unwrap_or_default())
    }

    async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        if pipeline.is_empty() {
            return Ok(Vec::new()); // an empty pipeline has no reply to wait for
        }
        let Current { mut connection, number } = self.current().await?;
        let outcome = connection.send_packed_commands(pipeline, 0, pipeline.len()).await;
        outcome.map_err(|error| {
            if error.is_timeout() || error.is_io_error() || error.is_connection_dropped() {
                self.give_up(number);
            }
            store_error(error)
        })
    }

    /// Retires a connection, if it is still the current one.
    fn give_up(&self, number: u64) {
        let mut current = self.current.lock().expect("no panic while held");
        if current.as_ref().is_some_and(|current| current.number == number) {
            *current = None;
        }
    }

    async fn current(&self) -> Result<Current> {
        if self.is_ended.swap(false, Ordering::AcqRel) {
            *self.current.lock().expect("no panic while held") = None;
        }
        match self.present() {
            Some(current) => Ok(current),
            None => self.reconnect().await,
        }
    }

    fn present(&self) -> Option<Current> {
        self.current.lock().expect("no panic while held").clone()
    }

    async fn reconnect(&self) -> Result<Current> {
        let mut slot = self.slot.lock().await;
        if let Some(current) = self.present() {
            return Ok(current); // another caller has replaced it already
        }
        if let Some(broken) = slot.held.take() {
            drop(Connection::take(broken)); // does not return it to the pool
        }
        if slot.failed_at.is_some_and(|at| at.elapsed() < RETRY_PAUSE) {
            return Err(Error::Unavailable("Redis did not answer a moment ago".into()));
        }
        match self.connect().await {
            Ok(connection) => {
                let current = Current { connection: (*connection).clone(), number: slot.count };
                *slot = Slot { held: Some(connection), count: slot.count + 1, failed_at: None };
                *self.current.lock().expect("no panic while held") = Some(current.clone());
                Ok(current)
            }
            Err(error) => {
                slot.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Checks out a connection and loads the scripts, so that the first call after a restart finds them.
    async fn connect(&self) -> Result<Connection> {
        let mut connection = self.cold().await?;
        let pipeline = scripts::load_all();
        let () = pipeline.query_async(&mut connection).await.map_err(store_error)?;
        Ok(connection)
    }
}

/// Converts an error reply. Replies of these scripts and commands carry errors at the top level only.
fn refuse_error(reply: Value) -> Result<Value> {
    match reply {
        Value::ServerError(error) => Err(store_error(error.into())),
        reply => Ok(reply),
    }
}

/// Parses the connection settings of `url`: RESP3, which reports a lost connection at once, and no Nagle delay.
pub(in crate::store) fn connection_info(url: &str) -> Result<ConnectionInfo> {
    let info = url.into_connection_info().map_err(Error::internal)?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = info
        .tcp_settings()
        .clone()
        .set_nodelay(true)
        .set_user_timeout(RESPONSE_TIMEOUT)
        .set_keepalive(socket2::TcpKeepalive::new().with_time(Duration::from_secs(10)));
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

/// Converts an error: transient conditions (loading, failover, out of memory, no connection) to `Unavailable`, others to a
/// defect.
pub(in crate::store) fn store_error(error: redis::RedisError) -> Error {
    const PASSING: [&str; 9] =
        ["LOADING", "READONLY", "MASTERDOWN", "BUSY", "OOM", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS"];
    let is_passing = error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || error.code().is_some_and(|code| PASSING.contains(&code));
    if is_passing {
        return Error::Unavailable(error.into());
    }
    Error::Internal(error.into())
}
