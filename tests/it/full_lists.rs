//! A user is in a limited number of rooms, and creates a limited number of them in a day, however they come about.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{Redis, User, World, answered, eventually, ok, room_id, shared_redis};

/// Maximum number of rooms per user in these tests.
const MOST: u64 = 3;

async fn limited(per_user: u64, made_daily: u64) -> World {
    World::start_with(2, shared_redis(), |config| {
        config.limits.rooms_per_user = per_user;
        config.limits.rooms_made_daily = made_daily;
    })
    .await
}

/// Number of a user's rooms, `global` aside.
async fn rooms(user: &User<'_>) -> usize {
    user.get_json(0, "/api/v1/rooms").await.as_array().expect("a list").len() - 1
}

async fn status(user: &User<'_>, method: Method, path: &str, body: Value) -> u16 {
    user.at(0, method, path).json(&body).send().await.expect("answered").status().as_u16()
}

/// Every way to bring a user into one more room. `owner` owns the room, `full` is user 1.
async fn ways_into(owner: &User<'_>, full: &User<'_>, public: &str, group: u64) -> Vec<(&'static str, u16)> {
    let id = room_id(group);
    let post = Method::POST;
    let text = json!({"message_type": "text", "content": "x"});
    let to_owner = json!({"type": "text", "content": "x", "receiver_id": "2"});
    let to_full = json!({"type": "text", "content": "x", "receiver_id": "1"});
    vec![
        ("join", status(full, post.clone(), &format!("/api/chat/rooms/{public}/join"), Value::Null).await),
        ("send", status(full, post.clone(), &format!("/api/chat/send?room_id={public}"), text).await),
        ("make a public room", {
            let form = reqwest::multipart::Form::new().text("room_name", "new");
            full.post(0, "rooms").multipart(form).send().await.expect("answered").status().as_u16()
        }),
        ("make a group", status(full, post.clone(), "/api/v1/rooms", json!({"name": "new"})).await),
        ("make a group of 001", status(full, post.clone(), "/api/v1/group", json!({"name": "new"})).await),
        ("open a direct room", {
            let body = json!({"is_private": true, "username": "owner"});
            status(full, post.clone(), "/api/v1/rooms", body).await
        }),
        ("write to a user", status(full, post.clone(), "/api/v1/chat/message", to_owner).await),
        ("be written to", status(owner, post.clone(), "/api/v1/chat/message", to_full).await),
        ("be added", {
            let path = format!("/api/v1/rooms/{group}/members");
            status(owner, post.clone(), &path, json!({"username": "full"})).await
        }),
        ("be added by 001", {
            status(owner, post, &format!("/api/v1/group/{id}/members"), json!({"user_id": "1"})).await
        }),
    ]
}

#[tokio::test]
async fn a_full_list_takes_no_room_whichever_way_it_comes() {
    let world = limited(MOST, 0).await;
    let (full, owner) = (world.user(0, "full").await, world.user(1, "owner").await);
    let (public, group) = (owner.make_room(0, "public").await, owner.make_group(0, "group", &[]).await);
    let mut own = Vec::new();
    for number in 0..MOST {
        own.push(full.make_room(0, &number.to_string()).await);
    }
    for (way, status) in ways_into(&owner, &full, &public, group).await {
        assert_eq!(status, 429, "{way}");
        assert_eq!(rooms(&full).await, 3, "{way}");
    }
    assert_eq!(rooms(&owner).await, 2, "nothing is left of what was refused");
    // The refusal says what is wrong, and when to come back.
    let refusal = full.post(0, &format!("rooms/{public}/join")).send().await.expect("answered");
    assert!(refusal.headers().contains_key("retry-after"));
    let body: Value = refusal.json().await.expect("JSON");
    assert_eq!(body, json!({"detail": "加入的聊天室数量已达上限"}));
    let mut socket = world.webchat(0, &full, "ext=1").await;
    let number: chinwag::domain::RoomId = public.parse().expect("an id");
    socket.send(&json!({"type": "join_room", "payload": {"room_id": number.number()}})).await;
    assert_eq!(socket.next_of("error").await["payload"]["code"], "too_many_rooms");

    // Rooms of a full list go on.
    full.send(0, &own[0], "x").await;
    assert_eq!(answered(full.post(0, &format!("rooms/{}/join", own[0])).send().await).await.0, 200, "joining again");
    // Leaving one makes room for one.
    ok(full.post(0, &format!("rooms/{}/leave", own[0])).send().await).await;
    ok(full.post(1, &format!("rooms/{public}/join")).send().await).await;
    assert_eq!(answered(full.post(0, &format!("rooms/{}/join", own[0])).send().await).await.0, 429);
    world.stop().await;
}

#[tokio::test]
async fn joins_at_once_do_not_exceed_the_limit() {
    let world = limited(MOST, 0).await;
    let (full, owner) = (world.user(0, "full").await, world.user(1, "owner").await);
    let others = [&owner, &world.user(0, "carol").await, &world.user(0, "dave").await, &world.user(0, "erin").await];
    let mut public = Vec::new();
    for other in others {
        for number in 0..2 {
            public.push(other.make_room(0, &number.to_string()).await);
        }
    }
    let join = |(index, room): (usize, &String)| full.post(index % 2, &format!("rooms/{room}/join")).send();
    let answers = join_all(public.iter().enumerate().map(join)).await;
    let joined = answers.into_iter().filter(|it| it.as_ref().is_ok_and(|it| it.status() == 200)).count();
    assert_eq!((joined, rooms(&full).await), (3, 3));
    world.stop().await;
}

#[tokio::test]
async fn rooms_made_in_a_day_are_limited_across_nodes() {
    let world = limited(0, 4).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    alice.make_room(0, "public").await;
    alice.make_group(1, "group", &[]).await;
    alice.open_direct(0, "bob").await;
    alice.open_direct(1, "bob").await; // the same one again
    assert_eq!(alice.ask(1, "/api/v1/group", &json!({"name": "group"})).await.0, 200);
    let post = Method::POST;
    for (path, body) in [("/api/v1/rooms", json!({"name": "one more"})), ("/api/v1/group", json!({"name": "one more"}))]
    {
        let refusal = alice.at(0, post.clone(), path).json(&body).send().await.expect("answered");
        assert_eq!(refusal.status().as_u16(), 429, "{path}");
        let wait = refusal.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        assert!(wait.is_some_and(|secs| secs > 23 * 60 * 60), "{wait:?}");
    }
    // Others make theirs, and one is added and joins as before.
    let group = bob.make_group(0, "of bob", &["alice"]).await;
    alice.send(0, &room_id(group), "x").await;
    let room = bob.make_room(0, "public of bob").await;
    alice.send(0, &room, "x").await;
    world.stop().await;
}

#[tokio::test]
async fn without_limits_there_is_none() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.limits.enabled = false;
        config.limits.rooms_per_user = 1;
        config.limits.rooms_made_daily = 1;
    })
    .await;
    let alice = world.user(0, "alice").await;
    for number in 0..5 {
        alice.make_group(0, &number.to_string(), &[]).await;
    }
    assert_eq!(rooms(&alice).await, 5);
    world.stop().await;
}

/// A list of rooms from before there was a limit.
#[tokio::test]
async fn a_user_with_a_very_long_list_connects_and_lists() {
    const LISTED: u32 = 5000;
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.limits.rooms_per_user = 50).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let direct = alice.open_direct(0, "bob").await;
    let prefix = &world.config.redis.prefix;
    let mut connection = redis.connection();
    let mut pipeline = redis::pipe();
    for number in 1000..1000 + LISTED {
        let room = format!("{prefix}{{r:{number}}}");
        pipeline.cmd("HSET").arg(&room).arg(&["kind", "group", "number", &number.to_string(), "name", "g"]).ignore();
        pipeline
            .cmd("HSET")
            .arg(&room)
            .arg(&["description", "", "owner", "9", "created", "1", "seq", "0", "ms", "1"])
            .ignore();
        pipeline.cmd("ZADD").arg(format!("{room}:members")).arg(1).arg(1).ignore();
        pipeline.cmd("ZADD").arg(format!("{prefix}{{u:1}}:rooms")).arg(1).arg(number).ignore();
    }
    pipeline.exec(&mut connection).expect("stored");
    let mut socket = world.webchat(0, &alice, "").await;
    bob.send(0, &room_id(direct), "hello").await;
    assert_eq!(socket.next_of("new_message").await["payload"]["content"], "hello", "direct rooms do not give way");
    let listed = alice.get_json(0, "/api/v1/rooms").await;
    let listed = listed.as_array().expect("a list");
    assert!((50..=102).contains(&listed.len()), "{}", listed.len());
    assert!(listed.iter().any(|room| room["id"] == direct) && listed.iter().any(|room| room["id"] == 1));
    let listed = alice.read(0, "rooms").await;
    assert!(listed.as_array().is_some_and(|rooms| (50..=52).contains(&rooms.len())));
    assert_eq!(answered(bob.post(0, "heartbeat").send().await).await.0, 200);
    drop::<Socket>(socket);
    eventually("the socket is gone", async || {
        let text =
            world.client.get(world.url(0, "/metrics")).send().await.expect("answered").text().await.expect("text");
        !text.contains("chinwag_sockets_open{dialect=\"webchat\"} 1")
    })
    .await;
    world.stop().await;
}
