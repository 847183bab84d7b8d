//! Redis commands of groups, receipts and lists: reading nothing new writes nothing.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::budgets::only;
use crate::command_log::{Command, Cost, LoggedRedis, record_activity};
use crate::support::{User, answered, eventually, ok, room_id};

/// Commands that change something or run a script.
const WRITES: [&str; 12] =
    ["evalsha", "eval", "hset", "hsetnx", "hincrby", "zadd", "zrem", "set", "incr", "xadd", "pexpire", "del"];

fn writes(cost: Cost) -> BTreeMap<String, u64> {
    cost.commands.into_iter().filter(|(name, _)| WRITES.contains(&name.as_str())).collect()
}

/// Reads a room's history through every document.
async fn read_in_every_way(user: &User<'_>, id: &str, after: &str) {
    let number: chinwag::domain::RoomId = id.parse().expect("an id");
    user.read(0, &format!("messages?room_id={id}")).await;
    user.read(0, &format!("messages?room_id={id}&after={after}")).await;
    user.get_json(0, &format!("/api/v1/chat/messages?group_id={id}")).await;
    let body = json!({"room_id": number.number()});
    ok(user.at(0, Method::POST, "/api/chat/history/room").json(&body).send().await).await;
}

#[tokio::test]
async fn what_shows_nothing_new_writes_nothing() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|config| config.limits.receipt_members = 2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    world.user(0, "carol").await;
    let group = alice.make_group(0, "small", &["bob"]).await;
    let direct = alice.open_direct(0, "bob").await;
    let mut socket = world.webchat(0, &bob, "").await;
    for (room, name) in
        [(group, "a group"), (direct, "a direct room"), (1, "the global room"), (group, "a grown group")]
    {
        let id = room_id(room);
        redis.read();
        if name == "a grown group" {
            // Was read while it was small, and is too large for receipts from now on.
            let body = json!({"username": "carol"});
            assert_eq!(alice.ask(0, &format!("/api/v1/rooms/{group}/members"), &body).await.0, 201);
        }
        let sent = alice.send(0, &id, "news").await;
        let pushed = socket.next_of("new_message").await;
        assert_eq!(pushed["payload"]["room_id"], room);
        if room != 1 {
            let delivered = format!("{}{{r:{room}}}:got", world.config.redis.prefix);
            let notes = |command: &Command| command.name == "evalsha" && command.arguments.contains(&delivered);
            let is_noted = async || redis.read().iter().any(notes);
            eventually("the delivery is noted", is_noted).await;
        }
        let after = sent["id"].as_str().expect("an id");
        let fetch = json!({"type": "fetch_history", "payload": {"room_id": room}});
        let cost = redis
            .cost(&bob, async || {
                for _ in 0..3 {
                    read_in_every_way(&bob, &id, after).await;
                    socket.send(&fetch).await;
                    socket.next_of("message_history").await;
                }
            })
            .await;
        assert_eq!(writes(cost), BTreeMap::new(), "{name}");
    }
    world.stop().await;
}

#[tokio::test]
async fn lists_of_ones_own_cost_two_round_trips_however_many_rooms() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let alice = world.user(0, "alice").await;
    for number in 0..20 {
        world.user(0, &format!("user{number}")).await;
        let room = alice.open_direct(0, &format!("user{number}")).await;
        alice.send(0, &room_id(room), "hello").await;
        alice.make_group(0, &number.to_string(), &[]).await;
    }
    let cost_of = async |path: &str| redis.cost(&alice, async || drop(alice.get_json(0, path).await)).await;
    for path in ["/api/v1/conversations", "/api/v1/rooms"] {
        let cost = cost_of(path).await;
        // The list, the rooms that it may lack, and the read cursors.
        assert_eq!((cost.round_trips, cost.commands["zrange"]), (2, 3), "{path}");
    }
    let group = alice.make_group(0, "read", &[]).await;
    let id = room_id(group);
    alice.send(0, &id, "hello").await;
    let history = json!({"room_id": group});
    let ask = async || drop(alice.ask(0, "/api/chat/history/room", &history).await);
    assert_eq!(redis.cost(&alice, ask).await.round_trips, 1);
    assert_eq!(cost_of(&format!("/api/v1/chat/messages?group_id={id}")).await.round_trips, 1);
    assert_eq!(cost_of(&format!("/api/v1/rooms/{group}/members")).await.round_trips, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_send_is_one_script_in_groups_and_direct_rooms_of_every_document() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, _bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = room_id(alice.make_group(0, "small", &["bob"]).await);
    // In a group, membership is checked instead of joining; the rest is as in a public room.
    let inside =
        [("hmget", 1), ("time", 1), ("get", 1), ("set", 1), ("zscore", 1), ("xadd", 1), ("hset", 1), ("publish", 1)];
    let mut expected = only(&inside);
    expected.extend(only(&[("evalsha", 1)]));
    let by_group = json!({"type": "text", "content": "x", "group_id": group});
    let by_user = json!({"type": "text", "content": "x", "receiver_id": "2"});
    for body in [by_group, by_user] {
        let send = async || drop(ok(alice.at(0, Method::POST, "/api/v1/chat/message").json(&body).send().await).await);
        let mut cost = redis.cost(&alice, send).await;
        // Once a second.
        assert!(cost.commands.remove("pexpire").unwrap_or(0) <= 1);
        assert_eq!((&cost.commands, cost.round_trips), (&expected, 1), "{body}");
    }
    world.stop().await;
}

#[tokio::test]
async fn changes_of_members_and_marks_cost_what_they_must() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "small", &[]).await;
    let path = format!("/api/v1/rooms/{group}/members");
    let add = async || assert_eq!(alice.ask(0, &path, &json!({"username": "bob"})).await.0, 201);
    let remove = async || {
        let answer = answered(alice.at(0, Method::DELETE, &format!("{path}/2")).send().await).await;
        assert_eq!(answer.0, 200);
    };
    add().await;
    remove().await;
    record_activity(&alice).await;
    let Cost { commands: adding, round_trips } = redis.cost_now(add).await;
    assert_eq!((adding["evalsha"], adding["xadd"]), (2, 1), "{adding:?}");
    assert_eq!(
        round_trips,
        3 + 3,
        "one reserves a place in the user's list, one reads blocks, two look up the account"
    );
    let Cost { commands: removing, round_trips } = redis.cost_now(remove).await;
    assert_eq!((removing["evalsha"], removing["xadd"], removing["zrem"]), (1, 1, 2), "{removing:?}");
    assert_eq!(round_trips, 1 + 2, "one looks up the name");

    // A page with new messages is marked as read by one script besides the read.
    add().await;
    let id = room_id(group);
    bob.read(0, &format!("messages?room_id={id}")).await;
    alice.send(0, &id, "news").await;
    record_activity(&bob).await;
    let read = async || {
        let page: Value = bob.read(0, &format!("messages?room_id={id}")).await;
        assert_eq!(page[0]["content"], "news");
    };
    let reading = redis.cost_now(read).await.commands;
    assert_eq!((reading["evalsha"], reading["zadd"], reading["hset"]), (1, 1, 1), "{reading:?}");
    world.stop().await;
}
