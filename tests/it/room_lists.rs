//! The list of rooms: what callers share and what they do not, and limits of the number of members.

use reqwest::Method;
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::support::{Redis, User, World, eventually, ok, shared_redis};

/// The listed room with this id.
async fn listed(user: &User<'_>, node: usize, id: &str) -> Option<Value> {
    let rooms = user.read(node, "rooms").await;
    rooms.as_array().expect("a list").iter().find(|room| room["id"] == id).cloned()
}

async fn members(user: &User<'_>, node: usize, id: &str) -> Value {
    listed(user, node, id).await.expect("listed")["members"].clone()
}

/// Adds members to a room behind the server's back.
fn enlarge(redis: &mut redis::Connection, prefix: &str, room: u64, users: std::ops::Range<u64>) {
    let mut pipeline = redis::pipe();
    for user in users {
        pipeline
            .cmd("ZADD")
            .arg(format!("{prefix}{{r:{room}}}:members"))
            .arg(4_000_000_000_000_u64 + user)
            .arg(user)
            .ignore();
    }
    pipeline.exec(redis).expect("stored");
}

#[tokio::test]
async fn callers_share_what_is_read_of_public_rooms() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    for number in 0..20 {
        alice.make_room(0, &number.to_string()).await;
    }
    enlarge(&mut redis.connection(), &world.config.redis.prefix, 1, 1000..6000);
    // On a busy machine a reading may be too old by the time of the next.
    eventually("another caller reads no card", async || {
        alice.read(0, "rooms").await;
        let cost = redis.cost_now(async || drop(bob.read(0, "rooms").await)).await;
        // One range is of the caller's own list.
        cost.round_trips == 2 && cost.commands["zrange"] == 1 && !cost.commands.contains_key("evalsha")
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn own_changes_and_new_messages_show_at_once() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "first").await;
    for _ in 0..3 {
        // The node has just read the card.
        assert_eq!(members(&bob, 0, &room).await, json!([1]));
        assert_eq!(members(&alice, 0, &room).await, json!([1]));
        ok(bob.post(1, &format!("rooms/{room}/join")).send().await).await;
        assert_eq!(members(&bob, 0, &room).await, json!([1, 2]));
        assert_eq!(members(&alice, 0, &room).await, json!([1, 2]));
        let sent = alice.send(1, &room, "hello").await;
        let card = listed(&bob, 0, &room).await.expect("listed");
        assert_eq!(card["last_message"]["content"], "hello");
        let path = format!("messages/{}?room_id={room}", sent["id"].as_str().expect("an id"));
        ok(alice.request(1, Method::DELETE, &path).send().await).await;
        let card = listed(&bob, 0, &room).await.expect("listed");
        assert_eq!(card["last_message"]["content"], "bob 加入了聊天室", "a deleted message is nowhere");
        ok(bob.post(0, &format!("rooms/{room}/leave")).send().await).await;
        assert_eq!(members(&bob, 0, &room).await, json!([1]));
    }
    let new = bob.make_room(1, "second").await;
    assert_eq!(members(&bob, 0, &new).await, json!([2]));
    assert_eq!(members(&alice, 0, &new).await, json!([2]));
    world.stop().await;
}

#[tokio::test]
async fn the_caller_is_right_even_in_a_large_room() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.limits.members_answered = 300).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "large").await;
    let number: chinwag::domain::RoomId = room.parse().expect("an id");
    enlarge(&mut redis.connection(), &world.config.redis.prefix, number.number().into(), 1000..6000);
    let has = |list: &Value, user: u64| list.as_array().expect("a list").contains(&json!(user));
    for _ in 0..2 {
        assert!(!has(&members(&bob, 0, &room).await, 2));
        ok(bob.post(0, &format!("rooms/{room}/join")).send().await).await;
        assert!(has(&members(&bob, 0, &room).await, 2), "joined just now");
        assert!(has(&members(&alice, 0, &room).await, 1));
        ok(bob.post(0, &format!("rooms/{room}/leave")).send().await).await;
        assert!(!has(&members(&bob, 0, &room).await, 2), "left just now");
    }
    world.stop().await;
}

#[tokio::test]
async fn members_are_bounded_over_the_whole_answer_and_small_rooms_stay_whole() {
    const ANSWERED: usize = 500;
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.limits.members_answered = ANSWERED).await;
    let alice = world.user(0, "alice").await;
    let prefix = world.config.redis.prefix.clone();
    let mut connection = redis.connection();
    let mut large = Vec::new();
    for number in 0..6 {
        let id = match number % 2 {
            0 => alice.make_room(0, &number.to_string()).await,
            _ => crate::support::room_id(alice.make_group(0, &number.to_string(), &[]).await),
        };
        let room: chinwag::domain::RoomId = id.parse().expect("an id");
        if number < 4 {
            enlarge(&mut connection, &prefix, room.number().into(), 1000..2000);
            large.push(id);
        }
    }
    let rooms = alice.read(0, "rooms").await;
    let rooms = rooms.as_array().expect("a list");
    let counts: Vec<usize> = rooms.iter().map(|room| room["members"].as_array().expect("a list").len()).collect();
    assert!(counts.iter().sum::<usize>() <= ANSWERED, "{counts:?}");
    for (room, count) in rooms.iter().zip(&counts) {
        let is_large = large.iter().any(|id| room["id"] == id.as_str());
        assert!(if is_large { *count >= 100 } else { *count == 1 }, "{}: {count}", room["id"]);
        assert!(room["members"].as_array().expect("a list").contains(&json!(1)), "{room}");
    }
    // A page of one room has room for more of them.
    let cursor: chinwag::domain::RoomId = large[0].parse().expect("an id");
    let page = alice.read(0, &format!("rooms?limit=1&cursor={}", cursor.number() - 1)).await;
    assert_eq!(page[0]["members"].as_array().map(Vec::len), Some(ANSWERED));
    world.stop().await;
}

#[tokio::test]
async fn groups_are_shown_to_members_only_whoever_listed_before() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let public = alice.make_room(0, "public").await;
    let group = crate::support::room_id(alice.make_group(0, "closed", &[]).await);
    let direct = crate::support::room_id(alice.open_direct(0, "bob").await);
    for _ in 0..3 {
        assert!(listed(&alice, 0, &group).await.is_some());
        assert!(listed(&bob, 0, &group).await.is_none());
        for user in [&alice, &bob] {
            assert!(listed(user, 0, &direct).await.is_none());
            assert!(listed(user, 0, &public).await.is_some());
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_long_list_arrives_whole_and_in_pages() {
    const ROOMS: usize = 230;
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let alice = world.user(0, "alice").await;
    let mut made = vec!["global".to_owned()];
    for number in 0..ROOMS {
        let form =
            reqwest::multipart::Form::new().text("room_name", number.to_string()).text("description", "述".repeat(300));
        let room = ok(alice.post(0, "rooms").multipart(form).send().await).await;
        made.push(room["room_id"].as_str().expect("an id").to_owned());
    }
    let ids = |rooms: &Value| -> Vec<String> {
        rooms.as_array().expect("a list").iter().map(|room| room["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&alice.read(0, "rooms").await), made);
    let (mut seen, mut path) = (Vec::new(), "rooms?limit=60".to_owned());
    loop {
        let answer = alice.get(0, &path).send().await.expect("answered");
        let next = answer.headers().get("x-next-cursor").map(|cursor| cursor.to_str().expect("text").to_owned());
        seen.extend(ids(&answer.json().await.expect("JSON")));
        match next {
            Some(cursor) => path = format!("rooms?limit=60&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    world.stop().await;
}
