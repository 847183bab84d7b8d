//! How client ids are remembered in Redis: for a day at least, in little memory, and beside nodes of the previous version.

use redis::{Commands, Connection};
use serde_json::{Value, json};

use crate::support::{Redis, User, World, answered, ok};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Sends a text to a room with a client id. Returns status and body.
async fn send(user: &User<'_>, room: &str, text: &str, id: &str) -> (u16, Value) {
    let body = json!({"message_type": "text", "content": text, "client_id": id});
    answered(user.post(0, &format!("send?room_id={room}")).json(&body).send().await).await
}

fn now_ms(redis: &mut Connection) -> u64 {
    let (secs, micros): (u64, u64) = redis::cmd("TIME").query(redis).expect("answered");
    secs * 1000 + micros / 1000
}

fn keys(redis: &mut Connection, pattern: &str) -> Vec<String> {
    let mut keys: Vec<String> = redis.keys(pattern).expect("answered");
    keys.sort();
    keys
}

/// A node on a Redis of its own, and the prefix of its keys.
async fn world(redis: &Redis) -> (World, String) {
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let prefix = world.config.redis.prefix.clone();
    (world, prefix)
}

/// Makes the current hash of client ids of a room as old as if the time had passed.
fn age(redis: &mut Connection, room: &str, ms: u64) {
    let since: u64 = redis.hget(room, "ids").expect("a time");
    let () = redis.hset(room, "ids", since - ms).expect("answered");
}

#[tokio::test]
async fn an_id_is_remembered_for_a_day_and_forgotten_after_two() {
    let server = Redis::start(&[]);
    let (world, prefix) = world(&server).await;
    let alice = world.user(0, "alice").await;
    let mut redis = server.connection();
    let room = format!("{prefix}{{r:1}}");
    let (_, first) = send(&alice, "global", "first", "a").await;
    let retry = async |text: &str| send(&alice, "global", text, "a").await;
    age(&mut redis, &room, 23 * HOUR_MS);
    assert_eq!(retry("first").await.1["id"], first["id"], "after 23 hours");
    assert_eq!(retry("another").await.0, 409);
    // The next id goes to the other hash.
    age(&mut redis, &room, 2 * HOUR_MS);
    let (_, second) = send(&alice, "global", "second", "b").await;
    assert_eq!(keys(&mut redis, "*:ids:*"), [format!("{room}:ids:1"), format!("{room}:ids:2")]);
    assert_eq!(retry("another").await.0, 409, "after 25 hours, in the former hash");
    assert_eq!(send(&alice, "global", "second", "b").await.1["id"], second["id"]);
    // And the one after that back to the first, without what it held.
    age(&mut redis, &room, 25 * HOUR_MS);
    send(&alice, "global", "third", "c").await;
    assert_eq!(redis.hlen::<_, u64>(format!("{room}:ids:2")).expect("answered"), 1);
    assert_eq!(send(&alice, "global", "another", "b").await.0, 409);
    assert_eq!(retry("another").await.0, 200, "forgotten after 50 hours");
    for hash in keys(&mut redis, "*:ids:*") {
        let ttl: u64 = redis.pttl(&hash).expect("answered");
        assert!((47 * HOUR_MS..=48 * HOUR_MS).contains(&ttl), "{hash}: {ttl}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_retry_finds_its_message_after_the_log_has_dropped_it() {
    let server = Redis::start(&[]);
    let (world, prefix) = world(&server).await;
    let alice = world.user(0, "alice").await;
    let (_, first) = send(&alice, "global", "first", "a").await;
    let mut redis = server.connection();
    let () =
        redis::cmd("XTRIM").arg(format!("{prefix}{{r:1}}:log")).arg(&["MAXLEN", "0"]).exec(&mut redis).expect("ok");
    let (status, again) = send(&alice, "global", "first", "a").await;
    assert_eq!((status, &again["id"], &again["timestamp"]), (200, &first["id"], &first["timestamp"]));
    world.stop().await;
}

#[tokio::test]
async fn only_ids_of_proxies_have_keys_of_their_own() {
    let server = Redis::start(&[]);
    let world = World::start_with(1, &server.url(), |config| {
        config.server.retry_header = "X-Request-Id".to_owned();
    })
    .await;
    let alice = world.user(0, "alice").await;
    let mut redis = server.connection();
    send(&alice, "global", "first", "a").await;
    assert_eq!(keys(&mut redis, "*:sent:*"), [] as [&str; 0]);
    let body = json!({"message_type": "text", "content": "second"});
    ok(alice.post(0, "send").header("X-Request-Id", "4bf92f35").json(&body).send().await).await;
    let of_proxies = keys(&mut redis, "*:sent:*");
    assert_eq!(of_proxies.len(), 1);
    assert!(redis.pttl::<_, u64>(&of_proxies[0]).expect("answered") <= 60_000);
    world.stop().await;
}

#[tokio::test]
async fn on_data_of_the_previous_version_ids_are_kept_both_ways_for_two_days() {
    let server = Redis::start(&[]);
    let (mut world, prefix) = world(&server).await;
    let mut redis = server.connection();
    let (global, sent) = (format!("{prefix}{{r:1}}"), format!("{prefix}{{r:1}}:sent:1:"));
    // As the previous version left it.
    let () = redis.hdel(&global, "ids_since").expect("answered");
    restart(&mut world).await;
    let alice = world.user(0, "alice").await;
    let (_, first) = send(&alice, "global", "first", "a").await;
    let of_new: String = redis.get(format!("{sent}a")).expect("an old node finds it");
    assert!(redis.pttl::<_, u64>(format!("{sent}a")).expect("answered") > 23 * HOUR_MS);
    // What an old node stored: the same message, known by another id.
    let () = redis.set(format!("{sent}b"), of_new).expect("answered");
    assert_eq!(send(&alice, "global", "first", "b").await.1["id"], first["id"]);
    assert_eq!(send(&alice, "global", "another", "b").await.0, 409);
    // Two days later.
    let since = now_ms(&mut redis) - 48 * HOUR_MS;
    let () = redis.hset(&global, "ids_since", since).expect("answered");
    restart(&mut world).await;
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    send(&alice, "global", "second", "c").await;
    assert!(!redis.exists::<_, bool>(format!("{sent}c")).expect("answered"));
    assert_eq!(send(&alice, "global", "first", "a").await.1["id"], first["id"]);
    world.stop().await;
}

async fn restart(world: &mut World) {
    world.nodes.pop().expect("a node").stop().await;
    world.add_node().await;
}
