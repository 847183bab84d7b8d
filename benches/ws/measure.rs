//! Rounds of every shape and subject in turn, so that a disturbance of the machine affects all alike, and their medians.

use std::time::Duration;

use crate::common::Result;
use crate::common::cpu::Spent;
use crate::common::statistics::{median, percentile_ms, range};
use crate::drive::drive;
use crate::shape::Shape;
use crate::subject::Subject;
use crate::tally::Faults;
use crate::world::World;

/// One round. CPU time is of a delivery, in µs.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Deliveries a second.
    pub rate: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    /// All nodes together.
    pub nodes_us: f64,
    pub redis_us: f64,
    /// Share of its core that the load took.
    pub load: f64,
    /// Share of the machine that other processes took meanwhile.
    pub others: f64,
    pub faults: Faults,
}

/// A row: the medians of its rounds, and all faults.
#[derive(Clone, Copy)]
pub struct Metrics {
    pub subject: Subject,
    pub shape: Shape,
    pub median: Round,
    /// The least and the most CPU time of nodes and Redis together among the rounds.
    pub range_us: (f64, f64),
}

/// Measures `count` rounds of each shape with each subject.
pub async fn rounds(worlds: &[World], count: usize, duration: Duration) -> Result<Vec<Metrics>> {
    let mut measured: Vec<(Subject, Shape, Vec<Round>)> = Vec::new();
    for shape in Shape::ALL {
        measured.extend(worlds.iter().map(|world| (world.servers.subject, shape, Vec::new())));
    }
    for number in 1..=count {
        for (index, (subject, shape, rounds)) in measured.iter_mut().enumerate() {
            let round = round(&worlds[index % worlds.len()], shape, duration).await?;
            let Round { rate, nodes_us, redis_us, faults, .. } = round;
            let (title, cost) = (shape.title, format!("{nodes_us:.2} + {redis_us:.2} µs"));
            eprintln!("  {number}/{count} {title}, {subject:?}: {rate:.0}/s, {cost}, {faults:?}");
            rounds.push(round);
        }
    }
    Ok(measured.into_iter().map(|(subject, shape, rounds)| Metrics::of(subject, shape, &rounds)).collect())
}

async fn round(world: &World, shape: &Shape, duration: Duration) -> Result<Round> {
    let mut snapshots = Vec::new();
    let outcome = drive(world, shape, duration, || {
        snapshots.push(world.servers.cpu()?);
        Ok(())
    });
    let outcome =
        outcome.await.map_err(|error| format!("{}, {}: {error}", shape.title, world.servers.subject.title()))?;
    let [before, after] = snapshots[..] else { return Err("a window has two edges".into()) };
    let secs = outcome.elapsed.as_secs_f64();
    let Spent { nodes, redis, load, others, .. } = after.since(&before)?;
    Ok(Round {
        rate: outcome.count as f64 / secs,
        p50_ms: percentile_ms(&outcome.latencies_us, 0.50),
        p99_ms: percentile_ms(&outcome.latencies_us, 0.99),
        p999_ms: percentile_ms(&outcome.latencies_us, 0.999),
        nodes_us: Spent::us_each(nodes, outcome.count),
        redis_us: Spent::us_each(redis, outcome.count),
        load: load.as_secs_f64() / secs,
        others,
        faults: outcome.faults,
    })
}

impl Round {
    /// Nodes and Redis together.
    pub fn sum_us(&self) -> f64 {
        self.nodes_us + self.redis_us
    }
}

impl Metrics {
    fn of(subject: Subject, shape: Shape, rounds: &[Round]) -> Self {
        let median_of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let sums: Vec<f64> = rounds.iter().map(Round::sum_us).collect();
        let mut faults = Faults::default();
        rounds.iter().for_each(|round| faults.add(round.faults));
        let median = Round {
            rate: median_of(|round| round.rate),
            p50_ms: median_of(|round| round.p50_ms),
            p99_ms: median_of(|round| round.p99_ms),
            p999_ms: median_of(|round| round.p999_ms),
            nodes_us: median_of(|round| round.nodes_us),
            redis_us: median_of(|round| round.redis_us),
            load: median_of(|round| round.load),
            others: median_of(|round| round.others),
            faults,
        };
        Self { subject, shape, median, range_us: range(&sums) }
    }
}
