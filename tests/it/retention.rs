//! How long Redis keeps a room's log: a week after its last message, and not longer.

use std::time::Instant;

use redis::Connection;
use reqwest::Method;

use crate::command_log::LoggedRedis;
use crate::support::{World, ok, shared_redis};

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// A renewal is at most a second old. The rest is for a busy machine.
const RENEWED_MS: i64 = WEEK_MS - 1000 - 20_000;

fn connection() -> Connection {
    redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("Redis answers")
}

fn lifetime(connection: &mut Connection, key: &str) -> i64 {
    redis::cmd("PTTL").arg(key).query(connection).expect("read")
}

#[tokio::test]
async fn a_log_lives_a_week_after_each_message_and_never_longer() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "a").await;
    let (mut connection, prefix) = (connection(), &world.config.redis.prefix);
    let (state, log) = (format!("{prefix}{{r:2}}"), format!("{prefix}{{r:2}}:log"));
    for _ in 0..3 {
        user.send(0, &room, "x").await;
        assert!((RENEWED_MS..=WEEK_MS).contains(&lifetime(&mut connection, &log)));
    }
    // As if the last message had been sent ten minutes ago.
    let (ten_minutes_ms, now_ms) = (600_000, jiff::Timestamp::now().as_millisecond());
    redis::cmd("HSET").arg(&state).arg("swept").arg(now_ms - ten_minutes_ms).exec(&mut connection).expect("written");
    redis::cmd("PEXPIRE").arg(&log).arg(WEEK_MS - ten_minutes_ms).exec(&mut connection).expect("written");
    user.send(0, &room, "x").await;
    assert!((RENEWED_MS..=WEEK_MS).contains(&lifetime(&mut connection, &log)));
    world.stop().await;
}

#[tokio::test]
async fn a_deletion_outlives_the_message_that_it_hides() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let sent = user.send(0, "global", "x").await;
    let path = format!("messages/{}", sent["id"].as_str().expect("an id"));
    ok(user.request(0, Method::DELETE, &path).send().await).await;
    user.send(0, "global", "y").await;
    let (mut connection, prefix) = (connection(), &world.config.redis.prefix);
    let log = lifetime(&mut connection, &format!("{prefix}{{r:1}}:log"));
    let deletions = lifetime(&mut connection, &format!("{prefix}{{r:1}}:gone"));
    assert!(deletions > log + 1000, "{deletions} and {log}");
    world.stop().await;
}

#[tokio::test]
async fn a_busy_room_renews_its_log_once_a_second() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|config| config.limits.enabled = false).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "a").await;
    user.send(0, &room, "x").await;
    let started = Instant::now();
    let cost = redis
        .cost(&user, async || {
            for _ in 0..200 {
                user.send(0, &room, "x").await;
            }
        })
        .await;
    let renewals = cost.commands.get("pexpire").copied().unwrap_or(0);
    let seconds = started.elapsed().as_secs() + 1;
    assert!(renewals <= seconds, "{renewals} renewals in {seconds} seconds");
    assert_eq!((cost.commands["evalsha"], cost.commands["xadd"]), (200, 200));
    world.stop().await;
}
