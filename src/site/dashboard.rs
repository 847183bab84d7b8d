//! `/dashboard`: what operators see of all nodes. The page is the web client's; its metrics are here.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::{Error, Result};
use crate::edge::{Authenticated, Context, QueryParams};
use crate::service::{DashboardSnapshot, Quantiles, Range, Values, Wanted};

const MAX_NODE_ID: usize = 36;

/// Whether Redis is the node's own.
#[derive(Clone, Copy)]
pub(super) struct HasOwnRedis(pub(super) bool);

#[derive(Deserialize)]
pub(super) struct Query {
    range: String,
    node: Option<String>,
}

impl Query {
    fn wanted(self) -> Result<Wanted> {
        let node = self.node.filter(|node| !node.is_empty());
        let is_id = |node: &String| {
            node.len() <= MAX_NODE_ID && node.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !node.as_ref().is_none_or(is_id) {
            return Err(Error::Malformed("node".to_owned()));
        }
        let range = Range::parse(&self.range).ok_or_else(|| Error::Malformed("range".to_owned()))?;
        Ok(Wanted { range, node })
    }
}

/// The metrics, for administrators.
pub(super) async fn metrics(
    user: Authenticated,
    query: QueryParams<Query>,
    context: web::Data<Context>,
    redis: web::Data<HasOwnRedis>,
) -> Result<HttpResponse> {
    let wanted = query.0.wanted()?;
    let snapshot = context.services.dashboard.snapshot(&user.caller, &wanted).await?;
    let shown = Shown::of(&snapshot, &wanted, redis.0);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(shown))
}

#[derive(Serialize)]
struct Shown<'a> {
    now_ms: u64,
    range: &'static str,
    step_secs: u64,
    node: Option<&'a str>,
    redis: ShownRedis<'a>,
    nodes: Vec<ShownNode<'a>>,
    current: Current<'a>,
    series: BTreeMap<&'a str, Numbers<'a>>,
    errors: Vec<RouteErrors<'a>>,
    closes: Vec<Closes>,
    top_rooms: Vec<TopRoom<'a>>,
}

#[derive(Serialize)]
struct ShownRedis<'a> {
    is_up: bool,
    role: &'a str,
    version: &'a str,
    memory_bytes: u64,
    memory_limit_bytes: u64,
    clients: u64,
    commands_per_sec: u64,
    uptime_secs: u64,
    is_embedded: bool,
}

#[derive(Serialize)]
struct ShownNode<'a> {
    id: &'a str,
    version: &'a str,
    started_ms: u64,
    seen_ms: u64,
    address: &'a str,
    is_ready: bool,
    cpu_percent: f64,
    memory_bytes: u64,
    sockets: u64,
    queued_bytes: u64,
    lag_ms: f64,
}

#[derive(Serialize)]
struct Current<'a> {
    online_users: u64,
    active_rooms: u64,
    messages_today: u64,
    messages_per_min: f64,
    deliveries_per_sec: f64,
    sockets: BTreeMap<&'a str, u64>,
    send_ms: Pair,
    delivery_ms: Pair,
}

#[derive(Serialize)]
struct Pair {
    p50: Option<f64>,
    p99: Option<f64>,
}

#[derive(Serialize)]
struct RouteErrors<'a> {
    route: &'a str,
    status: u16,
    count: u64,
}

#[derive(Serialize)]
struct Closes {
    code: u16,
    count: u64,
}

#[derive(Serialize)]
struct TopRoom<'a> {
    number: u32,
    id: String,
    name: &'a str,
    messages: u64,
}

/// A value for each step.
enum Numbers<'a> {
    Of(&'a Values),
    Times(&'a [u64]),
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Of(Values::Numbers(numbers)) => numbers.serialize(serializer),
            Self::Of(Values::Measures(measures)) => measures.serialize(serializer),
            Self::Times(times) => times.serialize(serializer),
        }
    }
}

impl From<Quantiles> for Pair {
    fn from(quantiles: Quantiles) -> Self {
        Self { p50: quantiles.p50, p99: quantiles.p99 }
    }
}

impl<'a> Shown<'a> {
    fn of(snapshot: &'a DashboardSnapshot, wanted: &'a Wanted, is_embedded: bool) -> Self {
        let series = &snapshot.series;
        let columns = series.columns.iter().map(|(name, values)| (name.as_str(), Numbers::Of(values)));
        let errors = series.errors.iter();
        Self {
            now_ms: snapshot.now_ms,
            range: wanted.range.name(),
            step_secs: wanted.range.step_secs(),
            node: wanted.node.as_deref(),
            redis: ShownRedis::of(snapshot, is_embedded),
            nodes: nodes(snapshot),
            current: Current::of(snapshot),
            series: columns.chain([("at_ms", Numbers::Times(&series.at_ms))]).collect(),
            errors: errors
                .map(|(route, status, count)| RouteErrors { route, status: *status, count: *count })
                .collect(),
            closes: series.closes.iter().map(|(code, count)| Closes { code: *code, count: *count }).collect(),
            top_rooms: top_rooms(snapshot),
        }
    }
}

fn nodes(snapshot: &DashboardSnapshot) -> Vec<ShownNode<'_>> {
    let nodes = snapshot.nodes.iter();
    nodes
        .map(|node| ShownNode {
            id: &node.id,
            version: &node.version,
            started_ms: node.started_ms,
            seen_ms: node.seen_ms,
            address: &node.address,
            is_ready: node.is_ready,
            cpu_percent: node.cpu_percent,
            memory_bytes: node.memory_bytes,
            sockets: node.sockets,
            queued_bytes: node.queued_bytes,
            lag_ms: node.lag_ms,
        })
        .collect()
}

fn top_rooms(snapshot: &DashboardSnapshot) -> Vec<TopRoom<'_>> {
    let rooms = snapshot.series.rooms.iter();
    rooms
        .map(|(room, messages)| TopRoom {
            number: room.number(),
            id: room.to_string(),
            name: snapshot.room_names.get(room).map_or("", String::as_str),
            messages: *messages,
        })
        .collect()
}

impl<'a> ShownRedis<'a> {
    fn of(snapshot: &'a DashboardSnapshot, is_embedded: bool) -> Self {
        let server = &snapshot.server;
        Self {
            // It has just answered.
            is_up: true,
            role: &server.role,
            version: &server.version,
            memory_bytes: server.memory_bytes,
            memory_limit_bytes: server.memory_limit_bytes,
            clients: server.clients,
            commands_per_sec: server.commands_per_sec,
            uptime_secs: server.uptime_secs,
            is_embedded,
        }
    }
}

impl<'a> Current<'a> {
    fn of(snapshot: &'a DashboardSnapshot) -> Self {
        let (stats, latest) = (&snapshot.stats, &snapshot.series.latest);
        Self {
            online_users: stats.online_users,
            active_rooms: stats.active_rooms,
            messages_today: stats.messages_today,
            messages_per_min: latest.messages_per_min,
            deliveries_per_sec: latest.deliveries_per_sec,
            sockets: latest.sockets.iter().copied().collect(),
            send_ms: latest.send_ms.into(),
            delivery_ms: latest.delivery_ms.into(),
        }
    }
}
