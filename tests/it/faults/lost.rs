//! What is announced or counted while announcements or answers are lost.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::checker::{History, Stored, Verdict, check};
use super::poller::place_of;
use super::proxy::{Path, Paths, Proxy, Target};
use super::tampering::{Tamper, TamperingProxy, UNANSWERED};
use crate::support::{User, World, eventually, ok, shared_redis};

/// The promise is a second, and a busy machine may take as much again.
const BANNED_WITHIN: Duration = Duration::from_secs(2);

/// Two nodes on one Redis: the first behind a proxy, the second not.
async fn world() -> (World, Proxy) {
    let proxy = Proxy::start(shared_redis()).await;
    let mut world = World::start_with(0, &proxy.url(), |_| {}).await;
    world.add_node().await;
    world.config.redis.url = shared_redis().to_owned();
    world.add_node().await;
    (world, proxy)
}

#[tokio::test]
async fn a_ban_takes_a_second_without_announcements() {
    let (world, proxy) = world().await;
    for paths in [Paths::both(Path::Swallowed), Paths { to_redis: Path::Open, to_node: Path::Held }] {
        proxy.disturb(Target::PubSub, paths);
        for number in 0..3 {
            let name = format!("user{number}{}", u8::from(paths.to_node == Path::Held));
            let user = world.user(1, &name).await;
            user.read(0, "stats").await;
            world.set_banned(&name, true).await;
            let banned_at = Instant::now();
            eventually("the token is refused", async || {
                user.get(0, "stats").send().await.expect("answered").status() == StatusCode::UNAUTHORIZED
            })
            .await;
            assert!(banned_at.elapsed() < BANNED_WITHIN, "{:?}", banned_at.elapsed());
        }
        proxy.restore();
    }
    world.stop().await;
}

#[tokio::test]
async fn presence_that_changed_without_announcements_is_told_afterwards() {
    let (world, proxy) = world().await;
    let (alice, bob, carol) = (world.user(1, "alice").await, world.user(1, "bob").await, world.user(1, "carol").await);
    let (with_alice, with_carol) = (bob.open_direct(1, "alice").await, bob.open_direct(1, "carol").await);
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    let mut leaving = world.webchat(1, &alice, "ext=1").await;
    watching.hears_presence(with_alice, 1, true).await;
    proxy.disturb(Target::PubSub, Paths::both(Path::Swallowed));
    leaving.close().await;
    let _socket = world.webchat(1, &carol, "ext=1").await;
    let mut connection = redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("open");
    let key = format!("{}connected:1", world.config.redis.prefix);
    eventually("alice is gone", async || {
        redis::cmd("ZSCORE").arg(&key).arg(1).query::<Option<f64>>(&mut connection).expect("read").is_none()
    })
    .await;
    proxy.restore();
    let before = watching.hears_presence(with_alice, 1, false).await;
    if !before.contains(&(3, true)) {
        watching.hears_presence(with_carol, 3, true).await;
    }
    world.stop().await;
}

/// Sends with a client id. Returns whether it was acknowledged.
async fn try_once(user: &User<'_>, content: &str) -> bool {
    let body = json!({"message_type": "text", "content": content});
    let sent = user.post(0, "send").header("idempotency-key", content).json(&body).send().await.expect("answered");
    assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&sent.status()), "{}", sent.status());
    sent.status() == StatusCode::OK
}

#[tokio::test]
async fn messages_whose_answers_are_lost_are_counted_once() {
    let (world, proxy) = world().await;
    let user = world.user(1, "alice").await;
    let answers_lost = Paths { to_redis: Path::Open, to_node: Path::Swallowed };
    for number in 0..3 {
        let content = format!("message-{number}");
        for _ in 0..2 {
            eventually("the node has a connection", async || {
                user.get(0, "messages").send().await.expect("answered").status() == StatusCode::OK
            })
            .await;
            proxy.disturb_present(Target::Commands, answers_lost);
            assert!(!try_once(&user, &content).await);
            proxy.restore();
        }
        eventually("it is acknowledged", async || try_once(&user, &content).await).await;
    }
    let stored = user.texts(1, "").await.len();
    assert_eq!(stored, 3);
    for node in [0, 1] {
        eventually("the messages are counted", async || {
            user.read(node, "stats").await["total_messages_today"] == stored
        })
        .await;
    }
    // Nothing is counted again by what was lost before.
    assert!(try_once(&user, "one-more").await);
    eventually("it is counted", async || user.read(1, "stats").await["total_messages_today"] == stored + 1).await;
    ok(user.post(0, "heartbeat").send().await).await;
    assert_eq!(user.read(0, "stats").await["total_messages_today"], stored + 1);
    world.stop().await;
}

/// Sends a message without a client id, whose first answer is lost. Returns what its sender is told, and the verdict on
/// what is stored.
async fn unanswered(tamper: Tamper) -> (StatusCode, Verdict) {
    let proxy = TamperingProxy::start(shared_redis(), tamper).await;
    let world = World::start_with(1, &proxy.url(), |_| {}).await;
    let alice = world.user(0, "alice").await;
    let answer = alice.try_send(0, "global", UNANSWERED).await.expect("answered").status();
    eventually("the node has a connection", async || alice.try_send(0, "global", "next").await.is_ok_and(is_ok)).await;
    let page = alice.read(0, "messages").await;
    let stored = |message: &Value| {
        let text = message["content"].as_str().expect("text").to_owned();
        Stored { place: place_of(message), client_id: text.clone(), text }
    };
    let stored: Vec<Stored> = page.as_array().expect("a list").iter().map(stored).collect();
    assert!(stored.iter().any(|message| message.text == UNANSWERED), "the outcome is unknown, but the write was done");
    let truth = stored.into_iter().filter(|message| message.text == UNANSWERED).collect();
    world.stop().await;
    (answer, check(&History { truth: [(1, truth)].into(), ..History::default() }))
}

fn is_ok(answer: reqwest::Response) -> bool {
    answer.status() == StatusCode::OK
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_not_repeated() {
    let (answer, verdict) = unanswered(Tamper::Nothing).await;
    assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE);
    assert!(verdict.is_clean(), "{verdict}");
}

#[tokio::test]
async fn a_node_that_repeats_a_write_of_unknown_outcome_is_noticed() {
    let (answer, verdict) = unanswered(Tamper::RepeatWrites).await;
    assert_eq!((answer, verdict.duplicated), (StatusCode::OK, 1), "{verdict}");
}
