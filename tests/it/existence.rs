//! Nobody learns from the cost of a refusal that a closed room exists: Redis does for it exactly what it does for a room that
//! does not exist.

use std::collections::BTreeMap;

use chinwag::domain::{EntryId, MessageId, RoomId, Seq};
use reqwest::Method;
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::support::{User, room_id};

/// A room that does not exist.
const NOWHERE: u64 = 77_777;

/// Every request that names a room.
fn requests(room: u64) -> Vec<(Method, String, Value)> {
    let id = room_id(room);
    let at = MessageId {
        room: RoomId::new(room.try_into().expect("small")).expect("not zero"),
        entry: EntryId { seq: Seq(1), at_ms: 0 },
    };
    let (get, post) =
        (|path: String| (Method::GET, path, Value::Null), |path: String, body| (Method::POST, path, body));
    vec![
        post(format!("/api/chat/send?room_id={id}"), json!({"message_type": "text", "content": "x"})),
        get(format!("/api/chat/messages?room_id={id}")),
        get(format!("/api/chat/messages?room_id={id}&limit=100&after={}", at.to_uuid())),
        (Method::DELETE, format!("/api/chat/messages/{}?room_id={id}", at.to_uuid()), Value::Null),
        post(format!("/api/chat/rooms/{id}/join"), Value::Null),
        post(format!("/api/chat/rooms/{id}/leave"), Value::Null),
        post("/api/chat/history/room".to_owned(), json!({"room_id": room, "page_size": 1000})),
        post("/api/chat/message/status".to_owned(), json!({"message_id": at.to_integer()})),
        post("/api/v1/chat/message".to_owned(), json!({"type": "text", "content": "x", "group_id": id})),
        get(format!("/api/v1/chat/messages?group_id={id}&limit=1000")),
        post(format!("/api/v1/group/{id}/members"), json!({"user_id": "2"})),
        get(format!("/api/v1/rooms/{room}/members")),
        post(format!("/api/v1/rooms/{room}/members"), json!({"username": "bob"})),
        (Method::DELETE, format!("/api/v1/rooms/{room}/members/1"), Value::Null),
        (Method::PUT, format!("/api/v1/rooms/{room}/members/1"), json!({"role": "admin"})),
        get(format!("/api/v1/search?kind=message&q=x&room_id={room}")),
    ]
}

/// The cost of each request and its status.
async fn costs(redis: &LoggedRedis, user: &User<'_>, room: u64) -> Vec<(String, u16, BTreeMap<String, u64>, u64)> {
    let mut costs = Vec::new();
    for (method, path, body) in requests(room) {
        let mut status = 0;
        let cost = redis.cost_now(async || {
            let request = user.at(0, method.clone(), &path);
            let request = if body.is_null() { request } else { request.json(&body) };
            status = request.send().await.expect("answered").status().as_u16();
        });
        let cost = cost.await;
        let route = format!("{method} {}", path.split('?').next().unwrap_or_default());
        costs.push((
            route.replace(&room_id(room), "ROOM").replace(&room.to_string(), "ROOM"),
            status,
            cost.commands,
            cost.round_trips,
        ));
    }
    costs
}

#[tokio::test]
async fn a_closed_room_costs_a_stranger_what_a_missing_one_costs() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|config| config.limits.enabled = false).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let carol = world.user(0, "carol").await;
    let (group, direct) = (alice.make_group(0, "closed", &["bob"]).await, alice.open_direct(0, "bob").await);
    for room in [group, direct] {
        for number in 0..30 {
            alice.send(0, &room_id(room), &number.to_string()).await;
        }
    }
    // Once per node: names, activity, the caller's account.
    costs(&redis, &carol, NOWHERE + 1).await;
    let missing = costs(&redis, &carol, NOWHERE).await;
    for (route, status, commands, _) in &missing {
        assert_eq!(*status, 404, "{route}");
        for read in ["xrange", "xrevrange", "zrange", "smembers"] {
            assert!(!commands.contains_key(read), "{route} reads {read}");
        }
        // Accounts are read to see whether the caller may delete anything, and for the user with a name.
        let reads_account = route.starts_with("DELETE /api/chat") || route == "POST /api/v1/rooms/ROOM/members";
        assert!(!commands.contains_key("hgetall") || reads_account, "{route}");
    }
    for room in [group, direct] {
        for (closed, missing) in costs(&redis, &carol, room).await.iter().zip(&missing) {
            assert_eq!((closed.1, &closed.2, closed.3), (missing.1, &missing.2, missing.3), "{}", closed.0);
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn who_was_removed_is_refused_like_a_stranger_from_then_on() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "closed", &["bob"]).await;
    let id = room_id(group);
    bob.send(0, &id, "x").await;
    let path = format!("/api/chat/messages?room_id={id}");
    assert_eq!(bob.get_json(0, &path).await.as_array().map(Vec::len), Some(3));
    let removed = alice.at(0, Method::DELETE, &format!("/api/v1/rooms/{group}/members/2")).send().await;
    assert_eq!(removed.expect("answered").status().as_u16(), 200);
    for _ in 0..2 {
        assert_eq!(bob.at(0, Method::GET, &path).send().await.expect("answered").status().as_u16(), 404);
    }
    let read = redis.cost_now(async || drop(bob.at(0, Method::GET, &path).send().await)).await;
    assert!(!read.commands.contains_key("xrevrange"), "{read:?}");
    world.stop().await;
}
