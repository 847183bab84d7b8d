//! Faults under load: compares what clients were acknowledged and pushed with what is stored.

mod amended;
mod amendment_mutants;
mod changes;
mod checker;
mod client;
mod cluster;
mod failover;
mod group_creator;
mod heal;
mod losses;
mod lost;
mod mutants;
mod partial_lists;
mod poller;
pub mod proxy;
pub mod random;
mod readings;
mod received;
mod rewind;
mod round;
pub mod shards;
mod storm;
pub mod tampering;

use std::time::{Duration, Instant};

use self::cluster::Cluster;
use self::round::{play_storm, seed};
use self::storm::{FaultCounts, FaultPlan};

/// The short form: a minute and a half.
const SHORT: FaultPlan =
    FaultPlan { faults: 100, kills: 3, redis_restarts: 2, freezes: 1, frozen_for: Duration::from_secs(3) };
/// A round of the long form.
const LONG: FaultPlan =
    FaultPlan { faults: 100, kills: 3, redis_restarts: 1, freezes: 1, frozen_for: Duration::from_secs(10) };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_faults_lose_double_swap_and_hide_nothing() {
    let (cluster, counts, seed) = (Cluster::start().await, FaultCounts::default(), seed());
    let started = Instant::now();
    let outcome = play_storm(&cluster, SHORT, &counts, seed).await;
    println!("seed {seed}, {:?}\n{counts}\n{outcome}", started.elapsed());
    assert!(counts.total() >= 100);
    assert!(outcome.acknowledged > 200, "people talked");
    assert!(outcome.changed > 50 && outcome.mentions > 20, "and amended and mentioned");
    assert!(outcome.verdict.is_clean(), "seed {seed}: {}", outcome.verdict);
}

/// Run by `scripts/soak` for `SOAK_MINUTES` minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long; scripts/soak runs it"]
async fn soak() {
    let minutes = std::env::var("SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let (cluster, counts) = (Cluster::start().await, FaultCounts::default());
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let mut is_clean = true;
    for round in 1.. {
        let seed = seed();
        let before = counts.total();
        let plan = FaultPlan { faults: before + LONG.faults, ..LONG };
        let outcome = play_storm(&cluster, plan, &counts, seed).await;
        println!("round {round}, seed {seed}: {outcome}");
        is_clean &= outcome.verdict.is_clean();
        if Instant::now() > until {
            break;
        }
    }
    println!("{counts}");
    assert!(is_clean);
}
