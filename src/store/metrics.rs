//! Reports of nodes: a row per node, leased while it runs, and the metrics of each minute.
//!
//! Each report writes the totals of the current minute, so a repeated report counts nothing twice, and the next report
//! makes up for a lost one.

use std::cmp::Reverse;

use redis::{Pipeline, Value};
use serde::{Deserialize, Serialize};

use super::Store;
use super::redis::reply::{self, is_absent, next};
use super::server_info::{SECTIONS, ServerInfo};
use crate::domain::{Result, RoomId};
use crate::metrics::Minute;

/// Lifetime of an hour's metrics after the last report.
const LIFETIME_SECS: u64 = 25 * 60 * 60;
/// Number of reports after which the lease of a silent node ends.
const LEASE: u64 = 5;
/// Time after which silent nodes are forgotten. Clocks of nodes of earlier versions may differ by as much.
const FORGOTTEN_AFTER_MS: u64 = 60 * 60 * 1000;

/// Most lost nodes listed: a node that dies at each start leaves one every few seconds.
const MAX_LOST: usize = 20;

/// The row of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Id of the node, generated at its start.
    pub id: String,
    /// Version of the node.
    pub version: String,
    /// Time of its start, UTC milliseconds.
    pub started_ms: u64,
    /// Time of the report, UTC milliseconds.
    pub seen_ms: u64,
    /// Address on which it listens.
    pub address: String,
    /// Whether it is ready for requests.
    pub is_ready: bool,
    /// Processor time, percent of one core.
    pub cpu_percent: f64,
    /// Resident memory, bytes.
    pub memory_bytes: u64,
    /// Open sockets.
    pub sockets: u64,
    /// Bytes queued for them.
    pub queued_bytes: u64,
    /// Round-trip time of its last report.
    pub lag_ms: f64,
    /// Redis' clock less that of its machine. Nodes of earlier versions do not report it.
    #[serde(default)]
    pub clock_offset_ms: i64,
}

impl NodeRow {
    /// Decodes a row. `None` when the lease has ended, or for a row of a newer node that this version cannot read: newer
    /// dashboards show it.
    pub(super) fn read(reply: Value) -> Result<Option<Self>> {
        let text: Option<String> = reply::read(reply)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// A node that reported within the last hour, and neither reports any more nor has taken leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LostNode {
    /// Id of the node.
    pub id: String,
    /// Time of its last report, UTC milliseconds.
    pub seen_ms: u64,
}

/// What nodes have reported, and the state of Redis.
pub struct Reports {
    /// The state of Redis.
    pub server: ServerInfo,
    /// The rows of running nodes, the oldest first.
    pub nodes: Vec<NodeRow>,
    /// The nodes that were lost, the latest first.
    pub lost: Vec<LostNode>,
    /// The metrics of each hour.
    pub hours: Vec<Vec<StoredMinute>>,
}

/// Minutes of a node: minutes since 1970, and their metrics.
pub type Minutes<'a> = [(u64, &'a Minute)];

/// A stored minute of a node.
pub struct StoredMinute {
    /// Minutes since 1970.
    pub minute: u64,
    /// The node.
    pub node: String,
    /// Its metrics in that minute.
    pub metrics: Minute,
}

impl Store {
    /// Writes a node's row, whose lease lasts five times `every_ms`, and the metrics of these minutes. One round trip;
    /// idempotent.
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

    /// Removes the row and the settings of a node that stops.
    ///
    /// # Errors
    /// `Unavailable`; the row then expires with its lease.
    pub async fn take_leave(&self, node: &str) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("DEL").arg(self.keys.node(node));
        pipeline.cmd("ZREM").arg(self.keys.nodes()).arg(node);
        pipeline.cmd("HDEL").arg(self.keys.node_settings()).arg(node);
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Reads the metrics of these hours since 1970 and the state of Redis in one round trip (in a cluster, at the same time),
    /// then the rows of running nodes in another.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn metrics(&self, hours: &[u64], now_ms: u64) -> Result<Reports> {
        let mut pipeline = Pipeline::new();
        let is_cluster = self.deployment.cluster().is_some();
        let reads_info = !is_cluster && self.deployment.permits_info();
        if reads_info {
            pipeline.cmd("INFO").arg(&SECTIONS);
        }
        let heard_since = now_ms.saturating_sub(FORGOTTEN_AFTER_MS);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.nodes()).arg(heard_since).arg("+inf").arg("WITHSCORES");
        for hour in hours {
            pipeline.cmd("HGETALL").arg(self.keys.metrics(*hour));
        }
        // The replies are long and would delay requests on the shared connection.
        let (replies, shards) = tokio::join!(self.list_connection.run(&pipeline), self.shards());
        let mut replies = replies?.into_iter();
        let server = match reads_info {
            true => ServerInfo::of_server(next(&mut replies)?)?,
            false => ServerInfo::of_cluster(shards?),
        };
        let heard: Vec<(String, f64)> = reply::read(next(&mut replies)?)?;
        let mut read = Vec::with_capacity(hours.len());
        for hour in replies {
            read.push(read_hour(hour)?);
            // Decoding an hour blocks this worker for up to a millisecond.
            tokio::task::yield_now().await;
        }
        let (nodes, lost) = self.node_rows(heard).await?;
        Ok(Reports { server, nodes, lost, hours: read })
    }

    /// The rows of running nodes, the oldest first, and the nodes without one, the latest first, by the times of their
    /// last reports.
    async fn node_rows(&self, heard: Vec<(String, f64)>) -> Result<(Vec<NodeRow>, Vec<LostNode>)> {
        let mut pipeline = Pipeline::with_capacity(heard.len());
        for (node, _) in &heard {
            pipeline.cmd("GET").arg(self.keys.node(node));
        }
        let (mut rows, mut lost) = (Vec::with_capacity(heard.len()), Vec::new());
        for (reply, (id, seen_ms)) in self.connection.run(&pipeline).await?.into_iter().zip(heard) {
            match is_absent(&reply) {
                true => lost.push(LostNode { id, seen_ms: seen_ms as u64 }),
                false => rows.extend(NodeRow::read(reply)?),
            }
        }
        rows.sort_by(|a, b| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
        lost.sort_by_key(|node| Reverse(node.seen_ms));
        lost.truncate(MAX_LOST);
        Ok((rows, lost))
    }

    /// The number of messages that users sent to each room through this node since the last call.
    pub fn take_room_messages(&self) -> Vec<(RoomId, u64)> {
        self.write_cache.take_messages()
    }
}

/// Decodes the minutes of an hour. Skips what a newer node wrote in another form.
fn read_hour(reply: Value) -> Result<Vec<StoredMinute>> {
    let fields: Vec<(String, Vec<u8>)> = reply::read(reply)?;
    let minutes = fields.into_iter().filter_map(|(place, text)| {
        let (minute, node) = place.split_once(':')?;
        Some(StoredMinute { minute: minute.parse().ok()?, node: node.to_owned(), metrics: Minute::parse(&text)? })
    });
    Ok(minutes.collect())
}
