//! Finds the Redis server that takes writes, for all connections of a node.
//!
//! Every connect looks the server up, reads the password and the certificates again, and checks the role of what
//! answers. When one connection learns that its server was demoted, or a sentinel says that it is about to be, the
//! generation is raised, and all connections leave that server together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{ConnectionAddr, ConnectionInfo, RedisConnectionInfo, RedisResult, Value};
use tokio::sync::watch;
use tracing::warn;

use super::address::{login, ready_to_connect, tuned};
use super::check::{Checked, check};
use super::condition::Condition;
use super::sentinel::{Place, Sentinels, Sign};
use super::tls;
use super::unusable::{connect_error, unusable};
use crate::config::{RedisConfig, RedisMode};
use crate::domain::{Error, Result};

/// Time to find, open and check a connection. Together with the response timeout it stays below the two seconds within
/// which a request answers 503.
pub(in crate::store) const CONNECT_TIMEOUT: Duration = Duration::from_millis(700);
/// Replies of a server that does not take writes, or does not any longer.
const DEMOTED: [&str; 3] = ["READONLY", "MASTERDOWN", "UNBLOCKED"];

/// The Redis servers of a node.
pub struct Servers {
    config: RedisConfig,
    addresses: Vec<ConnectionInfo>,
    /// The address that took the last connection, so that the next connect begins there.
    preferred: AtomicUsize,
    /// The addresses are those of sentinels, as the settings say or the first answer showed.
    has_sentinels: AtomicBool,
    sentinels: Sentinels,
    /// The server of the last connection that was found through sentinels.
    present: Mutex<Option<Place>>,
    /// Rises when every connection must leave its server.
    generation: watch::Sender<u64>,
    breaks: AtomicU64,
    /// The user of Redis may run `INFO`.
    permits_info: AtomicBool,
    /// This is one shard of a cluster.
    is_shard: bool,
    pub(super) condition: Condition,
}

/// A connection, and the generation in which it was opened.
pub(in crate::store) struct Opened<C> {
    pub(in crate::store) connection: C,
    pub(in crate::store) generation: u64,
}

/// What answered at an address.
enum Answered<C> {
    Server(C),
    Sentinel,
}

impl Servers {
    /// Reads the settings.
    ///
    /// # Errors
    /// `Internal` with one line that says what is wrong.
    pub fn new(config: &RedisConfig) -> Result<Self> {
        let addresses = config.addresses().filter(|addresses| !addresses.is_empty());
        let addresses = addresses.ok_or_else(|| unusable("redis.url holds no address of Redis"))?;
        if config.has_tls() {
            tls::install_provider();
        }
        Ok(Self::at(config, addresses.into_iter().map(tuned).collect(), Condition::default()))
    }

    /// The server of a shard.
    pub(super) fn of_shard(config: &RedisConfig, address: ConnectionInfo) -> Self {
        let condition = Condition::of_shard(address.addr().to_string());
        Self::at(config, vec![address], condition)
    }

    fn at(config: &RedisConfig, addresses: Vec<ConnectionInfo>, condition: Condition) -> Self {
        let is_shard = condition.shard().is_some();
        Self {
            config: config.clone(),
            addresses,
            preferred: AtomicUsize::new(0),
            has_sentinels: AtomicBool::new(match config.mode {
                _ if is_shard => false,
                RedisMode::Auto => config.names_sentinels(),
                RedisMode::Sentinel => true,
                RedisMode::Single | RedisMode::Cluster => false,
            }),
            sentinels: Sentinels::new(&config.sentinel_master),
            present: Mutex::default(),
            generation: watch::Sender::new(0),
            breaks: AtomicU64::new(0),
            permits_info: AtomicBool::new(true),
            is_shard,
            condition,
        }
    }

    /// The addresses of the configuration.
    pub(super) fn addresses(&self) -> &[ConnectionInfo] {
        &self.addresses
    }

    /// The address of the server to which the last connection led.
    pub(super) fn present(&self) -> String {
        match &*self.present.lock().expect("no panic while held") {
            Some((host, port)) => format!("{host}:{port}"),
            None => self.addresses[self.preferred.load(Ordering::Relaxed)].addr().to_string(),
        }
    }

    /// The number of the database.
    pub(in crate::store) fn database(&self) -> i64 {
        self.addresses[0].redis_settings().db()
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
        // Boxed: it is rare, and would make the future of every command deep and large.
        let connection = match tokio::time::timeout(CONNECT_TIMEOUT, Box::pin(self.open_primary(&open))).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(Error::Unavailable("Redis does not answer".into())),
        };
        if self.is_left(generation) {
            return Err(Error::Unavailable("the server was left while a connection to it was opened".into()));
        }
        Ok(Opened { connection, generation })
    }

    async fn open_primary<C, F>(&self, open: &impl Fn(ConnectionInfo) -> F) -> Result<C>
    where
        C: ConnectionLike,
        F: Future<Output = RedisResult<C>>,
    {
        let mut failure = unusable("redis.url holds no address of Redis");
        let share = CONNECT_TIMEOUT / u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        let first = self.preferred.load(Ordering::Relaxed);
        for index in (0..self.addresses.len()).map(|offset| (first + offset) % self.addresses.len()) {
            if self.has_sentinels() {
                return self.open_behind_sentinels(open).await;
            }
            let attempt = self.open_one(self.addresses[index].clone(), open);
            failure = match tokio::time::timeout(share, attempt).await {
                Ok(Ok(Answered::Server(connection))) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Ok(Answered::Sentinel)) if self.config.mode == RedisMode::Auto => {
                    self.has_sentinels.store(true, Ordering::Release);
                    return self.open_behind_sentinels(open).await;
                }
                Ok(Ok(Answered::Sentinel)) => unusable("redis.url is the address of a sentinel, redis.mode is single"),
                Ok(Err(error)) => error,
                Err(_) => {
                    Error::Unavailable(format!("Redis at {} does not answer", self.addresses[index].addr()).into())
                }
            };
        }
        Err(failure)
    }

    async fn open_behind_sentinels<C, F>(&self, open: &impl Fn(ConnectionInfo) -> F) -> Result<C>
    where
        C: ConnectionLike,
        F: Future<Output = RedisResult<C>>,
    {
        let place = match self.ask_sentinels().await? {
            Sign::Switched(place) => place,
            Sign::Ending(_) => {
                return Err(Error::Unavailable("the sentinels are about to replace the primary".into()));
            }
        };
        let (host, port) = place.clone();
        let info = self.addresses[0].clone();
        let address = match info.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        match self.open_one(info.set_addr(address), open).await? {
            Answered::Server(connection) => {
                *self.present.lock().expect("no panic while held") = Some(place);
                Ok(connection)
            }
            Answered::Sentinel => Err(unusable("a sentinel names a sentinel as the primary")),
        }
    }

    async fn open_one<C, F>(&self, info: ConnectionInfo, open: &impl Fn(ConnectionInfo) -> F) -> Result<Answered<C>>
    where
        C: ConnectionLike,
        F: Future<Output = RedisResult<C>>,
    {
        let address = info.addr().to_string();
        let info = ready_to_connect(info, &self.config).await?;
        let mut connection = open(info).await.map_err(|error| connect_error(&error, &address))?;
        match check(&mut connection, self.is_shard).await? {
            Checked::Sentinel => Ok(Answered::Sentinel),
            Checked::Primary(info) => {
                self.permits_info.store(info.is_some(), Ordering::Release);
                Ok(Answered::Server(connection))
            }
        }
    }

    /// Whether the servers are found through sentinels, as far as it is known.
    pub(super) fn has_sentinels(&self) -> bool {
        self.has_sentinels.load(Ordering::Acquire)
    }

    /// Asks the sentinels where the primary is, and whether it is being replaced.
    pub(super) async fn ask_sentinels(&self) -> Result<Sign> {
        let sentinels = self.sentinel_addresses().await?;
        self.sentinels.find(sentinels).await
    }

    /// The addresses of the sentinels, with their own user and password.
    pub(super) async fn sentinel_addresses(&self) -> Result<Vec<ConnectionInfo>> {
        let user = RedisConnectionInfo::default();
        let login = login(user, &self.config.sentinel_username, &self.config.sentinel_password_file).await?;
        let mut sentinels = Vec::with_capacity(self.addresses.len());
        for address in &self.addresses {
            let info = tuned(address.clone().set_redis_settings(login.clone()));
            sentinels.push(tls::with_certificates(info, &self.config).await?);
        }
        Ok(sentinels)
    }

    /// The name of the primary for sentinels, once it is known.
    pub(super) fn primary_name(&self) -> Option<&str> {
        self.sentinels.name()
    }

    /// Leaves the present server when a sentinel's sign concerns it.
    pub(super) fn heed(&self, sign: &Sign) {
        let present = self.present.lock().expect("no panic while held").clone();
        let (concerns, reason) = match sign {
            Sign::Ending(old) => (present.is_none_or(|present| present == *old), "a failover begins"),
            Sign::Switched(new) => (present.as_ref() != Some(new), "the primary was replaced"),
        };
        if concerns {
            self.leave(self.generation(), reason);
        }
    }

    /// Whether the user of Redis may run `INFO`, as far as connections found out.
    pub(in crate::store) fn permits_info(&self) -> bool {
        self.permits_info.load(Ordering::Acquire)
    }

    /// Number of times that a connection broke, all of them left their server, or something was found missing. What was
    /// read before the last of them must be read again before it is relied on.
    pub(in crate::store) fn breaks(&self) -> u64 {
        self.breaks.load(Ordering::Acquire) + self.generation()
    }

    pub(in crate::store) fn note_break(&self) {
        self.breaks.fetch_add(1, Ordering::AcqRel);
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
            warn!(shard = self.condition.shard(), slots = self.condition.slots(), reason, "leaving the Redis server");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn servers(url: &str) -> Servers {
        Servers::new(&RedisConfig { url: url.to_owned(), ..Config::defaults().redis }).expect("an address")
    }

    #[test]
    fn a_server_is_left_once_for_all_connections_to_it() {
        let servers = servers("redis://127.0.0.1:1/3");
        assert_eq!(servers.database(), 3);
        let opened = servers.generation();
        servers.leave(opened, "READONLY");
        assert!(servers.is_left(opened));
        let next = servers.generation();
        servers.leave(opened, "READONLY");
        assert!(!servers.is_left(next), "a late reply of the old server leaves the new one alone");
    }

    #[test]
    fn signs_about_another_server_are_not_heeded() {
        let servers = servers("redis://127.0.0.1:1,redis://127.0.0.1:2");
        let place = |port| ("127.0.0.1".to_owned(), port);
        *servers.present.lock().expect("no panic while held") = Some(place(7));
        servers.heed(&Sign::Switched(place(7)));
        servers.heed(&Sign::Ending(place(8)));
        assert!(!servers.is_left(0), "it is there already, and the other is none of its business");
        servers.heed(&Sign::Ending(place(7)));
        assert!(servers.is_left(0));
        servers.heed(&Sign::Switched(place(9)));
        assert!(servers.is_left(1));
    }
}
