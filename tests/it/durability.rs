//! `redis.durability`: what is acknowledged has been received by replicas.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chinwag::config::{Config, Durability};
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::dashboard::operator;
use crate::faults::proxy::{Path, Paths, Proxy, Target};
use crate::faults::tampering::{Tamper, TamperingProxy};
use crate::replicated::Replicated;
use crate::socket::Socket;
use crate::support::{Redis, User, World, answered, eventually, ok, refused};

/// The promise is two seconds, and a busy machine may take as much again.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(4);

/// Messages sent around a partition.
const SENDS: usize = 12;

fn replicas(count: u8) -> impl FnOnce(&mut Config) {
    move |config| config.redis.durability = Durability::Replicas(count)
}

/// Sends a text whose client id is the text as well. Returns the status.
async fn send(user: &User<'_>, text: &str) -> StatusCode {
    let body = json!({"message_type": "text", "content": text, "client_id": text});
    user.post(0, "send").json(&body).send().await.expect("answered").status()
}

/// Sends a text until it is acknowledged: on a busy machine even replicas that are well may be late. Returns the number of
/// tries.
async fn acknowledged(user: &User<'_>, text: &str) -> u64 {
    let mut tries = 0;
    eventually(text, async || {
        tries += 1;
        send(user, text).await == 200
    })
    .await;
    tries
}

async fn metric(world: &World, name: &str) -> u64 {
    let text = world.client.get(world.url(0, "/metrics")).send().await.expect("answered").text().await.expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test]
async fn a_message_is_acknowledged_once_replicas_have_received_it() {
    let redis = Replicated::start(2).await;
    let world = World::start_with(1, &redis.master.url(), replicas(1)).await;
    let alice = world.user(0, "alice").await;
    acknowledged(&alice, "first").await;
    eventually("measured", async || metric(&world, "chinwag_redis_durability_reached").await == 1).await;
    redis.signal(Signal::SIGSTOP);
    // The second try finds the message of the first one, which no replica has received either.
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(send(&alice, "second").await, 503);
        assert!(started.elapsed() < GIVEN_UP_WITHIN, "{:?}", started.elapsed());
    }
    assert_eq!(alice.texts(0, "").await, ["first"], "what a failover may lose is not shown");
    redis.replicas[1].signal(Signal::SIGCONT);
    eventually("one replica is enough", async || send(&alice, "second").await == 200).await;
    assert_eq!(alice.texts(0, "").await, ["second", "first"]);
    redis.signal(Signal::SIGCONT);
    world.stop().await;
}

#[tokio::test]
async fn a_message_is_pushed_once_replicas_have_received_it() {
    let redis = Replicated::start(1).await;
    let world = World::start_with(1, &redis.master.url(), replicas(1)).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let (mut sender, mut listener) = (world.webchat(0, &alice, "ext=1").await, world.webchat(0, &bob, "ext=1").await);
    let frame =
        |text: &str| json!({"type": "send_message", "payload": {"room_id": 1, "content": text, "client_id": text}});
    let contents = async |socket: &mut Socket| socket.next_of("new_message").await["payload"]["content"].clone();
    sender.send(&frame("first")).await;
    assert_eq!((contents(&mut sender).await, contents(&mut listener).await), (json!("first"), json!("first")));
    redis.signal(Signal::SIGSTOP);
    // The sender takes its own message for the acknowledgement.
    for text in ["second", "third"] {
        sender.send(&frame(text)).await;
        let answer = sender.next().await;
        assert_eq!((&answer["type"], &answer["payload"]["code"]), (&json!("error"), &json!("unavailable")));
    }
    listener.assert_quiet().await;
    redis.signal(Signal::SIGCONT);
    redis.wait_for(1).await;
    sender.send(&frame("third")).await;
    for text in ["second", "third"] {
        assert_eq!(contents(&mut listener).await, text);
    }
    assert_eq!(contents(&mut sender).await, "second");
    world.stop().await;
}

#[tokio::test]
async fn a_client_that_is_ahead_of_its_node_receives_nothing_twice() {
    let redis = Replicated::start(1).await;
    let mut world = World::start_with(1, &redis.master.url(), replicas(1)).await;
    let proxy = Proxy::start(&redis.master.url()).await;
    world.config.redis.url = proxy.url();
    world.add_node().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let (mut ahead, mut behind) = (world.webchat(0, &bob, "ext=1").await, world.webchat(1, &bob, "ext=1").await);
    acknowledged(&alice, "first").await;
    for socket in [&mut ahead, &mut behind] {
        assert_eq!(socket.next_of("new_message").await["payload"]["content"], "first");
    }
    // The second node hears of what follows later than the first.
    proxy.disturb_present(Target::PubSub, Paths { to_redis: Path::Open, to_node: Path::Held });
    acknowledged(&alice, "second").await;
    let token = ahead.next_of("new_message").await["payload"]["resume"].clone();
    assert!(token.is_string(), "{token}");
    behind.send(&json!({"type": "resume", "payload": {"rooms": {"1": token}}})).await;
    behind.next_of("resumed").await;
    proxy.restore();
    acknowledged(&alice, "third").await;
    assert_eq!(behind.next_of("new_message").await["payload"]["content"], "third");
    world.stop().await;
}

#[tokio::test]
async fn nodes_start_and_answer_while_replicas_are_away() {
    let redis = Replicated::start(1).await;
    redis.signal(Signal::SIGSTOP);
    let mut world = World::start_with(1, &redis.master.url(), replicas(1)).await;
    world.add_node().await;
    redis.signal(Signal::SIGCONT);
    let alice = world.user(0, "alice").await;
    acknowledged(&alice, "first").await;
    assert_eq!(alice.texts(1, "").await, ["first"]);
    world.stop().await;
}

#[tokio::test]
async fn one_of_two_replicas_is_not_enough_for_two() {
    let redis = Replicated::start(2).await;
    let world = World::start_with(1, &redis.master.url(), replicas(2)).await;
    let alice = world.user(0, "alice").await;
    acknowledged(&alice, "first").await;
    redis.replicas[0].signal(Signal::SIGSTOP);
    assert_eq!(send(&alice, "second").await, 503);
    redis.replicas[0].signal(Signal::SIGCONT);
    eventually("both are back", async || send(&alice, "second").await == 200).await;
    world.stop().await;
}

#[tokio::test]
async fn many_messages_at_once_share_their_waiting() {
    let redis = Replicated::start(1).await;
    let world = World::start_with(1, &redis.master.url(), |config| {
        replicas(1)(config);
        config.limits.enabled = false;
    })
    .await;
    let alice = world.user(0, "alice").await;
    // Redis knows no script: each of them is sent in full by its own caller.
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut redis.master.connection()).expect("answered");
    let waits_before = calls_of_wait(&redis.master);
    let texts: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let tries: u64 = join_all(texts.iter().map(|text| acknowledged(&alice, text))).await.into_iter().sum();
    let waits = calls_of_wait(&redis.master) - waits_before;
    assert!(waits < tries * 3 / 4, "{waits} times for {tries} tries");
    let mut stored = alice.texts(0, "limit=100").await;
    assert_eq!(stored.len(), 100);
    stored.dedup();
    assert_eq!(stored.len(), 100, "each once");
    world.stop().await;
}

fn calls_of_wait(redis: &Redis) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut redis.connection()).expect("answered");
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_wait:calls="));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}

#[tokio::test]
async fn every_change_that_must_last_waits_and_reading_does_not() {
    let redis = Replicated::start(1).await;
    let world = World::start_with(1, &redis.master.url(), replicas(1)).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let sent = alice.send(0, "global", "first").await["id"].as_str().expect("an id").to_owned();
    let group = alice.make_group(0, "group", &[]).await;
    redis.signal(Signal::SIGSTOP);
    let members = format!("/api/v1/rooms/{group}/members");
    let credentials = json!({"username": "carol", "password": "your_strong_password"});
    let changes = [
        ("a deletion", alice.request(0, Method::DELETE, &format!("messages/{sent}"))),
        ("a member", alice.at(0, Method::POST, &members).json(&json!({"username": "bob"}))),
        ("a room", alice.at(0, Method::POST, "/api/v1/rooms").json(&json!({"name": "new", "is_private": false}))),
        (
            "a direct room",
            alice.at(0, Method::POST, "/api/v1/rooms").json(&json!({"is_private": true, "username": "bob"})),
        ),
        ("an account", world.client.post(world.url(0, "/api/v1/auth/register")).json(&credentials)),
    ];
    for (what, request) in changes {
        assert_eq!(request.send().await.expect("answered").status(), 503, "{what}");
    }
    refused(bob.try_send(0, "global", "from another").await, 503).await;
    bob.read(0, "messages").await;
    bob.read(0, "rooms").await;
    ok(bob.post(0, "heartbeat").send().await).await;
    world.log_in(0, "bob", "your_strong_password").await;
    redis.signal(Signal::SIGCONT);
    eventually("a member is added", async || {
        let request = alice.at(0, Method::POST, &members).json(&json!({"username": "bob"}));
        answered(request.send().await).await.0 == 201
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn after_the_floor_fewer_replicas_are_enough_until_they_are_back() {
    let redis = Replicated::start(1).await;
    let world = World::start_with(1, &redis.master.url(), |config| {
        replicas(1)(config);
        config.redis.durability_floor_secs = 2;
    })
    .await;
    let alice = world.user(0, "alice").await;
    let in_force = async || metric(&world, "chinwag_redis_durability_in_force").await;
    eventually("measured", async || in_force().await == 1).await;
    redis.signal(Signal::SIGSTOP);
    assert_eq!(send(&alice, "first").await, 503);
    eventually("the floor", async || in_force().await == 0).await;
    acknowledged(&alice, "first").await;
    assert_eq!(metric(&world, "chinwag_redis_durability_wanted").await, 1);
    redis.signal(Signal::SIGCONT);
    eventually("the replica is back", async || in_force().await == 1).await;
    redis.signal(Signal::SIGSTOP);
    assert_eq!(send(&alice, "second").await, 503);
    redis.signal(Signal::SIGCONT);
    world.stop().await;
}

#[tokio::test]
async fn the_dashboard_shows_what_is_in_force() {
    let redis = Replicated::start(1).await;
    let world = World::start_with(1, &redis.master.url(), replicas(1)).await;
    let operator = operator(&world).await;
    eventually("measured", async || {
        let shown = operator.metrics(0, "range=1h").await;
        (&shown["redis"]["replicas_wanted"], &shown["redis"]["replicas_in_force"]) == (&json!(1), &json!(1))
    })
    .await;
    world.stop().await;
}

/// Cuts the master off from its replicas, but not from the node, while messages are sent, and promotes a replica. Returns
/// how many messages were acknowledged, some of them at the second try, and how many of these are missing.
async fn lost_in_a_partition(durability: Durability, tamper: Tamper) -> (usize, usize) {
    let master = Replicated::start_master();
    let network = Proxy::start(&master.url()).await;
    let redis = Replicated::with_replicas_of(master, &network.url(), 2).await;
    let proxy = TamperingProxy::start(&redis.master.url(), tamper).await;
    let world = World::start_with(1, &proxy.url(), |config| config.redis.durability = durability).await;
    let alice = world.user(0, "alice").await;
    let mut acknowledged = Vec::new();
    for number in 0..SENDS {
        if number == SENDS / 2 {
            redis.wait_for(2).await;
            network.disturb(Target::All, Paths::both(Path::Swallowed));
        }
        let text = number.to_string();
        if send(&alice, &text).await == 200 || send(&alice, &text).await == 200 {
            acknowledged.push(text);
        }
    }
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut redis.replicas[0].connection()).expect("promoted");
    let prefix = world.config.redis.prefix.clone();
    let promoted = World::start_with(1, &redis.replicas[0].url(), |config| config.redis.prefix = prefix).await;
    let alice = promoted.log_in(0, "alice", "your_strong_password").await;
    let stored = alice.texts(0, "").await;
    let lost = acknowledged.iter().filter(|text| !stored.contains(text)).count();
    for number in 0..SENDS {
        assert_eq!(send(&alice, &number.to_string()).await, 200, "a retry");
    }
    let stored = alice.texts(0, "").await;
    let different: BTreeSet<&String> = stored.iter().collect();
    assert_eq!((stored.len(), different.len()), (SENDS, SENDS), "each message is stored once");
    world.stop().await;
    promoted.stop().await;
    (acknowledged.len(), lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_without_its_replicas_acknowledges_nothing() {
    assert_eq!(lost_in_a_partition(Durability::Replicas(1), Tamper::Nothing).await, (SENDS / 2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_is_acknowledged_without_replicas_is_lost_in_a_partition() {
    // Shows that the test above would notice.
    let (acknowledged, lost) = lost_in_a_partition(Durability::Replicas(1), Tamper::WaitForNoReplay).await;
    assert_eq!((acknowledged, lost), (SENDS, SENDS / 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_durability_of_the_server_a_partition_loses_what_it_acknowledged() {
    // As documented.
    assert_eq!(lost_in_a_partition(Durability::Server, Tamper::Nothing).await, (SENDS, SENDS / 2));
}
