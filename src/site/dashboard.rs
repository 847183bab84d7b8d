//! The metrics behind `/dashboard`, for operators. The page itself is part of the web client.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::domain::{Error, Result};
use crate::edge::{Authenticated, Context, QueryParams};
use crate::metrics::Gauge;
use crate::service::{
    Closes, DashboardSnapshot, Incident, Latest, LostNode, NodeRow, Objective, Range, RouteErrors, ServerInfo,
    SlowRoute, Stats, Steps, Wanted,
};

const MAX_NODE_ID: usize = 36;

/// Whether the node runs a private Redis.
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
    let replicas = Replicas {
        replicas_wanted: context.metrics.get(Gauge::ReplicasWanted),
        replicas_in_force: context.metrics.get(Gauge::ReplicasInForce),
    };
    let redis = ShownRedis { is_up: true, is_embedded: redis.0, server: &snapshot.server, replicas };
    let shown = Shown::of(&snapshot, &wanted, redis);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(shown))
}

#[derive(Serialize)]
struct Shown<'a> {
    now_ms: u64,
    range: &'static str,
    step_secs: u64,
    node: Option<&'a str>,
    redis: ShownRedis<'a>,
    nodes: &'a [NodeRow],
    lost: &'a [LostNode],
    incidents: &'a [Incident],
    objective: &'a Objective,
    current: Current<'a>,
    series: &'a Steps,
    errors: &'a [RouteErrors],
    closes: &'a [Closes],
    slow_routes: &'a [SlowRoute],
    top_rooms: Vec<TopRoom<'a>>,
}

#[derive(Serialize)]
struct ShownRedis<'a> {
    /// Always true: Redis has just answered.
    is_up: bool,
    is_embedded: bool,
    #[serde(flatten)]
    server: &'a ServerInfo,
    #[serde(flatten)]
    replicas: Replicas,
}

/// Replicas that must have received a write before this node acknowledges it.
#[derive(Clone, Copy, Serialize)]
struct Replicas {
    /// By `redis.durability`.
    replicas_wanted: u64,
    /// The number now: fewer while too few have been connected for `redis.durability_floor_secs`.
    replicas_in_force: u64,
}

#[derive(Serialize)]
struct Current<'a> {
    #[serde(flatten)]
    stats: &'a Stats,
    #[serde(flatten)]
    latest: &'a Latest,
}

#[derive(Serialize)]
struct TopRoom<'a> {
    number: u32,
    id: String,
    name: &'a str,
    messages: u64,
}

impl<'a> Shown<'a> {
    fn of(snapshot: &'a DashboardSnapshot, wanted: &'a Wanted, redis: ShownRedis<'a>) -> Self {
        let series = &snapshot.series;
        Self {
            now_ms: snapshot.now_ms,
            range: wanted.range.name(),
            step_secs: wanted.range.step_secs(),
            node: wanted.node.as_deref(),
            redis,
            nodes: &snapshot.nodes,
            lost: &snapshot.lost,
            incidents: &snapshot.incidents,
            objective: &snapshot.objective,
            current: Current { stats: &snapshot.stats, latest: &series.latest },
            series: &series.steps,
            errors: &series.errors,
            closes: &series.closes,
            slow_routes: &series.slow_routes,
            top_rooms: top_rooms(snapshot),
        }
    }
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
