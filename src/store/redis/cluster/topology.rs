//! Keeps the table of slots current: it is read again whenever a reply or a lost connection says that it may be
//! outdated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::{Client, ConnectionAddr, ConnectionInfo, InfoDict, Value};
use tokio::sync::{Mutex, watch};
use tracing::{debug, info};

use super::redirect::Address;
use super::slots::slot_of_key;
use super::table::{Move, Range, Shard, Table, parse_slots};
use crate::config::{RedisConfig, RedisMode};
use crate::domain::{Error, Result};
use crate::store::redis::address::ready_to_connect;
use crate::store::redis::durability::Durability;
use crate::store::redis::servers::Servers;
use crate::store::redis::unusable::connect_error;

/// Time in which a server must say who has which slot.
const ASK_TIMEOUT: Duration = Duration::from_millis(500);
/// Shortest time between two readings of the table.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest time between two reads, for changes without another sign.
const READ_EVERY: Duration = Duration::from_secs(5);
/// Number of servers that are queried at the same time. The first reply counts.
const ASKED_AT_ONCE: usize = 3;

/// The shards of a cluster.
pub(in crate::store) struct Cluster {
    config: RedisConfig,
    /// Addresses of the configuration.
    seeds: Vec<ConnectionInfo>,
    table: watch::Sender<Arc<Table>>,
    read_at: Mutex<Option<Instant>>,
    /// Times that the table changed.
    changes: AtomicU64,
    /// Number of shards that were ever created.
    made: AtomicU64,
}

impl Cluster {
    /// Finds out whether the addresses lead into a cluster; `None` when they do not.
    ///
    /// # Errors
    /// `Unavailable` when none answers; `Internal` with the reason when Redis cannot be used.
    pub(in crate::store) async fn discover(config: &RedisConfig, seeds: &[ConnectionInfo]) -> Result<Option<Self>> {
        let cluster = Self::new(config, seeds);
        match cluster.read_ranges().await? {
            Some(ranges) => cluster.adopt(&ranges)?,
            None => return Ok(None),
        }
        info!(shards = cluster.table().shards().len(), "Redis is a cluster");
        Ok(Some(cluster))
    }

    fn new(config: &RedisConfig, seeds: &[ConnectionInfo]) -> Self {
        Self {
            config: config.clone(),
            seeds: seeds.to_vec(),
            table: watch::Sender::new(Arc::new(Table::empty())),
            read_at: Mutex::default(),
            changes: AtomicU64::new(0),
            made: AtomicU64::new(0),
        }
    }

    /// A cluster of servers that do not answer.
    #[cfg(test)]
    pub(super) fn of_ranges(ranges: &[Range]) -> Arc<Self> {
        let url = "redis://127.0.0.1:1".to_owned();
        let config = RedisConfig { url, ..crate::config::Config::defaults().redis };
        let cluster = Self::new(&config, &config.addresses().expect("an address"));
        cluster.adopt(ranges).expect("a table");
        Arc::new(cluster)
    }

    /// The present table.
    pub(in crate::store) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.borrow())
    }

    /// Notifies of every change of the table.
    pub(in crate::store) fn subscribe(&self) -> watch::Receiver<Arc<Table>> {
        self.table.subscribe()
    }

    /// Number of times that a connection to a shard broke, a shard was left, or slots moved.
    pub(in crate::store) fn breaks(&self) -> u64 {
        let shards: u64 = self.table().shards().iter().map(|shard| shard.servers.breaks()).sum();
        // Never less than before when a shard goes: each change counts for more than any shard.
        self.changes.load(Ordering::Acquire) + shards
    }

    /// The same for the shard that has a key: a number that differs once the key has another shard, or that one had a break.
    pub(in crate::store) fn breaks_at(&self, key: &str) -> u64 {
        let table = self.table();
        table.owner(slot_of_key(key.as_bytes())).map_or(0, |shard| ((shard.number + 1) << 40) + shard.servers.breaks())
    }

    /// Reads the table again, unless that was done a moment ago. Concurrent callers share one read.
    pub(in crate::store) async fn refresh(&self) {
        let called_at = Instant::now();
        let mut read_at = self.read_at.lock().await;
        if let Some(last) = *read_at {
            if last > called_at {
                return;
            }
            tokio::time::sleep(PAUSE.saturating_sub(last.elapsed())).await;
        }
        let outcome = self.read_ranges().await.and_then(|ranges| match ranges {
            Some(ranges) => self.adopt(&ranges),
            None => Err(Error::Unavailable("the server is no part of a cluster".into())),
        });
        if let Err(error) = outcome {
            debug!(%error, "could not read the slots of the cluster");
        }
        *read_at = Some(Instant::now());
    }

    /// Reads the table again in the background.
    pub(in crate::store) fn request_refresh(self: &Arc<Self>) {
        if self.read_at.try_lock().is_ok() {
            let cluster = Arc::clone(self);
            tokio::spawn(async move { cluster.refresh().await });
        }
    }

    /// Reads the table every few seconds, forever.
    pub(in crate::store) async fn watch(&self) {
        loop {
            tokio::time::sleep(READ_EVERY + Duration::from_millis(fastrand::u64(..1000))).await;
            self.refresh().await;
        }
    }

    /// Records a slot's new owner. The table may lack its shard.
    pub(super) fn note_moved(&self, slot: u16, address: &Address) -> Result<()> {
        let table = self.table();
        // The first of several commands that were refused together has reported it.
        if table.owner(slot).is_none_or(|owner| owner.address != *address) {
            self.publish(table.with_moved(slot, address, |address| self.shard(address))?);
        }
        Ok(())
    }

    /// The shard at an address.
    pub(super) fn shard(&self, address: &Address) -> Result<Arc<Shard>> {
        if let Some(shard) = self.table().shards().iter().find(|shard| shard.address == *address) {
            return Ok(Arc::clone(shard));
        }
        let config = &self.config;
        Ok(Arc::new(Shard {
            number: self.made.fetch_add(1, Ordering::AcqRel),
            address: address.clone(),
            servers: Arc::new(Servers::of_shard(config, at(&self.seeds[0], address))),
            durability: Arc::new(Durability::new(config.durability.replicas(), config.durability_floor_secs)),
        }))
    }

    fn adopt(&self, ranges: &[Range]) -> Result<()> {
        let table = Table::new(ranges, |address| self.shard(address))?;
        self.publish(table);
        Ok(())
    }

    fn publish(&self, table: Table) {
        let mut moves = Vec::new();
        let is_new = self.table.send_if_modified(|present| {
            let is_new = !present.is_same(&table);
            if is_new {
                moves = table.moves_since(present);
                for shard in table.shards() {
                    shard.servers.condition.note_slots(table.slot_count(&shard.address));
                }
                *present = Arc::new(table);
            }
            is_new
        });
        if is_new {
            self.changes.fetch_add(1 << 32, Ordering::AcqRel);
        }
        moves.iter().for_each(Move::log);
    }

    /// Queries known servers for the ranges of slots. `None` when they are no cluster.
    async fn read_ranges(&self) -> Result<Option<Vec<Range>>> {
        let mut places: Vec<ConnectionInfo> =
            self.table().shards().iter().map(|shard| at(&self.seeds[0], &shard.address)).collect();
        fastrand::shuffle(&mut places);
        places.extend(self.seeds.iter().cloned());
        let mut places = places.into_iter();
        let mut asking: FuturesUnordered<_> =
            places.by_ref().take(ASKED_AT_ONCE).map(|place| self.ask(place)).collect();
        let mut failure = Error::Unavailable("no server of the cluster answers".into());
        while let Some(answer) = asking.next().await {
            match answer {
                // A server that was cut off or reset may know of nothing.
                Ok(Some(ranges)) if ranges.is_empty() => {}
                Ok(ranges) => return Ok(ranges),
                Err(error) => failure = error,
            }
            asking.extend(places.next().map(|place| self.ask(place)));
        }
        Err(failure)
    }

    async fn ask(&self, place: ConnectionInfo) -> Result<Option<Vec<Range>>> {
        let host = host_of(&place);
        let asked = tokio::time::timeout(ASK_TIMEOUT, async {
            let address = place.addr().to_string();
            let place = ready_to_connect(place, &self.config).await?;
            let failed = |error: redis::RedisError| connect_error(&error, &address);
            let client = Client::open(place).map_err(failed)?;
            let mut connection = client.get_multiplexed_async_connection().await.map_err(failed)?;
            let info: redis::RedisResult<InfoDict> = redis::cmd("INFO").query_async(&mut connection).await;
            match info {
                Ok(info) if info.get::<u8>("cluster_enabled") != Some(1) => return Ok(None),
                Ok(_) => {}
                // Without the right to query, `redis.mode` says that there is a cluster.
                Err(error) if error.code() == Some("NOPERM") && self.config.mode != RedisMode::Cluster => {
                    return Ok(None);
                }
                Err(error) if error.code() == Some("NOPERM") => {}
                Err(error) => return Err(Error::Unavailable(error.into())),
            }
            let reply: redis::RedisResult<Value> =
                redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await;
            parse_slots(reply.map_err(failed)?, &host).map(Some)
        });
        asked.await.unwrap_or_else(|_| Err(Error::Unavailable("a server of the cluster does not answer".into())))
    }
}

/// The place of another server, reached as this one is.
fn at(seed: &ConnectionInfo, (host, port): &Address) -> ConnectionInfo {
    let (host, port) = (host.clone(), *port);
    let address = match seed.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    seed.clone().set_addr(address)
}

fn host_of(place: &ConnectionInfo) -> String {
    match place.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    }
}
