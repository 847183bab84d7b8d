//! Reports of nodes: a row per node, leased while it runs, and the metrics of each minute.
//!
//! Each report writes the totals of the current minute, so a repeated report counts nothing twice, and the next report
//! makes up for a lost one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use redis::{Pipeline, Value};
use serde::{Deserialize, Serialize};

use super::Store;
use super::incidents::{Incident, MAX_READ, read_incidents};
use super::redis::reply::{self, is_absent, next};
use super::server_info::{SECTIONS, ServerInfo};
use crate::domain::{Result, RoomId};
use crate::metrics::{Minute, Routes};

/// Lifetime of an hour's metrics after the last report.
const LIFETIME_SECS: u64 = 25 * 60 * 60;
/// Number of reports after which the lease of a silent node ends.
const LEASE: u64 = 5;
/// Time after which silent nodes are forgotten. Clocks of nodes of earlier versions may differ by as much.
const FORGOTTEN_AFTER_MS: u64 = 60 * 60 * 1000;

/// Maximum number of lost nodes listed: a node that crashes at each start leaves one every few seconds.
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
    /// The clock of Redis minus that of its machine. Nodes of earlier versions do not report it.
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

/// A node that reported within the last hour, no longer reports and was not stopped.
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
    /// What happened lately, the latest first.
    pub incidents: Vec<Incident>,
    /// The metrics of each hour.
    pub hours: Vec<StoredHour>,
}

/// What a node reports besides its row.
pub struct Report<'a> {
    /// Minutes since 1970, and their metrics.
    pub minutes: Vec<(u64, &'a Minute)>,
    /// Spans of ten minutes since 1970, and how long requests took in them so far.
    pub routes: Vec<(u64, &'a Routes)>,
}

/// Minutes of a span for which routes are stored together.
pub const ROUTES_MINUTES: u64 = 10;
/// The prefix of the fields with routes. Nodes of earlier versions ignore what is not a minute.
const ROUTES: &str = "routes";

/// The metrics of an hour.
#[derive(Default)]
pub struct StoredHour {
    /// Its minutes.
    pub minutes: Vec<StoredMinute>,
    /// How long requests took.
    pub routes: Vec<StoredRoutes>,
}

/// How long the requests of a node took in ten minutes.
pub struct StoredRoutes {
    /// Spans of ten minutes since 1970.
    pub slot: u64,
    /// The node.
    pub node: String,
    /// Durations by route.
    pub routes: Routes,
}

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
    /// Writes a node's row, whose lease lasts five times `every_ms`, and its metrics. One round trip; idempotent.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn report(&self, row: &NodeRow, report: &Report<'_>, every_ms: u64) -> Result<()> {
        let mut hours: BTreeMap<u64, Vec<(String, String)>> = BTreeMap::new();
        for (minute, metrics) in &report.minutes {
            hours.entry(minute / 60).or_default().push((format!("{minute}:{}", row.id), metrics.print()));
        }
        for (slot, routes) in &report.routes {
            let field = format!("{ROUTES}:{slot}:{}", row.id);
            hours.entry(slot * ROUTES_MINUTES / 60).or_default().push((field, routes.print()));
        }
        let mut pipeline = Pipeline::with_capacity(3 + 2 * hours.len());
        let text = serde_json::to_string(row).map_err(crate::domain::Error::internal)?;
        pipeline.cmd("SET").arg(self.keys.node(&row.id)).arg(text).arg("PX").arg(every_ms * LEASE);
        pipeline.cmd("ZADD").arg(self.keys.nodes()).arg(row.seen_ms).arg(&row.id);
        let forgotten = row.seen_ms.saturating_sub(FORGOTTEN_AFTER_MS);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.nodes()).arg("-inf").arg(forgotten);
        for (hour, fields) in hours {
            let key = self.keys.metrics(hour);
            pipeline.cmd("HSET").arg(&key);
            for (field, text) in fields {
                pipeline.arg(field).arg(text);
            }
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
        self.read_heard(&mut pipeline, now_ms);
        pipeline.cmd("ZRANGE").arg(self.keys.incidents()).arg(0).arg(MAX_READ - 1).arg(&["REV", "WITHSCORES"]);
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
        let incidents = read_incidents(reply::read(next(&mut replies)?)?);
        let mut read = Vec::with_capacity(hours.len());
        for hour in replies {
            read.push(read_hour(hour)?);
            // Decoding an hour blocks this worker for up to a millisecond.
            tokio::task::yield_now().await;
        }
        let (nodes, lost) = self.node_rows(heard).await?;
        Ok(Reports { server, nodes, lost, incidents, hours: read })
    }

    /// The rows of running nodes, the oldest first, and the nodes that were lost within the last hour.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn reporting_nodes(&self) -> Result<(Vec<NodeRow>, Vec<LostNode>)> {
        let mut pipeline = Pipeline::with_capacity(1);
        self.read_heard(&mut pipeline, self.now_ms());
        let heard = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        self.node_rows(heard).await
    }

    /// Adds the command that reads the nodes that reported within the last hour.
    fn read_heard(&self, pipeline: &mut Pipeline, now_ms: u64) {
        let heard_since = now_ms.saturating_sub(FORGOTTEN_AFTER_MS);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.nodes()).arg(heard_since).arg("+inf").arg("WITHSCORES");
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

/// Decodes the metrics of an hour. Skips what a newer node wrote in another form.
fn read_hour(reply: Value) -> Result<StoredHour> {
    let fields: Vec<(String, Vec<u8>)> = reply::read(reply)?;
    let mut hour = StoredHour::default();
    for (place, text) in fields {
        let Some((first, rest)) = place.split_once(':') else { continue };
        match first {
            ROUTES => hour.routes.extend(read_routes(rest, &text)),
            minute => hour.minutes.extend(read_minute(minute, rest, &text)),
        }
    }
    Ok(hour)
}

fn read_minute(minute: &str, node: &str, text: &[u8]) -> Option<StoredMinute> {
    Some(StoredMinute { minute: minute.parse().ok()?, node: node.to_owned(), metrics: Minute::parse(text)? })
}

fn read_routes(place: &str, text: &[u8]) -> Option<StoredRoutes> {
    let (slot, node) = place.split_once(':')?;
    Some(StoredRoutes { slot: slot.parse().ok()?, node: node.to_owned(), routes: Routes::parse(text)? })
}
