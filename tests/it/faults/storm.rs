//! Faults of every kind: network faults of each node, one after the other, and at the same time those of processes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::cluster::{Cluster, NODES};
use super::proxy::{Path, Paths, Target};
use super::random::Random;

/// The numbers of faults.
#[derive(Clone, Copy)]
pub struct FaultPlan {
    /// The least number of faults in all.
    pub faults: usize,
    pub kills: usize,
    pub redis_restarts: usize,
    pub freezes: usize,
    pub frozen_for: Duration,
}

/// Counts of faults by kind.
#[derive(Default)]
pub struct FaultCounts(Mutex<BTreeMap<&'static str, usize>>);

impl FaultCounts {
    fn count(&self, kind: &'static str) {
        *self.0.lock().expect("no panic while held").entry(kind).or_default() += 1;
    }

    pub fn total(&self) -> usize {
        self.0.lock().expect("no panic while held").values().sum()
    }
}

impl std::fmt::Display for FaultCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<_> =
            self.0.lock().expect("no panic while held").iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(f, "{} faults: {}", self.total(), kinds.join(", "))
    }
}

/// Causes faults until there were enough of each kind.
pub async fn cause_faults(cluster: &Cluster, plan: FaultPlan, counts: &FaultCounts, seed: u64) {
    let is_over = AtomicBool::new(false);
    let processes = async {
        break_processes(cluster, plan, counts, Random::new(seed)).await;
        is_over.store(true, Ordering::Release);
    };
    let networks = (0..NODES).map(|node| {
        let is_over = &is_over;
        async move {
            let mut random = Random::new(seed ^ (node as u64 + 1));
            while !is_over.load(Ordering::Acquire) || counts.total() < plan.faults {
                break_network(cluster, node, counts, &mut random).await;
                tokio::time::sleep(Duration::from_millis(random.between(100, 500))).await;
            }
        }
    });
    tokio::join!(processes, join_all(networks));
}

/// One fault between a node and Redis.
async fn break_network(cluster: &Cluster, node: usize, counts: &FaultCounts, random: &mut Random) {
    let place = &cluster.places[node];
    let _untouched = place.process.lock().await;
    let proxy = &place.proxy;
    let deaf = Paths { to_redis: Path::Open, to_node: Path::Swallowed };
    let mute = Paths { to_redis: Path::Swallowed, to_node: Path::Open };
    let (kind, hit, most_ms) = match random.between(0, 12) {
        0 | 1 => ("cut pub/sub", proxy.cut(Target::PubSub), 0),
        2 | 3 => ("cut commands", proxy.cut(Target::Commands), 0),
        4 => ("cut all", proxy.cut(Target::All), 0),
        5 => ("swallow pub/sub", proxy.disturb(Target::PubSub, Paths::both(Path::Swallowed)), 4000),
        6 => ("deaf pub/sub", proxy.disturb_present(Target::PubSub, deaf), 4000),
        7 => ("deaf commands", proxy.disturb(Target::Commands, deaf), 1500),
        8 => ("mute commands", proxy.disturb_present(Target::Commands, mute), 1500),
        9 => ("swallow all", proxy.disturb(Target::All, Paths::both(Path::Swallowed)), 2500),
        10 => ("hold all", proxy.disturb(Target::All, Paths::both(Path::Held)), 2500),
        _ => {
            let late = Path::Delayed(Duration::from_millis(random.between(20, 120)));
            ("delay all", proxy.disturb(Target::All, Paths::both(late)), 1000)
        }
    };
    if hit > 0 {
        counts.count(kind);
    }
    if most_ms > 0 {
        tokio::time::sleep(Duration::from_millis(random.between(most_ms / 4, most_ms))).await;
        proxy.restore();
    }
}

/// Faults of processes, in random order.
async fn break_processes(cluster: &Cluster, plan: FaultPlan, counts: &FaultCounts, mut random: Random) {
    let FaultPlan { mut kills, mut redis_restarts, mut freezes, .. } = plan;
    while kills + redis_restarts + freezes > 0 {
        tokio::time::sleep(Duration::from_millis(random.between(2000, 5000))).await;
        let node = random.between(0, NODES as u64) as usize;
        let dead_for = Duration::from_millis(random.between(100, 1500));
        match random.between(0, 3) {
            0 if kills > 0 => {
                kills -= 1;
                counts.count("kill -9 node");
                cluster.kill_node(node, dead_for).await;
            }
            1 if redis_restarts > 0 => {
                redis_restarts -= 1;
                counts.count("kill -9 Redis");
                cluster.restart_redis(dead_for).await;
            }
            2 if freezes > 0 => {
                freezes -= 1;
                counts.count("SIGSTOP node");
                cluster.freeze_node(node, plan.frozen_for).await;
            }
            _ => {}
        }
    }
}
