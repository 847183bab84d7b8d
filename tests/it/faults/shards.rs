//! Shards of a cluster that fail over, go away or give slots to others under load: with `replicas:1` nothing acknowledged is
//! lost, doubled, swapped or missed, open sockets stay open, and rooms of other shards never notice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chinwag::config::{Durability, RedisMode};
use nix::sys::signal::Signal;
use reqwest::StatusCode;
use tokio::task::block_in_place;

use super::client::Nodes;
use super::failover::Prober;
use super::losses::{APART, AWAY_FOR, BESIDE, Loss, PACE, Round, check_rounds, judge, rounds_of};
use super::round::{Rules, play};
use crate::redis_cluster::RedisCluster;
use crate::support::{User, World, eventually, unique};

/// Slots that move at once.
const MOVED: usize = 500;

/// A user of other shards, who talks all the time through the node that is never cut off.
pub struct Bystander<'a> {
    pub user: User<'a>,
    pub room: String,
    is_done: AtomicBool,
    sent: AtomicUsize,
    refused: AtomicUsize,
}

impl Bystander<'_> {
    async fn talk(&self) {
        while !self.is_done.load(Ordering::Relaxed) {
            let answer = self.user.try_send(0, &self.room, "all is well").await;
            let is_accepted = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
            let count = if is_accepted { &self.sent } else { &self.refused };
            count.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The key of a room whose slot is that of the room.
pub fn key(world: &World, room: &str) -> String {
    let number: chinwag::domain::RoomId = room.parse().expect("a room");
    format!("{}{{r:{}}}", world.config.redis.prefix, number.number())
}

/// A user and a room of theirs that lie on another shard than this one.
pub async fn bystander<'a>(world: &'a World, cluster: &RedisCluster, shard: usize) -> Bystander<'a> {
    let prefix = &world.config.redis.prefix;
    for _ in 0..100 {
        let user = world.user(0, &unique("by")[..12]).await;
        let me = user.get_json(0, "/api/v1/me").await;
        let account = format!("{prefix}{{u:{}}}", me["id"]);
        let room = user.make_room(0, &unique("r")).await;
        let is_elsewhere = |key: &str| block_in_place(|| cluster.owner(key)) != shard;
        if is_elsewhere(&account) && is_elsewhere(&key(world, &room)) {
            let (sent, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
            return Bystander { user, room, is_done: AtomicBool::new(false), sent, refused };
        }
    }
    panic!("a hundred users and rooms on one shard");
}

/// Loses the shard of the prober's room or moves slots, and waits until the cluster is whole again. Returns how long sends
/// did not work after the promotion, in all, and, through a node that was cut off, after that was over.
async fn lose(cluster: &mut RedisCluster, loss: Loss, prober: &Prober<'_>, key: &str) -> [Duration; 3] {
    let master = block_in_place(|| cluster.owner(key));
    let replica = block_in_place(|| cluster.replica_of(master));
    let other = (0..cluster.servers.len())
        .find(|server| *server != master && block_in_place(|| !cluster.slots_of(*server).is_empty()));
    let other = other.expect("another master");
    let begun = Instant::now();
    let mut promoted_at = begun;
    match loss {
        Loss::Killed => {
            block_in_place(|| cluster.servers[master].kill());
            cluster.promoted(replica).await;
            promoted_at = Instant::now();
            // As its replica: without one, `replicas:1` cannot be kept.
            block_in_place(|| cluster.servers[master].restart());
        }
        Loss::Planned => {
            block_in_place(|| cluster.fail_over(replica));
            cluster.promoted(replica).await;
            promoted_at = Instant::now();
        }
        Loss::Stopped => {
            cluster.servers[master].signal(Signal::SIGSTOP);
            tokio::time::sleep(AWAY_FOR).await;
            cluster.promoted(replica).await;
            cluster.servers[master].signal(Signal::SIGCONT);
            promoted_at = Instant::now();
        }
        Loss::CutOff => {
            cluster.cut_off(master);
            tokio::time::sleep(AWAY_FOR).await;
            cluster.promoted(replica).await;
            cluster.heal();
            promoted_at = Instant::now();
        }
        Loss::SlotsMoved => block_in_place(|| {
            let slots = cluster.slots_of(master);
            cluster.move_slots(slots.into_iter().take(MOVED), master, other);
        }),
        Loss::RoomMoved => block_in_place(|| {
            let slot = cluster.slot(key);
            cluster.move_slots([slot], master, other);
            std::thread::sleep(Duration::from_millis(500));
            cluster.move_slots([slot], other, master);
        }),
        Loss::ShardAway => {
            for server in [master, replica] {
                cluster.servers[server].signal(Signal::SIGSTOP);
            }
            tokio::time::sleep(AWAY_FOR).await;
            for server in [replica, master] {
                cluster.servers[server].signal(Signal::SIGCONT);
            }
            promoted_at = Instant::now();
        }
    }
    for node in 0..2 {
        prober.works(node).await;
    }
    let (recovery, outage) = (promoted_at.elapsed(), begun.elapsed());
    prober.reaches(APART, 1 - APART).await;
    let rejoined = if loss == Loss::CutOff { promoted_at.elapsed() } else { Duration::ZERO };
    cluster.settled().await;
    [recovery, outage, rejoined]
}

/// Plays rounds with each kind of loss.
async fn play_losses(durability: Durability) -> Vec<Round> {
    let mut cluster = RedisCluster::start().await;
    let mut world = World::start_with(1, &cluster.url(), |config| {
        (config.redis.durability, config.redis.mode) = (durability, RedisMode::Cluster);
        config.limits.enabled = false;
        config.server.workers = 2;
    })
    .await;
    world.config.redis.url = cluster.url_apart();
    world.add_node().await;
    let nodes: Nodes = Arc::new(Mutex::new((0..2).map(|node| world.base(node)).collect()));
    let idle = world.user(0, "idle").await;
    let user = world.user(0, "prober").await;
    let room = user.make_room(0, "probes").await;
    let key = key(&world, &room);
    let prober = Prober { user, room };
    let rules = Rules { pace: PACE, has_new_groups: false, has_amendments: false, judge };
    let mut rounds = Vec::new();
    for loss in rounds_of(&Loss::IN_CLUSTER) {
        let sockets = [world.webchat(0, &idle, "").await.attend(), world.webchat(1, &idle, "").await.attend()];
        let shard = block_in_place(|| cluster.owner(&key));
        let bystander = bystander(&world, &cluster, shard).await;
        let mut times = [Duration::ZERO; 3];
        let talk = bystander.talk();
        let outcome = play(&nodes, rules, async {
            tokio::time::sleep(BESIDE).await;
            tokio::join!(talk, async {
                times = lose(&mut cluster, loss, &prober, &key).await;
                tokio::time::sleep(BESIDE).await;
                bystander.is_done.store(true, Ordering::Relaxed);
            });
        })
        .await;
        for socket in sockets {
            socket.assert_quiet().await;
        }
        let [recovery, outage, rejoined] = times;
        let (sent, refused) = (bystander.sent.load(Ordering::Relaxed), bystander.refused.load(Ordering::Relaxed));
        println!(
            "{durability:?}, {loss:?}: sends worked {recovery:?} after it; other shards: {sent} sent, {refused} refused; {outcome}"
        );
        assert!(sent > 5, "{loss:?}: {sent}");
        assert_eq!(refused, 0, "{loss:?}: rooms of other shards noticed");
        rounds.push(Round { loss, recovery, outage, rejoined, outcome });
    }
    world.stop().await;
    check_rounds(durability, &rounds);
    rounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_with_replicas_lose_nothing_acknowledged() {
    for Round { loss, outcome, .. } in play_losses(Durability::Replicas(1)).await {
        assert!(outcome.verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_without_replicas_lose_nothing_that_was_planned() {
    for Round { loss, outcome, .. } in play_losses(Durability::Server).await {
        let may_lose = matches!(loss, Loss::Killed | Loss::CutOff | Loss::Stopped);
        assert!(may_lose || outcome.verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_noted_is_not_begun() {
    let cluster = RedisCluster::start().await;
    for durability in [Durability::Server, Durability::Replicas(1)] {
        let world = World::start_with(1, &cluster.url(), |config| config.redis.durability = durability).await;
        // Removing a room is noted in another slot first.
        let shard = block_in_place(|| cluster.owner(&format!("{}removals", world.config.redis.prefix)));
        let owner = bystander(&world, &cluster, shard).await;
        let number: chinwag::domain::RoomId = owner.room.parse().expect("a room");
        let replica = block_in_place(|| cluster.replica_of(shard));
        for server in [shard, replica] {
            cluster.servers[server].signal(Signal::SIGSTOP);
        }
        let path = format!("/api/v1/rooms/{}", number.number());
        let answer = owner.user.at(0, reqwest::Method::DELETE, &path).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{durability:?}");
        // A replica may be late, so that a send has to be tried again.
        eventually("the room was not removed", async || {
            let sent = owner.user.try_send(0, &owner.room, "still here").await.expect("answered");
            assert_ne!(sent.status(), StatusCode::NOT_FOUND, "{durability:?}: the room was removed");
            sent.status() == StatusCode::OK
        })
        .await;
        for server in [replica, shard] {
            cluster.servers[server].signal(Signal::SIGCONT);
        }
        cluster.settled().await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_stay_ready_and_take_new_sockets_while_a_shard_is_away() {
    let cluster = RedisCluster::start().await;
    let world = World::start_with(1, &cluster.url(), |config| config.redis.mode = RedisMode::Auto).await;
    let user = world.user(0, "owner").await;
    let mut rooms = vec![user.make_room(0, "room").await];
    let shard = block_in_place(|| cluster.owner(&key(&world, &rooms[0])));
    // Someone whose own account is on another shard, and who is in rooms of both.
    let bystander = bystander(&world, &cluster, shard).await;
    bystander.user.send(0, &rooms[0], "joined").await;
    rooms.push(bystander.room.clone());
    let replica = block_in_place(|| cluster.replica_of(shard));
    for server in [shard, replica] {
        cluster.servers[server].signal(Signal::SIGSTOP);
    }
    eventually("the room answers 503", async || {
        let answer = bystander.user.try_send(0, &rooms[0], "lost").await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE)
    })
    .await;
    let ready = world.client.get(world.url(0, "/health/ready")).send().await.expect("answered");
    assert_eq!(ready.status(), StatusCode::OK);
    let mut socket = world.webchat(0, &bystander.user, "").await;
    bystander.user.send(0, &rooms[1], "heard").await;
    let pushed = socket.next_of("new_message").await;
    assert_eq!(pushed["payload"]["content"], "heard");
    for server in [replica, shard] {
        cluster.servers[server].signal(Signal::SIGCONT);
    }
    // The room works again, and the socket follows it.
    eventually("the socket hears the room", async || {
        let answer = bystander.user.try_send(0, &rooms[0], "back").await;
        let is_accepted = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
        let pushed = tokio::time::timeout(Duration::from_millis(500), socket.next_of("new_message"));
        is_accepted && pushed.await.is_ok_and(|pushed| pushed["payload"]["content"] == "back")
    })
    .await;
    world.stop().await;
}
