//! Machines whose clocks differ, and a Redis whose clock is set back: nodes agree about the time all the same.

use chinwag::domain::Clock;
use reqwest::StatusCode;
use serde_json::json;

use crate::dashboard::operator;
use crate::support::{World, eventually, ok, shared_redis};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Longer than a token lives, a message is kept, and a user is online.
const LONG_MS: i64 = 10 * 24 * HOUR_MS;

/// Nodes on machines whose clocks are right, behind and ahead.
async fn world() -> World {
    let mut world = World::start(1).await;
    for error_ms in [-LONG_MS, LONG_MS] {
        world.add_node_with_clock(Clock::wrong_by(error_ms)).await;
    }
    world
}

#[tokio::test]
async fn a_token_works_at_once_on_nodes_with_other_clocks() {
    let world = world().await;
    for issuer in 0..3 {
        let user = world.user(issuer, &format!("user{issuer}")).await;
        for node in 0..3 {
            user.read(node, "stats").await;
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn nodes_with_other_clocks_show_the_same_users_and_messages() {
    let world = world().await;
    for node in 0..3 {
        let user = world.user(node, &format!("user{node}")).await;
        ok(user.post(node, "heartbeat").send().await).await;
        user.send(node, "global", &format!("from {node}")).await;
    }
    let reader = world.user(0, "reader").await;
    eventually("all messages are counted", async || reader.read(0, "stats").await["total_messages_today"] == 3).await;
    for node in 0..3 {
        assert_eq!(reader.texts(node, "").await, ["from 2", "from 1", "from 0"]);
        assert_eq!(reader.read(node, "stats").await["online_users_count"], 4);
        assert_eq!(reader.read(node, "stats").await["total_messages_today"], 3);
        let online = reader.read(node, "online-users").await;
        let now = jiff::Timestamp::now();
        for user in online.as_array().expect("a list") {
            let time: jiff::Timestamp = user["last_activity"].as_str().expect("a time").parse().expect("a time");
            assert!(now.duration_since(time).abs() < jiff::SignedDuration::from_mins(5), "{user}");
        }
        assert_eq!(online.as_array().map(Vec::len), Some(4));
        reader.read(node, "user-ip/1").await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_clock_that_differs_is_shown() {
    let mut world = World::start_with(0, shared_redis(), |config| config.stats.report_ms = 50).await;
    world.add_node_with_clock(Clock::wrong_by(HOUR_MS)).await;
    eventually("the difference is among the metrics", async || {
        let metrics = world.client.get(world.url(0, "/metrics")).send().await.expect("answered");
        let text = metrics.text().await.expect("a body");
        let line = text.lines().find_map(|line| line.strip_prefix("chinwag_clock_skew_seconds ")).expect("a gauge");
        let secs: f64 = line.parse().expect("a number");
        (secs - 3600.0).abs() < 60.0
    })
    .await;
    let operator = operator(&world).await;
    let shown = operator.metrics(0, "range=1h").await;
    let offset_ms = shown["nodes"][0]["clock_offset_ms"].as_i64().expect("a number");
    assert!((offset_ms + HOUR_MS).abs() < 60_000, "{offset_ms}");
    world.stop().await;
}

#[tokio::test]
async fn a_rate_from_the_future_holds_a_sender_up_for_one_interval_at_most() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    // As if Redis' clock had been set back by an hour since the last message.
    let key = format!("{}{{r:1}}:rate:1", world.config.redis.prefix);
    let in_an_hour = jiff::Timestamp::now().as_millisecond() + HOUR_MS;
    let mut connection = redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("open");
    redis::cmd("SET").arg(&key).arg(in_an_hour).exec(&mut connection).expect("written");
    eventually("the user may send again", async || {
        let answer = user.try_send(0, "global", "hello").await.expect("answered");
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        answer.status() == StatusCode::OK
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_user_with_activity_from_the_future_is_seen_to_be_active_now() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let key = format!("{}online:1", world.config.redis.prefix);
    let in_an_hour = jiff::Timestamp::now().as_millisecond() + HOUR_MS;
    let mut connection = redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("open");
    redis::cmd("ZADD").arg(&key).arg(in_an_hour).arg(1).exec(&mut connection).expect("written");
    ok(user.post(0, "heartbeat").json(&json!({})).send().await).await;
    let score: i64 = redis::cmd("ZSCORE").arg(&key).arg(1).query::<f64>(&mut connection).expect("read") as i64;
    assert!(score < in_an_hour - HOUR_MS / 2, "{score}");
    world.stop().await;
}
