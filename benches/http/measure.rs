//! Rounds of every row in turn, so that a disturbance of the machine affects all rows alike, and their medians.

use std::slice;
use std::time::Duration;

use crate::common::Result;
use crate::common::client::Connection;
use crate::common::cpu::{Cpu, Spent};
use crate::common::load::{Load, drive};
use crate::common::process::Process;
use crate::common::statistics::{percentile_ms, range};
use crate::operation::Operation;
use crate::requests::{get, json};
use crate::rig::Rig;
use crate::round::Round;
use crate::world::World;

/// What a row measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An actix server that answers a fixed body.
    BareServer,
    /// The append script, called by `redis-benchmark`.
    Script {
        /// Calls in one write.
        per_write: u32,
    },
    /// Requests to a node.
    Http(Operation),
}

impl Subject {
    /// All rows of the first table.
    pub fn all() -> Vec<Self> {
        let raw = [Self::BareServer, Self::Script { per_write: 16 }, Self::Script { per_write: 1 }];
        raw.into_iter().chain(Operation::ALL.map(Self::Http)).collect()
    }
}

/// A row: the medians of its rounds.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub subject: Subject,
    pub median: Round,
    /// The least and the most CPU time of node and Redis together among the rounds.
    pub range_us: (f64, f64),
}

/// Measures all subjects, `count` rounds of each.
pub async fn rounds(
    rig: &Rig,
    world: &World,
    subjects: Vec<Subject>,
    count: usize,
    duration: Duration,
) -> Result<Vec<Metrics>> {
    let mut measured: Vec<Vec<Round>> = subjects.iter().map(|_| Vec::new()).collect();
    for number in 1..=count {
        for (subject, rounds) in subjects.iter().zip(&mut measured) {
            let round = round(rig, world, *subject, duration).await?;
            let Round { rate, node_us, redis_us, .. } = round;
            eprintln!("  {number}/{count} {subject:?}: {rate:.0}/s, {node_us:.1} + {redis_us:.1} µs");
            rounds.push(round);
        }
    }
    Ok(subjects.into_iter().zip(measured).map(|(subject, rounds)| Metrics::of(subject, &rounds)).collect())
}

async fn round(rig: &Rig, world: &World, subject: Subject, duration: Duration) -> Result<Round> {
    match subject {
        Subject::Script { per_write } => world.script.drive(&rig.redis, per_write, duration),
        Subject::BareServer => {
            let requests = world.tokens.iter().map(|token| get("/", token, "")).collect();
            let load = Load::closed(rig.bare.port, requests, 200, duration);
            over_http(&rig.bare, None, load).await
        }
        Subject::Http(operation) => {
            let node = if operation.is_limited() { &rig.limited_node } else { &rig.node };
            let requests = operation.requests(world).await?;
            let load = Load::closed(node.port, requests, operation.status(), duration);
            over_http(node, Some(&rig.redis), load).await
        }
    }
}

/// Runs a load on a node and measures the CPU time that it and Redis take for a request.
pub async fn over_http(node: &Process, redis: Option<&Process>, load: Load) -> Result<Round> {
    let mut snapshots = Vec::new();
    let outcome = drive(load, || {
        snapshots.push(Cpu::now(slice::from_ref(node), redis.map_or(&[], slice::from_ref))?);
        Ok(())
    })
    .await?;
    let [before, after] = snapshots[..] else { return Err("a window has two edges".into()) };
    let spent = after.since(&before)?;
    Ok(Round {
        rate: outcome.count as f64 / outcome.elapsed.as_secs_f64(),
        p50_ms: percentile_ms(&outcome.latencies_us, 0.50),
        p99_ms: percentile_ms(&outcome.latencies_us, 0.99),
        node_us: Spent::us_each(spent.nodes, outcome.count),
        redis_us: Spent::us_each(spent.redis, outcome.count),
        others: Some(spent.others),
    })
}

impl Metrics {
    fn of(subject: Subject, rounds: &[Round]) -> Self {
        let sums: Vec<f64> = rounds.iter().map(|round| round.node_us + round.redis_us).collect();
        Self { subject, median: Round::median(rounds), range_us: range(&sums) }
    }
}

/// A whole list in one response, for a client that sends no `limit`.
#[derive(Clone, Debug)]
pub struct ListMetrics {
    pub title: &'static str,
    pub entries: usize,
    pub bytes: usize,
    pub median: Round,
}

/// Measures the two whole lists over one connection.
pub async fn whole_lists(rig: &Rig, world: &World, count: usize, duration: Duration) -> Result<Vec<ListMetrics>> {
    let mut lists = Vec::new();
    for (title, path) in [("online users", "/api/chat/online-users"), ("rooms", "/api/chat/rooms")] {
        let request = get(path, &world.tokens[0], "");
        let mut connection = Connection::open(world.port).await?;
        let response = connection.exchange(&request).await?;
        let (bytes, body) = (response.body.len(), json(response)?);
        let entries = body.as_array().ok_or("not a list")?.len();
        let mut rounds = Vec::new();
        for _ in 0..count {
            let load = Load::closed(world.port, vec![request.clone()], 200, duration);
            rounds.push(over_http(&rig.node, Some(&rig.redis), load).await?);
        }
        let median = Round::median(&rounds);
        eprintln!("  all {title}: {entries} entries, {:.0} + {:.0} µs", median.node_us, median.redis_us);
        lists.push(ListMetrics { title, entries, bytes, median });
    }
    Ok(lists)
}
