//! Finds the Redis server that takes writes, for all connections of a node.
//!
//! Every connect looks the server up and checks its role. When one connection learns that its server was demoted, the
//! generation is raised, and all connections leave that server together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult, Value};
use tokio::sync::watch;
use tracing::{error, warn};

use super::check::check;
use super::unusable::{connect_error, unusable};
use crate::domain::{Error, Result};

/// Time to find, open and check a connection. Together with the response timeout it stays below the two seconds within
/// which a request answers 503.
pub(in crate::store) const CONNECT_TIMEOUT: Duration = Duration::from_millis(600);
/// Time after which the kernel gives up unacknowledged bytes: the response timeout of requests.
pub(in crate::store) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1200);
/// Replies of a server that does not take writes, or does not any longer.
const DEMOTED: [&str; 3] = ["READONLY", "MASTERDOWN", "UNBLOCKED"];

/// The Redis servers of a node.
#[derive(Debug)]
pub struct Servers {
    address: ConnectionInfo,
    /// Rises when every connection must leave its server.
    generation: watch::Sender<u64>,
    /// The last reason for which no connection could be opened, so that each is logged once.
    complaint: Mutex<Option<String>>,
    /// The user of Redis may run `INFO`.
    permits_info: AtomicBool,
}

/// A connection, and the generation in which it was opened.
pub(in crate::store) struct Opened<C> {
    pub(in crate::store) connection: C,
    pub(in crate::store) generation: u64,
}

impl Servers {
    /// Parses the address.
    ///
    /// # Errors
    /// `Internal` with one line that says what is wrong.
    pub fn new(url: &str) -> Result<Self> {
        let address = connection_info(url).map_err(|error| unusable(format!("redis.url: {error}")))?;
        Ok(Self {
            address,
            generation: watch::Sender::new(0),
            complaint: Mutex::default(),
            permits_info: AtomicBool::new(true),
        })
    }

    /// The number of the database.
    pub(in crate::store) fn database(&self) -> i64 {
        self.address.redis_settings().db()
    }

    /// Opens a connection to the server that takes writes.
    ///
    /// # Errors
    /// `Unavailable` when no server answers or takes writes; `Internal` when none can be used, with the reason.
    pub(in crate::store) async fn connect<C, F>(&self, open: impl Fn(ConnectionInfo) -> F) -> Result<Opened<C>>
    where
        C: ConnectionLike,
        F: Future<Output = RedisResult<C>>,
    {
        let generation = self.generation();
        let address = self.address.addr().to_string();
        let attempt = async {
            let mut connection = open(self.address.clone()).await.map_err(|error| connect_error(&error, &address))?;
            let info = check(&mut connection).await?;
            self.permits_info.store(info.is_some(), Ordering::Release);
            Ok(connection)
        };
        // Boxed: it is rare, and would make the future of every command deep and large.
        let outcome = match tokio::time::timeout(CONNECT_TIMEOUT, Box::pin(attempt)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Unavailable(format!("Redis at {address} does not answer").into())),
        };
        Ok(Opened { connection: outcome?, generation })
    }

    /// Logs an error that needs an operator, once until a connection was opened, and converts it: requests answer 503 until
    /// it is mended.
    pub(in crate::store) fn note_failure(&self, failure: Error) -> Error {
        let Error::Internal(source) = failure else { return failure };
        let reason = source.to_string();
        let last = self.complaint.lock().expect("no panic while held").replace(reason.clone());
        if last.as_ref() != Some(&reason) {
            error!(error = reason, "could not use Redis");
        }
        Error::Unavailable(source)
    }

    /// Ends the memory of the last error.
    pub(in crate::store) fn note_success(&self) {
        *self.complaint.lock().expect("no panic while held") = None;
    }

    /// Whether the user of Redis may run `INFO`, as far as connections found out.
    pub(in crate::store) fn permits_info(&self) -> bool {
        self.permits_info.load(Ordering::Acquire)
    }

    fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    /// Whether connections of this generation must be left.
    pub(in crate::store) fn is_left(&self, generation: u64) -> bool {
        self.generation() != generation
    }

    /// Returns once connections of this generation must be left.
    pub(in crate::store) async fn left(&self, generation: u64) {
        let mut changes = self.generation.subscribe();
        // The sender lives as long as `self`.
        if changes.wait_for(|now| *now != generation).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Makes all connections of this generation leave their server.
    pub(in crate::store) fn leave(&self, generation: u64, reason: &str) {
        let is_first = self.generation.send_if_modified(|now| {
            let is_present = *now == generation;
            *now += u64::from(is_present);
            is_present
        });
        if is_first {
            warn!(reason, "leaving the Redis server");
        }
    }

    /// Leaves the server when one of the replies of a connection of this generation says that it takes no writes.
    pub(in crate::store) fn judge(&self, generation: u64, replies: &[Value]) {
        let refusal = replies.iter().find_map(|reply| match reply {
            Value::ServerError(error) => DEMOTED.into_iter().find(|code| *code == error.code()),
            _ => None,
        });
        if let Some(code) = refusal {
            self.leave(generation, code);
        }
    }
}

/// Parses the connection settings of `url`: RESP3, which reports a lost connection at once, and no Nagle delay. The name of
/// the client library is not sent, because the user of Redis may lack the right to `CLIENT`.
fn connection_info(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    let tcp = info
        .tcp_settings()
        .clone()
        .set_nodelay(true)
        .set_user_timeout(RESPONSE_TIMEOUT)
        .set_keepalive(socket2::TcpKeepalive::new().with_time(Duration::from_secs(10)));
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_left_once_for_all_connections_to_it() {
        let servers = Servers::new("redis://127.0.0.1:1/3").expect("an address");
        assert_eq!(servers.database(), 3);
        let opened = servers.generation();
        servers.leave(opened, "READONLY");
        assert!(servers.is_left(opened));
        let next = servers.generation();
        servers.leave(opened, "READONLY");
        assert!(!servers.is_left(next), "a late reply of the old server leaves the new one alone");
    }
}
