//! Failovers by Sentinel under load: with `replicas:1` nothing acknowledged is lost, doubled, swapped or missed; with
//! `server` that holds for planned ones, and the losses of the others are printed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chinwag::config::{Durability, RedisMode};
use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use tokio::task::block_in_place;

use super::client::Nodes;
use super::losses::{APART, AWAY_FOR, BESIDE, Loss, PACE, Round, check_rounds, judge, rounds_of};
use super::round::{Rules, play};
use crate::sentinel_set::SentinelSet;
use crate::support::{User, World, answered, eventually, unique};

/// A user whose sends show whether nodes work.
pub struct Prober<'a> {
    pub user: User<'a>,
    pub room: String,
}

impl Prober<'_> {
    /// Waits until a send through a node is acknowledged.
    pub async fn works(&self, node: usize) {
        eventually("sends work again", async || {
            let answer = self.user.try_send(node, &self.room, "probe").await;
            answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
    }

    /// Waits until what is sent through a node is read through another.
    pub async fn reaches(&self, node: usize, other: usize) {
        eventually("the nodes have one primary", async || {
            let text = unique("probe");
            let answer = self.user.try_send(node, &self.room, &text).await;
            let is_sent = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
            let path = format!("/api/chat/messages?room_id={}&limit=100", self.room);
            // Reading, too, may answer 503 for a while.
            let page = answered(self.user.at(other, Method::GET, &path).send().await);
            is_sent && page.await.1.to_string().contains(&text)
        })
        .await;
    }
}

/// Loses the primary and waits until all servers are in order again. Returns how long sends did not work after the
/// promotion, in all, and, through a node that was cut off, after that was over.
async fn lose(set: &mut SentinelSet, loss: Loss, prober: &Prober<'_>) -> [Duration; 3] {
    let old = block_in_place(|| set.primary());
    match loss {
        Loss::Killed => block_in_place(|| set.servers[old].kill()),
        Loss::Planned => block_in_place(|| set.fail_over()),
        Loss::Stopped => set.servers[old].signal(Signal::SIGSTOP),
        Loss::CutOff => set.cut_off(old),
        Loss::SlotsMoved | Loss::RoomMoved | Loss::ShardAway => unreachable!("only a cluster has slots"),
    }
    let lost_at = Instant::now();
    set.promoted(old).await;
    let promoted_at = Instant::now();
    for node in 0..2 {
        if loss != Loss::CutOff || node != APART {
            prober.works(node).await;
        }
    }
    let (recovery, outage) = (promoted_at.elapsed(), lost_at.elapsed());
    let mut rejoined = Duration::ZERO;
    let rest = AWAY_FOR.saturating_sub(lost_at.elapsed());
    match loss {
        Loss::Killed => block_in_place(|| set.servers[old].restart()),
        Loss::Stopped => {
            tokio::time::sleep(rest).await;
            set.servers[old].signal(Signal::SIGCONT);
        }
        Loss::CutOff => {
            tokio::time::sleep(rest).await;
            set.heal();
            let healed_at = Instant::now();
            prober.reaches(APART, 1 - APART).await;
            rejoined = healed_at.elapsed();
        }
        Loss::Planned | Loss::SlotsMoved | Loss::RoomMoved | Loss::ShardAway => {}
    }
    set.settled().await;
    [recovery, outage, rejoined]
}

/// Plays rounds with each kind of loss.
async fn play_losses(durability: Durability) -> Vec<Round> {
    let mut set = SentinelSet::start().await;
    let mut world = World::start_with(1, &set.url(), |config| {
        (config.redis.durability, config.redis.mode) = (durability, RedisMode::Sentinel);
        config.limits.enabled = false;
        config.server.workers = 2;
    })
    .await;
    world.config.redis.url = set.url_apart();
    world.add_node().await;
    let nodes: Nodes = Arc::new(Mutex::new((0..2).map(|node| world.base(node)).collect()));
    let idle = world.user(0, "idle").await;
    let user = world.user(0, "prober").await;
    let room = user.make_room(0, "probes").await;
    let prober = Prober { user, room };
    let rules = Rules { pace: PACE, has_new_groups: false, has_amendments: false, judge };
    let mut rounds = Vec::new();
    for loss in rounds_of(&Loss::BEHIND_SENTINELS) {
        let sockets = [world.webchat(0, &idle, "").await.attend(), world.webchat(1, &idle, "").await.attend()];
        let mut times = [Duration::ZERO; 3];
        let outcome = play(&nodes, rules, async {
            tokio::time::sleep(BESIDE).await;
            times = lose(&mut set, loss, &prober).await;
            tokio::time::sleep(BESIDE).await;
        })
        .await;
        for socket in sockets {
            socket.assert_quiet().await;
        }
        let [recovery, outage, rejoined] = times;
        println!("{durability:?}, {loss:?}: sends worked {recovery:?} after the promotion; {outcome}");
        rounds.push(Round { loss, recovery, outage, rejoined, outcome });
    }
    world.stop().await;
    check_rounds(durability, &rounds);
    rounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failovers_with_replicas_lose_nothing_acknowledged() {
    for Round { loss, outcome, .. } in play_losses(Durability::Replicas(1)).await {
        assert!(outcome.verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_without_replicas_loses_nothing_acknowledged() {
    for Round { loss, outcome, .. } in play_losses(Durability::Server).await {
        assert!(loss != Loss::Planned || outcome.verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}
