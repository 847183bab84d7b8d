//! What nodes tell about themselves: a row each, for as long as they live, and the metrics of each minute.
//!
//! Minutes are written as totals, again and again until they are over: a report that is repeated counts nothing
//! twice, one that is lost is made good by the next.

use redis::{InfoDict, Pipeline, Value};
use serde::{Deserialize, Serialize};

use super::Store;
use super::redis::reply::{self, next};
use crate::domain::{Result, RoomId};
use crate::metrics::Minute;

/// An hour's metrics live this long after its last report.
const LIFETIME_SECS: u64 = 25 * 60 * 60;
/// A node's lease lasts for so many of its reports.
const LEASE: u64 = 5;
/// Nodes that were last heard of this long ago are forgotten. Their clocks may differ by as much.
const FORGOTTEN_AFTER_MS: u64 = 60 * 60 * 1000;
/// The parts of `INFO` that are read.
const SECTIONS: [&str; 5] = ["server", "clients", "memory", "stats", "replication"];

/// What a node tells about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its id, made when it started.
    pub id: String,
    /// The version that it runs.
    pub version: String,
    /// When it started, UTC milliseconds.
    pub started_ms: u64,
    /// When it reported, UTC milliseconds.
    pub seen_ms: u64,
    /// Where it listens.
    pub address: String,
    /// Whether it takes requests.
    pub is_ready: bool,
    /// Processor time, percent of one core.
    pub cpu_percent: f64,
    /// Resident memory.
    pub memory_bytes: u64,
    /// Open sockets.
    pub sockets: u64,
    /// Bytes that wait for them.
    pub queued_bytes: u64,
    /// How long its last report took, there and back.
    pub lag_ms: f64,
}

/// A node's minutes: minutes since 1970, and what was counted.
pub type Minutes<'a> = [(u64, &'a Minute)];

/// A stored minute of a node.
pub struct StoredMinute {
    /// Minutes since 1970.
    pub minute: u64,
    /// The node.
    pub node: String,
    /// What it counted.
    pub metrics: Minute,
}

/// What Redis says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerInfo {
    /// `master` or `slave`.
    pub role: String,
    /// Its version.
    pub version: String,
    /// Memory in use.
    pub memory_bytes: u64,
    /// Memory that it may use; 0 when there is no limit.
    pub memory_limit_bytes: u64,
    /// Connections.
    pub clients: u64,
    /// Commands a second, lately.
    pub commands_per_sec: u64,
    /// Seconds since its start.
    pub uptime_secs: u64,
}

impl Store {
    /// Writes a node's row, which holds for five times `every_ms`, and what it counted in these minutes. One round
    /// trip; repeating it is fine.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn report(&self, row: &NodeRow, minutes: &Minutes<'_>, every_ms: u64) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(3 + 2 * minutes.len());
        let text = serde_json::to_string(row).map_err(crate::domain::Error::internal)?;
        pipeline.cmd("SET").arg(self.keys.node(&row.id)).arg(text).arg("PX").arg(every_ms * LEASE);
        pipeline.cmd("ZADD").arg(self.keys.nodes()).arg(row.seen_ms).arg(&row.id);
        let forgotten = row.seen_ms.saturating_sub(FORGOTTEN_AFTER_MS);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.nodes()).arg("-inf").arg(forgotten);
        for (minute, metrics) in minutes {
            let key = self.keys.metrics(minute / 60);
            pipeline.cmd("HSET").arg(&key).arg(format!("{minute}:{}", row.id)).arg(metrics.print());
            pipeline.cmd("EXPIRE").arg(&key).arg(LIFETIME_SECS);
        }
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Takes a node's row away: it has stopped.
    ///
    /// # Errors
    /// `Unavailable`; the row then ends with its lease.
    pub async fn take_leave(&self, node: &str) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("DEL").arg(self.keys.node(node));
        pipeline.cmd("ZREM").arg(self.keys.nodes()).arg(node);
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// The metrics of these hours since 1970, each by itself, and what Redis says of itself, in one round trip; then
    /// the rows of the nodes that live, in another.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn metrics(
        &self,
        hours: &[u64],
        now_ms: u64,
    ) -> Result<(ServerInfo, Vec<NodeRow>, Vec<Vec<StoredMinute>>)> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("INFO").arg(&SECTIONS);
        let heard_since = now_ms.saturating_sub(FORGOTTEN_AFTER_MS);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.nodes()).arg(heard_since).arg("+inf");
        for hour in hours {
            pipeline.cmd("HGETALL").arg(self.keys.metrics(*hour));
        }
        // They are long: on the lane of requests they would hold up what comes behind them.
        let mut replies = self.list_connection.run(&pipeline).await?.into_iter();
        let server = ServerInfo::read(next(&mut replies)?)?;
        let nodes: Vec<String> = reply::read(next(&mut replies)?)?;
        let mut read = Vec::with_capacity(hours.len());
        for hour in replies {
            read.push(read_hour(hour)?);
            // An hour takes up to a millisecond, in which this worker does nothing else.
            tokio::task::yield_now().await;
        }
        Ok((server, self.node_rows(&nodes).await?, read))
    }

    /// What Redis says of itself.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INFO").arg(&SECTIONS);
        ServerInfo::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)
    }

    /// The rows of those nodes that live, the oldest first.
    async fn node_rows(&self, nodes: &[String]) -> Result<Vec<NodeRow>> {
        let mut pipeline = Pipeline::with_capacity(nodes.len());
        for node in nodes {
            pipeline.cmd("GET").arg(self.keys.node(node));
        }
        let mut rows = Vec::with_capacity(nodes.len());
        for reply in self.connection.run(&pipeline).await? {
            let text: Option<String> = reply::read(reply)?;
            // What is not understood is from a newer node, which others show.
            rows.extend(text.and_then(|text| serde_json::from_str::<NodeRow>(&text).ok()));
        }
        rows.sort_by(|a, b| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
        Ok(rows)
    }

    /// The messages that users sent to each room through this node since this was last asked.
    pub fn take_room_messages(&self) -> Vec<(RoomId, u64)> {
        self.write_cache.take_messages()
    }
}

/// The minutes of an hour. What is not understood is from a newer node and passed over.
fn read_hour(reply: Value) -> Result<Vec<StoredMinute>> {
    let fields: Vec<(String, Vec<u8>)> = reply::read(reply)?;
    let minutes = fields.into_iter().filter_map(|(place, text)| {
        let (minute, node) = place.split_once(':')?;
        Some(StoredMinute { minute: minute.parse().ok()?, node: node.to_owned(), metrics: Minute::parse(&text)? })
    });
    Ok(minutes.collect())
}

impl ServerInfo {
    fn read(reply: Value) -> Result<Self> {
        let info: InfoDict = reply::read(reply)?;
        let number = |name: &str| info.get::<u64>(name).unwrap_or(0);
        let text = |name: &str| info.get::<String>(name).unwrap_or_default();
        Ok(Self {
            role: text("role"),
            // Valkey keeps `redis_version` at the version that it is compatible with.
            version: info.get::<String>("valkey_version").unwrap_or_else(|| text("redis_version")),
            memory_bytes: number("used_memory"),
            memory_limit_bytes: number("maxmemory"),
            clients: number("connected_clients"),
            commands_per_sec: number("instantaneous_ops_per_sec"),
            uptime_secs: number("uptime_in_seconds"),
        })
    }
}
