//! What a cluster must get right besides surviving: the order of commands of different slots, channels that move, slots
//! without an owner, and shards that an operation does not need.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::block_in_place;

use crate::faults::proxy::Target;
use crate::faults::shards::{bystander, key};
use crate::process::{Process, external};
use crate::redis_cluster::{APART, RedisCluster};
use crate::socket::Socket;
use crate::support::{User, World, eventually, ok, scratch, unique};

/// Rooms that one shard alone hardly has: three of them share one shard once in nine times, eight once in 2,000.
const ROOMS: usize = 8;
/// Times that a busy machine may be too slow for what must happen within a time-out.
const TRIES: usize = 20;

async fn hears(socket: &mut Socket, text: &str) {
    while socket.next_of("new_message").await["payload"]["content"] != text {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_of_many_slots_are_heard_again_after_the_connections_were_cut() {
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(1, &cluster.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(user.make_room(0, &format!("room {number}")).await);
    }
    let mut socket = world.webchat(0, &user, "").await;
    for round in ["before", "after"] {
        for room in &rooms {
            user.send(0, room, round).await;
            hears(&mut socket, round).await;
        }
        assert_eq!(cluster.cut_pubsub(), RedisCluster::MASTERS);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_room_is_heard_whose_slot_was_away_unnoticed() {
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(1, &cluster.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "quiet").await;
    let mut socket = world.webchat(0, &user, "").await;
    user.send(0, &room, "before").await;
    hears(&mut socket, "before").await;
    let key = key(&world, &room);
    let (slot, from) = block_in_place(|| (cluster.slot(&key), cluster.owner(&key)));
    let to = (from + 1) % RedisCluster::MASTERS;
    // Back before anything else tells the node of it.
    block_in_place(|| {
        cluster.move_slots([slot], from, to);
        cluster.move_slots([slot], to, from);
    });
    user.send(0, &room, "after").await;
    hears(&mut socket, "after").await;
    world.stop().await;
}

/// A new user whose account lies on this shard.
async fn user_on<'a>(world: &'a World, cluster: &RedisCluster, node: usize, shard: usize) -> (User<'a>, String) {
    for _ in 0..100 {
        let user = world.user(node, &unique("bob")[..12]).await;
        let me = user.get_json(node, "/api/v1/me").await;
        let account = format!("{}{{u:{}}}", world.config.redis.prefix, me["id"]);
        if block_in_place(|| cluster.owner(&account)) == shard {
            return (user, account);
        }
    }
    panic!("a hundred users on two shards");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_members_ends_with_what_the_room_says_after_it_was_noted() {
    let cluster = RedisCluster::start_without_replicas().await;
    let mut world = World::start_with(1, &cluster.url(), |config| config.limits.enabled = false).await;
    world.config.redis.url = cluster.url_apart();
    world.add_node().await;
    let (here, apart) = (0, 1);
    for _ in 0..TRIES {
        // The list of bob's rooms lies on a shard that is held back, the room on another one.
        let (bob, account) = user_on(&world, &cluster, apart, here).await;
        let by = bystander(&world, &cluster, here).await;
        ok(bob.post(apart, &format!("rooms/{}/join", by.room)).send().await).await;
        by.user.send(apart, &by.room, "before").await;
        let number = by.room.parse::<chinwag::domain::RoomId>().expect("a room").number();
        let bobs_id = account.rsplit([':', '}']).nth(1).expect("an id").to_owned();
        let score = |key: String, member: String| {
            block_in_place(|| {
                let mut connection = cluster.servers[cluster.owner(&key)].connection();
                redis::cmd("ZSCORE").arg(key).arg(member).query::<Option<f64>>(&mut connection).expect("answered")
            })
        };
        cluster.hold(here, Target::User(APART));
        let leaving = bob.post(apart, &format!("rooms/{}/leave", by.room)).send();
        let meanwhile = async {
            eventually("bob is no member", async || {
                score(format!("{}:members", key(&world, &by.room)), bobs_id.clone()).is_none()
            })
            .await;
            // Behind whatever the node has asked the room's shard meanwhile.
            for _ in 0..2 {
                assert!(by.user.try_send(apart, &by.room, "meanwhile").await.is_ok());
            }
            ok(bob.post(here, &format!("rooms/{}/join", by.room)).send().await).await;
            cluster.heal();
        };
        let (left, ()) = tokio::join!(leaving, meanwhile);
        // Otherwise the shard was held back for longer than the node waits.
        if left.expect("answered").status() == StatusCode::OK {
            assert!(score(format!("{account}:rooms"), number.to_string()).is_some(), "the list lacks the room");
            world.stop().await;
            return;
        }
    }
    panic!("the machine is too slow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_need_nothing_of_the_shard_that_counts_them() {
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(1, &cluster.url(), |_| {}).await;
    world.user(0, "alice").await.send(0, "global", "counted").await;
    let pattern = format!("{}stats:*", world.config.redis.prefix);
    let shard = || {
        cluster.servers.iter().position(|server| {
            let keys = redis::cmd("KEYS").arg(&pattern).query::<Vec<String>>(&mut server.connection());
            !keys.expect("answered").is_empty()
        })
    };
    let mut counting = None;
    eventually("the message is counted", async || {
        counting = block_in_place(shard);
        counting.is_some()
    })
    .await;
    let counting = counting.expect("found");
    let by = bystander(&world, &cluster, counting).await;
    by.user.send(0, &by.room, "before").await;
    cluster.hold(counting, Target::All);
    by.user.send(0, &by.room, "uncounted").await;
    cluster.heal();
    eventually("all are counted", async || {
        let stats = by.user.get(0, "stats").send().await.expect("answered");
        stats.status() == StatusCode::OK
            && stats.json::<Value>().await.is_ok_and(|stats| stats["total_messages_today"] == 3)
    })
    .await;
    world.stop().await;
}

/// A room none of whose slot's keys belong to anything else.
async fn lonely_room(world: &World, cluster: &RedisCluster, user: &User<'_>) -> String {
    for number in 0..100 {
        let room = user.make_room(0, &format!("lonely {number}")).await;
        let key = key(world, &room);
        let keys = block_in_place(|| cluster.keys_in_slot(cluster.slot(&key)));
        if keys.iter().all(|other| other.starts_with(&key)) {
            return room;
        }
    }
    panic!("a hundred rooms share their slots");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_lies_in_a_slot_without_an_owner_is_refused() {
    let cluster = RedisCluster::start_without_replicas().await;
    let mut world = World::start_with(1, &cluster.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    let (lost, kept) = (lonely_room(&world, &cluster, &user).await, user.make_room(0, "kept").await);
    let key = key(&world, &lost);
    let (slot, owner) = block_in_place(|| (cluster.slot(&key), cluster.owner(&key)));
    block_in_place(|| cluster.disown(slot));
    // A node that has never known an owner, and one that had one.
    world.add_node().await;
    let user = world.log_in(1, "alice", "your_strong_password").await;
    for node in [1, 0] {
        let status = async |room: &str| {
            let sent = user.try_send(node, room, "text").await.expect("answered").status();
            let read = user.get(node, &format!("messages?room_id={room}")).send().await.expect("answered").status();
            [sent, read]
        };
        assert_eq!(status(&lost).await, [StatusCode::SERVICE_UNAVAILABLE; 2], "node {node}");
        assert_eq!(status(&kept).await, [StatusCode::OK; 2], "node {node}");
        for path in ["/api/chat/rooms", "/api/v1/rooms", "/api/v1/conversations", "/api/v1/search?kind=room&q=kept"] {
            let answer = user.at(node, reqwest::Method::GET, path).send().await.expect("answered");
            assert_eq!(answer.status(), StatusCode::OK, "{path} of node {node}");
            let is_partial = answer.headers().contains_key("x-partial");
            let text = answer.text().await.expect("a body");
            assert!(text.contains("kept") && !text.contains("lonely"), "{path} of node {node}: {text}");
            assert!(is_partial || path.contains("q=kept"), "{path} of node {node}");
        }
    }
    let mut socket = world.webchat(1, &user, "").await;
    user.send(1, &kept, "heard").await;
    hears(&mut socket, "heard").await;
    block_in_place(|| cluster.give(slot, owner));
    eventually("the room works", async || {
        user.try_send(1, &lost, "back").await.expect("answered").status() == StatusCode::OK
    })
    .await;
    hears(&mut socket, "back").await;
    world.stop().await;
}

/// Workers that would have 183 connections for commands to three shards, if each had its own.
const WORKERS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_share_their_connections_to_the_shards() {
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(1, &cluster.url(), |config| config.server.workers = WORKERS).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "shared").await;
    // New connections, which the workers get in turn; the statistics come from all shards. A busy machine may be late to
    // connect to them.
    let asked = (0..2 * WORKERS).map(|_| async {
        let client = crate::support::client();
        let ask = || client.get(world.url(0, "/api/chat/stats")).bearer_auth(&user.token).send();
        eventually("the worker answers", async || ask().await.expect("answered").status() == StatusCode::OK).await;
    });
    join_all(asked).await;
    // At most 64 for commands, one to each shard for lists and for events, and what asks for the slots.
    let others = 3 * RedisCluster::MASTERS;
    let bounds = others + 1..=others + 64;
    let count = cluster.connections();
    assert!(bounds.contains(&count), "{count} connections");
    let mut socket = world.webchat(0, &user, "").await;
    // They are replaced when they break.
    cluster.cut_all();
    eventually("sends work again", async || {
        user.try_send(0, &room, "again").await.expect("answered").status() == StatusCode::OK
    })
    .await;
    hears(&mut socket, "again").await;
    eventually("as many connections are open as before they were cut", async || {
        let is_answered = user.get(0, "stats").send().await.is_ok_and(|answer| answer.status() == StatusCode::OK);
        let count = cluster.connections();
        assert!(count <= *bounds.end(), "{count} connections");
        is_answered && bounds.contains(&count)
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn online_users_are_spread_over_the_shards_and_what_one_server_had_is_removed() {
    let cluster = RedisCluster::start_without_replicas().await;
    let mut world = World::start_with(1, &cluster.url(), |_| {}).await;
    let mut names = Vec::new();
    for _ in 0..8 {
        let user = world.user(0, &unique("user")[..12]).await;
        ok(user.post(0, "heartbeat").send().await).await;
        names.push(user.name);
    }
    let user = world.user(0, "alice").await;
    names.push(user.name.clone());
    let _socket = world.webchat(0, &user, "").await;
    let online = user.read(0, "online-users").await;
    let mut found: Vec<&str> =
        online.as_array().expect("a list").iter().filter_map(|it| it["username"].as_str()).collect();
    found.sort_unstable();
    names.sort_unstable();
    assert_eq!(found, names);
    assert_eq!(user.read(0, "stats").await["online_users_count"], names.len());
    let prefix = world.config.redis.prefix.clone();
    let count = |pattern: String| {
        let keys = |server: &crate::support::Redis| {
            let keys = redis::cmd("KEYS").arg(&pattern).query::<Vec<String>>(&mut server.connection());
            keys.expect("answered").len()
        };
        cluster.servers.iter().map(keys).collect::<Vec<usize>>()
    };
    let sets = block_in_place(|| count(format!("{prefix}{{o:*}}:online")));
    assert_eq!(sets.iter().sum::<usize>(), names.len(), "each has a set: {sets:?}");
    eventually("alice counts as connected", async || {
        block_in_place(|| count(format!("{prefix}{{o:*}}:connected"))).iter().sum::<usize>() == 1
    })
    .await;

    let former = [format!("{prefix}online:3"), format!("{prefix}connected:15")];
    block_in_place(|| {
        for key in &former {
            let mut connection = cluster.servers[cluster.owner(key)].connection();
            redis::cmd("ZADD").arg(key).arg(1).arg(1).exec(&mut connection).expect("added");
        }
    });
    let count_former =
        || ["online:*", "connected:*"].map(|rest| count(format!("{prefix}{rest}")).iter().sum::<usize>());
    assert_eq!(block_in_place(count_former), [1, 1]);
    world.add_node().await;
    assert_eq!(block_in_place(count_former), [0, 0]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_name_the_shard_that_is_away_and_the_one_that_has_taken_its_slots() {
    let cluster = RedisCluster::start_without_replicas().await;
    let folder = scratch();
    let node = block_in_place(|| Process::start(&external(&cluster.url()), &folder));
    let node = node.ready(&crate::support::client()).await;
    let (away, name) = (1, cluster.address(1));
    let slots = block_in_place(|| cluster.slots_of(away));
    let says = async |message: &str, details: &[String]| {
        eventually(message, async || {
            let log = node.log();
            let mut lines = log.lines().filter(|line| line.contains(message));
            lines.any(|line| details.iter().all(|detail| line.contains(detail)))
        })
        .await;
    };
    let shard = [format!("\"shard\":\"{name}\""), format!("\"slots\":{}", slots.len())];
    says("slots belong to this shard now", &shard).await;
    says("pub/sub delivery works", &shard).await;
    cluster.hold(away, Target::All);
    for message in ["Redis does not answer", "pub/sub delivery lost", "Redis takes no writes"] {
        says(message, &shard).await;
    }
    cluster.heal();
    says("Redis answers again", &shard).await;
    block_in_place(|| cluster.move_slots(slots.into_iter().take(5), away, 2));
    let moved = [format!("\"shard\":\"{}\"", cluster.address(2)), format!("\"from\":\"{name}\"")];
    says("slots belong to this shard now", &moved).await;
    drop(node);
}
