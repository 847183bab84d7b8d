//! Faults of all message_kinds, one after the other at each node, beside those of whole processes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::cluster::{Cluster, NODES};
use super::dice::Dice;
use super::proxy::{Path, Paths, Target};

/// How hard it blows.
#[derive(Clone, Copy)]
pub struct Force {
    /// At least so many faults in all.
    pub faults: usize,
    pub kills: usize,
    pub redis_restarts: usize,
    pub freezes: usize,
    pub frozen_for: Duration,
}

/// How many faults of each kind there were.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, usize>>);

impl Tally {
    fn count(&self, kind: &'static str) {
        *self.0.lock().expect("no panic while held").entry(kind).or_default() += 1;
    }

    pub fn total(&self) -> usize {
        self.0.lock().expect("no panic while held").values().sum()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message_kinds: Vec<_> =
            self.0.lock().expect("no panic while held").iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(f, "{} faults: {}", self.total(), message_kinds.join(", "))
    }
}

/// Breaks things until all were broken often enough.
pub async fn blow(cluster: &Cluster, force: Force, tally: &Tally, seed: u64) {
    let is_over = AtomicBool::new(false);
    let processes = async {
        break_processes(cluster, force, tally, Dice::new(seed)).await;
        is_over.store(true, Ordering::Release);
    };
    let networks = (0..NODES).map(|node| {
        let is_over = &is_over;
        async move {
            let mut dice = Dice::new(seed ^ (node as u64 + 1));
            while !is_over.load(Ordering::Acquire) || tally.total() < force.faults {
                break_network(cluster, node, tally, &mut dice).await;
                tokio::time::sleep(Duration::from_millis(dice.between(100, 500))).await;
            }
        }
    });
    tokio::join!(processes, join_all(networks));
}

/// One fault between a node and Redis.
async fn break_network(cluster: &Cluster, node: usize, tally: &Tally, dice: &mut Dice) {
    let place = &cluster.places[node];
    let _untouched = place.process.lock().await;
    let proxy = &place.proxy;
    let deaf = Paths { to_redis: Path::Open, to_node: Path::Swallowed };
    let mute = Paths { to_redis: Path::Swallowed, to_node: Path::Open };
    let (kind, hit, most_ms) = match dice.between(0, 12) {
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
            let late = Path::Delayed(Duration::from_millis(dice.between(20, 120)));
            ("delay all", proxy.disturb(Target::All, Paths::both(late)), 1000)
        }
    };
    if hit > 0 {
        tally.count(kind);
    }
    if most_ms > 0 {
        tokio::time::sleep(Duration::from_millis(dice.between(most_ms / 4, most_ms))).await;
        proxy.restore();
    }
}

/// The faults of processes, in any order.
async fn break_processes(cluster: &Cluster, force: Force, tally: &Tally, mut dice: Dice) {
    let Force { mut kills, mut redis_restarts, mut freezes, .. } = force;
    while kills + redis_restarts + freezes > 0 {
        tokio::time::sleep(Duration::from_millis(dice.between(2000, 5000))).await;
        let node = dice.between(0, NODES as u64) as usize;
        let dead_for = Duration::from_millis(dice.between(100, 1500));
        match dice.between(0, 3) {
            0 if kills > 0 => {
                kills -= 1;
                tally.count("kill -9 node");
                cluster.kill_node(node, dead_for).await;
            }
            1 if redis_restarts > 0 => {
                redis_restarts -= 1;
                tally.count("kill -9 Redis");
                cluster.restart_redis(dead_for).await;
            }
            2 if freezes > 0 => {
                freezes -= 1;
                tally.count("SIGSTOP node");
                cluster.freeze_node(node, force.frozen_for).await;
            }
            _ => {}
        }
    }
}
