//! Rounds of every shape and subject in turn, so that what disturbs the machine for a while disturbs all alike, and
//! their medians.

use std::time::Duration;

use crate::Result;
use crate::drive::{Outcome, drive};
use crate::machine::{busy, cores, cpu_of};
use crate::shape::Shape;
use crate::site::{Cpu, Site};
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
        measured.extend(worlds.iter().map(|world| (world.site.subject, shape, Vec::new())));
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
        snapshots.push(Snapshot::take(&world.site)?);
        Ok(())
    });
    let outcome = outcome.await.map_err(|error| format!("{}, {}: {error}", shape.title, world.site.subject.title()))?;
    let [before, after] = snapshots[..] else { return Err("a window has two edges".into()) };
    let secs = outcome.elapsed.as_secs_f64();
    let per_delivery = |time: Duration| time.as_secs_f64() * 1e6 / outcome.count as f64;
    let (nodes, redis) = (after.site.nodes - before.site.nodes, after.site.redis - before.site.redis);
    let load = after.load - before.load;
    let others = (after.busy - before.busy).saturating_sub(nodes + redis + load);
    Ok(Round {
        rate: outcome.count as f64 / secs,
        p50_ms: percentile_ms(&outcome, 0.50),
        p99_ms: percentile_ms(&outcome, 0.99),
        p999_ms: percentile_ms(&outcome, 0.999),
        nodes_us: per_delivery(nodes),
        redis_us: per_delivery(redis),
        load: load.as_secs_f64() / secs,
        others: others.as_secs_f64() / secs / cores()? as f64,
        faults: outcome.faults,
    })
}

/// CPU time spent so far.
#[derive(Clone, Copy)]
struct Snapshot {
    site: Cpu,
    load: Duration,
    busy: Duration,
}

impl Snapshot {
    fn take(site: &Site) -> Result<Self> {
        Ok(Self { site: site.cpu()?, load: cpu_of(std::process::id())?, busy: busy()? })
    }
}

fn percentile_ms(outcome: &Outcome, share: f64) -> f64 {
    let sorted = &outcome.latencies_us;
    let place = ((sorted.len() - 1) as f64 * share) as usize;
    f64::from(sorted[place]) / 1000.0
}

impl Round {
    /// Nodes and Redis together.
    pub fn sum_us(&self) -> f64 {
        self.nodes_us + self.redis_us
    }
}

impl Metrics {
    fn of(subject: Subject, shape: Shape, rounds: &[Round]) -> Self {
        let median_of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
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
        let range_us = (sums.iter().copied().fold(f64::MAX, f64::min), sums.iter().copied().fold(0.0, f64::max));
        Self { subject, shape, median, range_us }
    }
}

/// The middle one; of an even number the upper of the two.
pub fn median(mut metrics: Vec<f64>) -> f64 {
    metrics.sort_unstable_by(f64::total_cmp);
    metrics[metrics.len() / 2]
}
