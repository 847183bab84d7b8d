//! Faults under load: what clients were told and shown is held against what is stored.

mod checker;
mod client;
mod cluster;
mod dice;
mod heal;
mod maker;
mod mutants;
mod poller;
mod proxy;
mod received;
mod rewind;
mod round;
mod storm;

use std::time::{Duration, Instant};

use self::cluster::Cluster;
use self::round::{play, seed};
use self::storm::{Force, Tally};

/// The short form: a minute and a half.
const SHORT: Force = Force { faults: 100, kills: 3, redis_restarts: 2, freezes: 1, frozen_for: Duration::from_secs(3) };
/// A round of the long form.
const LONG: Force = Force { faults: 100, kills: 3, redis_restarts: 1, freezes: 1, frozen_for: Duration::from_secs(10) };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_faults_lose_double_swap_and_hide_nothing() {
    let (cluster, tally, seed) = (Cluster::start().await, Tally::default(), seed());
    let started = Instant::now();
    let outcome = play(&cluster, SHORT, &tally, seed).await;
    println!("seed {seed}, {:?}\n{tally}\n{outcome}", started.elapsed());
    assert!(tally.total() >= 100);
    assert!(outcome.acknowledged > 200, "people talked");
    assert!(outcome.verdict.is_clean(), "seed {seed}: {}", outcome.verdict);
}

/// `scripts/soak` runs it, for as many minutes as `SOAK_MINUTES` says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long; scripts/soak runs it"]
async fn soak() {
    let minutes = std::env::var("SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let (cluster, tally) = (Cluster::start().await, Tally::default());
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let mut is_clean = true;
    for round in 1.. {
        let seed = seed();
        let before = tally.total();
        let force = Force { faults: before + LONG.faults, ..LONG };
        let outcome = play(&cluster, force, &tally, seed).await;
        println!("round {round}, seed {seed}: {outcome}");
        is_clean &= outcome.verdict.is_clean();
        if Instant::now() > until {
            break;
        }
    }
    println!("{tally}");
    assert!(is_clean);
}
