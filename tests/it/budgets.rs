//! Redis commands per operation, counted by Redis itself, so that a budget cannot rot.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::support::{Redis, User, World, eventually, ok};

/// Calls by command since the last reset; what scripts call inside is counted as well, which is why round
/// trips are counted by what clients send: everything but the calls of a script.
pub fn calls(redis: &Redis) -> BTreeMap<String, u64> {
    let mut connection = redis.connection();
    let info: String = redis::cmd("INFO").arg("commandstats").query(&mut connection).expect("read");
    info.lines()
        .filter_map(|line| {
            let (name, metrics) = line.strip_prefix("cmdstat_")?.split_once(':')?;
            let calls = metrics.strip_prefix("calls=")?.split(',').next()?.parse().ok()?;
            Some((name.to_owned(), calls))
        })
        // The probe of pub/sub and what this test itself sends.
        .filter(|(name, _)| {
            !matches!(name.as_str(), "publish" | "info" | "config|resetstat" | "client|setinfo" | "hello")
        })
        .collect()
}

pub fn reset(redis: &Redis) {
    let mut connection = redis.connection();
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut connection).expect("reset");
}

/// What `operation` costs when nothing is due beside it (activity was just written, day and room noted).
pub async fn cost(redis: &Redis, operation: impl AsyncFn()) -> BTreeMap<String, u64> {
    operation().await;
    reset(redis);
    operation().await;
    calls(redis)
}

pub fn only(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect()
}

async fn world_with_user_and_room(redis: &Redis) -> World {
    World::start_with(1, &redis.url(), |_| {}).await
}

#[tokio::test]
async fn a_send_is_one_script_and_one_counter() {
    let redis = Redis::start(&[]);
    let world = world_with_user_and_room(&redis).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "a").await;
    let cost = cost(&redis, async || drop(user.send(0, &room, "x").await)).await;
    // Besides evalsha and incr all are calls of the script: eight, as in design and measurement.
    let inside = [("hmget", 1), ("time", 1), ("get", 1), ("set", 1), ("zadd", 1), ("xadd", 1), ("hset", 1)];
    let mut expected = only(&inside);
    expected.extend(only(&[("evalsha", 1), ("incr", 1)]));
    assert_eq!(cost, expected);
    world.stop().await;
}

#[tokio::test]
async fn reading_costs_one_round_trip() {
    let redis = Redis::start(&[]);
    let world = world_with_user_and_room(&redis).await;
    let user = world.user(0, "alice").await;
    for number in 0..60 {
        user.send(0, "global", &number.to_string()).await;
    }
    let page = cost(&redis, async || drop(user.read(0, "messages").await)).await;
    // Membership and what the user has read before: the first page marks it, the second finds it marked.
    assert_eq!(page, only(&[("hmget", 1), ("zscore", 2), ("xrevrange", 1), ("hkeys", 1)]));
    let stats = cost(&redis, async || drop(user.read(0, "stats").await)).await;
    assert_eq!(stats, only(&[("get", 1), ("zcount", 17)]));
    let heartbeat = cost(&redis, async || drop(ok(user.post(0, "heartbeat").send().await).await)).await;
    assert_eq!(heartbeat, only(&[("zadd", 1), ("hset", 1)]));
    // The first request of a user after a while writes once as well, not twice.
    let fresh = world.log_in(0, "alice", "password").await;
    reset(&redis);
    ok(fresh.post(0, "heartbeat").send().await).await;
    assert_eq!(calls(&redis)["zadd"], 1);
    let ip = cost(&redis, async || drop(user.read(0, "user-ip/1").await)).await;
    assert_eq!(ip, only(&[("zscore", 1), ("hget", 1)]));
    world.stop().await;
}

#[tokio::test]
async fn a_poll_with_nothing_new_costs_nothing() {
    let redis = Redis::start(&[]);
    let world = world_with_user_and_room(&redis).await;
    let user = world.user(0, "alice").await;
    let last = user.send(0, "global", "x").await["id"].as_str().expect("an id").to_owned();
    let poll = async || drop(user.read(0, &format!("messages?after={last}")).await);
    eventually("the node follows the room", async || cost(&redis, poll).await.is_empty()).await;
    world.stop().await;
}

#[tokio::test]
async fn lists_cost_two_round_trips_whatever_their_length() {
    let redis = Redis::start(&[]);
    let world = world_with_user_and_room(&redis).await;
    let user = world.user(0, "alice").await;
    for number in 0..30 {
        user.make_room(0, &number.to_string()).await;
    }
    for number in 0..20 {
        world.user(0, &format!("user{number}")).await.read(0, "stats").await;
    }
    let rooms = cost(&redis, async || drop(user.read(0, "rooms").await)).await;
    assert_eq!((rooms["zrangebyscore"], rooms["evalsha"]), (2, 31), "{rooms:?}");
    let online = cost(&redis, async || drop(user.read(0, "online-users").await)).await;
    assert_eq!(online, only(&[("zrange", 16), ("hmget", 21)]));
    assert_eq!(round_trips(&redis, &user, "rooms").await, 2);
    assert_eq!(round_trips(&redis, &user, "online-users").await, 2);
    assert_eq!(round_trips(&redis, &user, "messages").await, 1);
    assert_eq!(round_trips(&redis, &user, "stats").await, 1);
    world.stop().await;
}

/// How often Redis read from a client during one request, less what it reads when nothing is asked. A
/// pipeline of ordinary size is one read.
async fn round_trips(redis: &Redis, user: &User<'_>, path: &str) -> u64 {
    round_trips_of(redis, async || drop(user.read(0, path).await)).await
}

/// The same for any operation.
pub async fn round_trips_of(redis: &Redis, operation: impl AsyncFn()) -> u64 {
    let reads = || -> u64 {
        let info: String = redis::cmd("INFO").arg("stats").query(&mut redis.connection()).expect("read");
        let line = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        line.and_then(|figure| figure.parse().ok()).expect("a figure")
    };
    operation().await;
    // The probe of pub/sub adds to some tries, of the operation and of asking alone; the least of each has none.
    let (mut asking, mut operating) = (u64::MAX, u64::MAX);
    for _ in 0..20 {
        let (before, idle) = (reads(), reads());
        operation().await;
        asking = asking.min(idle - before);
        operating = operating.min(reads() - idle);
    }
    operating - asking
}

#[tokio::test]
async fn a_deletion_is_one_script() {
    let redis = Redis::start(&[]);
    let world = world_with_user_and_room(&redis).await;
    let user = world.user(0, "alice").await;
    let body = json!({"message_type": "text", "content": "x"});
    let first = ok(user.post(0, "send").json(&body).send().await).await["id"].as_str().expect("an id").to_owned();
    reset(&redis);
    ok(user.request(0, Method::DELETE, &format!("messages/{first}")).send().await).await;
    assert_eq!(calls(&redis)["evalsha"], 1);
    world.stop().await;
}
