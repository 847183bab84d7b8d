//! What is noted of deliveries: in the list, and in the logs of rooms.

use std::collections::BTreeSet;

use chinwag::service::{ListedHook, Operator};
use reqwest::Method;
use serde_json::json;

use super::receiver::Receiver;
use super::{hooks, make, world};
use crate::rights::{login, without};
use crate::support::{Redis, World, answered, eventually, ok, room_id, shared_connection};

/// The groups of a room's log.
fn groups(world: &World, room: u64) -> usize {
    let log = format!("{}{{r:{room}}}:log", world.config.redis.prefix);
    let found = redis::cmd("XINFO").arg("GROUPS").arg(&log).query::<Vec<redis::Value>>(&mut shared_connection(&log));
    found.expect("a log").len()
}

#[tokio::test]
async fn removed_webhooks_leave_nothing() {
    let world = world(2).await;
    let alice = world.user(0, "alice").await;
    let (room, other) = (alice.make_group(0, "a", &[]).await, alice.make_group(0, "b", &[]).await);
    let receiver = Receiver::start().await;
    let (service, _) = chinwag::node::hooks(&world.config).await.expect("Redis answers");
    let general = service.create_outgoing(&Operator::CommandLine, None, &receiver.url).await.expect("made");
    let own = make(&alice, room, json!({"kind": "outgoing", "url": receiver.url})).await;
    let kept = make(&alice, other, json!({"kind": "outgoing", "url": receiver.url})).await;
    for room in [room, other] {
        alice.send(1, &room_id(room), "one").await;
    }
    eventually("all have the messages", async || receiver.taken().len() == 4).await;
    assert_eq!((groups(&world, room), groups(&world, other)), (2, 2));

    receiver.hold();
    receiver.set_broken(true);
    alice.send(0, &room_id(room), "two").await;
    eventually("attempts are under way", async || receiver.requests() >= 6).await;
    let path = format!("/api/v1/rooms/{room}/hooks/{}", own["id"].as_str().expect("an id"));
    ok(alice.at(0, Method::DELETE, &path).send().await).await;
    service.remove(&Operator::CommandLine, None, &general.id).await.expect("removed");
    receiver.answer(100);
    eventually("groups go", async || (groups(&world, room), groups(&world, other)) == (0, 1)).await;
    let health = format!("{}{{hooks}}:health", world.config.redis.prefix);
    let fields: Vec<String> = redis::cmd("HKEYS").arg(&health).query(&mut shared_connection(&health)).expect("read");
    let of_kept = kept["id"].as_str().expect("an id");
    assert!(fields.iter().all(|field| field.starts_with(of_kept)), "{fields:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_passed_over() {
    let world = world(1).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "a", &[]).await;
    let receiver = Receiver::start().await;
    make(&alice, room, json!({"kind": "outgoing", "url": receiver.url})).await;
    alice.send(0, &room_id(room), "one").await;
    let log = format!("{}{{r:{room}}}:log", world.config.redis.prefix);
    let mut redis = shared_connection(&log);
    let last: Vec<(String, Vec<String>)> =
        redis::cmd("XREVRANGE").arg(&log).arg(&["+", "-", "COUNT", "1"]).query(&mut redis).expect("an entry");
    let (seq, ms) = last[0].0.split_once('-').expect("an id");
    let id = format!("{seq}-{}", ms.parse::<u64>().expect("a number") + 1);
    redis::cmd("XADD").arg(&log).arg(&[&id, "m", "nonsense"]).exec(&mut redis).expect("added");
    alice.send(0, &room_id(room), "two").await;
    eventually("the others arrive", async || receiver.taken().len() == 2).await;
    eventually("the list says so", async || hooks(&alice, room).await[0]["given_up"] == 1).await;
    world.stop().await;
}

#[tokio::test]
async fn the_list_says_that_redis_refuses() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &login(&redis, &without(&["+xreadgroup"])), |config| {
        config.redis.prefix = "cw:".to_owned();
        config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "a", &[]).await;
    let receiver = Receiver::start().await;
    make(&alice, room, json!({"kind": "outgoing", "url": receiver.url})).await;
    alice.send(0, &room_id(room), "one").await;
    eventually("the list says so", async || hooks(&alice, room).await[0]["state"] == "failing").await;
    assert_eq!(hooks(&alice, room).await[0]["error"], "the server cannot read the room");
    world.stop().await;
}

#[tokio::test]
async fn users_do_not_learn_which_addresses_exist() {
    let world = world(1).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "a", &[]).await;
    // No such name, no such service, and one that does not answer.
    let receiver = Receiver::start().await;
    receiver.hold();
    let urls = ["http://chinwag.invalid/", "http://127.0.0.1:1/", receiver.url.as_str()];
    for url in urls {
        make(&alice, room, json!({"kind": "outgoing", "url": url})).await;
    }
    alice.send(0, &room_id(room), "one").await;
    let shown = async || {
        let listed = hooks(&alice, room).await;
        let all: Vec<String> =
            listed.as_array().expect("a list").iter().map(|hook| hook["error"].to_string()).collect();
        all
    };
    eventually("all fail", async || shown().await.iter().all(|error| error != "null")).await;
    let expected = "\"the address cannot be reached, or does not answer in time\"";
    assert_eq!(shown().await, [expected; 3]);
    assert_eq!(answered(alice.at(0, Method::GET, "/dashboard/hooks").send().await).await.0, 403);
    world.promote("alice").await;
    let states = alice.get_json(0, "/dashboard/hooks").await;
    assert_eq!((&states["total"], &states["failing"]), (&json!(3), &json!(3)), "{states}");
    let hosts: BTreeSet<&str> =
        states["hooks"].as_array().expect("a list").iter().filter_map(|hook| hook["host"].as_str()).collect();
    assert_eq!(hosts, BTreeSet::from(["127.0.0.1", "chinwag.invalid"]));
    assert_eq!(
        (&states["hooks"][0]["state"], &states["hooks"][0]["room"]),
        (&json!("failing"), &json!(room)),
        "{states}"
    );
    assert!(!states.to_string().contains("/hook") && !states.to_string().contains("refused"), "{states}");
    let (service, _) = chinwag::node::hooks(&world.config).await.expect("Redis answers");
    let causes: Vec<Option<String>> = service
        .list(&Operator::CommandLine, None)
        .await
        .expect("listed")
        .into_iter()
        .map(|hook| match hook {
            ListedHook::Outgoing(_, health) => health.cause,
            ListedHook::Incoming(..) => None,
        })
        .collect();
    assert!(causes.contains(&Some("no answer in time".to_owned())), "{causes:?}");
    assert!(causes.iter().all(Option::is_some), "{causes:?}");
    world.stop().await;
}
