//! Failovers by Sentinel under load: with `replicas:1` nothing acknowledged is lost, doubled, swapped or missed; with
//! `server` that holds for planned ones, and the losses of the others are printed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chinwag::config::Durability;
use nix::sys::signal::Signal;
use reqwest::StatusCode;
use tokio::task::block_in_place;

use super::checker::{History, Verdict, check};
use super::client::Nodes;
use super::round::{Outcome, Rules, play};
use crate::sentinel_set::SentinelSet;
use crate::support::{User, World, eventually};

/// Eight users with sockets send once in this time each: two hundred messages a second in all.
const PACE: Duration = Duration::from_millis(40);
/// Load before and after a failover.
const BESIDE: Duration = Duration::from_millis(1500);
/// The promise is five seconds after the promotion, and a busy machine may take as much again.
const WORKS_WITHIN: Duration = Duration::from_secs(10);
const STOPPED_FOR: Duration = Duration::from_secs(10);

/// A way to lose a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Killed,
    Planned,
    Stopped,
}

const LOSSES: [Loss; 3] = [Loss::Killed, Loss::Planned, Loss::Stopped];

/// A message that was pushed and then refused may be lost in a failover, which its sender knows. It does not count.
fn judge(history: &History) -> Verdict {
    let mut history = history.clone();
    for received in &mut history.received {
        let Some(truth) = history.truth.get(&received.room) else { continue };
        let is_stored =
            |seen: &super::checker::Seen| truth.iter().any(|it| it.place == seen.place && it.text == seen.text);
        received.messages.retain(is_stored);
    }
    check(&history)
}

/// Loses the primary and waits until all servers are in order again. Returns how long sends did not work after the
/// promotion.
async fn lose(set: &mut SentinelSet, loss: Loss, prober: &User<'_>, room: &str) -> Duration {
    let old = block_in_place(|| set.primary());
    match loss {
        Loss::Killed => block_in_place(|| set.servers[old].kill()),
        Loss::Planned => block_in_place(|| set.fail_over()),
        Loss::Stopped => set.servers[old].signal(Signal::SIGSTOP),
    }
    let lost_at = Instant::now();
    set.promoted(old).await;
    let promoted_at = Instant::now();
    for node in 0..2 {
        eventually("sends work again", async || {
            prober.try_send(node, room, "probe").await.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
    }
    let worked_after = promoted_at.elapsed();
    match loss {
        Loss::Killed => block_in_place(|| set.servers[old].restart()),
        Loss::Planned => {}
        Loss::Stopped => {
            tokio::time::sleep(STOPPED_FOR.saturating_sub(lost_at.elapsed())).await;
            set.servers[old].signal(Signal::SIGCONT);
        }
    }
    set.settled().await;
    worked_after
}

/// Plays rounds with each kind of loss. Returns what happened, by kind.
async fn play_losses(durability: Durability, rounds: usize) -> Vec<(Loss, Outcome)> {
    let mut set = SentinelSet::start().await;
    let url = set.url();
    let world = World::start_with(2, &url, |config| {
        config.redis.durability = durability;
        config.limits.enabled = false;
        config.server.workers = 2;
    })
    .await;
    let nodes: Nodes = Arc::new(Mutex::new((0..2).map(|node| world.base(node)).collect()));
    let (prober, idle) = (world.user(0, "prober").await, world.user(0, "idle").await);
    let room = prober.make_room(0, "probes").await;
    let mut outcomes = Vec::new();
    let rules = Rules { pace: PACE, has_new_groups: false, judge };
    for round in 0..rounds * LOSSES.len() {
        let loss = LOSSES[round % LOSSES.len()];
        let mut sockets = [world.webchat(0, &idle, "").await, world.webchat(1, &idle, "").await];
        let mut worked_after = Duration::ZERO;
        let outcome = play(&nodes, rules, async {
            tokio::time::sleep(BESIDE).await;
            worked_after = lose(&mut set, loss, &prober, &room).await;
            tokio::time::sleep(BESIDE).await;
        })
        .await;
        for socket in &mut sockets {
            socket.assert_quiet().await;
        }
        println!("{durability:?}, {loss:?}: sends worked {worked_after:?} after the promotion; {outcome}");
        assert!(worked_after < WORKS_WITHIN, "{loss:?}: {worked_after:?}");
        outcomes.push((loss, outcome));
    }
    world.stop().await;
    outcomes
}

/// Rounds of each kind: two, or as many as `scripts/soak --sentinel` says.
fn rounds() -> usize {
    std::env::var("SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failovers_with_replicas_lose_nothing_acknowledged() {
    for (loss, outcome) in play_losses(Durability::Replicas(1), rounds()).await {
        assert!(outcome.verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_without_replicas_loses_nothing_acknowledged() {
    for (loss, outcome) in play_losses(Durability::Server, rounds()).await {
        assert!(loss != Loss::Planned || outcome.verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}
