//! Nodes whose Redis is found through sentinels: failovers, and settings that are wrong.

use std::collections::HashSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use crate::faults::tampering::{Tamper, TamperingProxy};
use crate::process::external;
use crate::sentinel_set::SentinelSet;
use crate::support::{PATIENCE, Redis, User, World, eventually, scratch, unique};

/// The promise is five seconds after the promotion, and a busy machine may take as much again.
const WORKS_WITHIN: Duration = Duration::from_secs(10);
const SENDERS: usize = 8;
/// Sends that are acknowledged before and after a failover.
const BEFORE: usize = 100;
const AFTER: usize = 200;

/// Sends texts until told to stop, each with an id of its own and again until it is acknowledged. Returns the texts in
/// their order.
async fn keep_sending(user: &User<'_>, node: usize, count: &AtomicUsize, stop: &AtomicBool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let text = unique("");
        let body = json!({"message_type": "text", "content": text});
        let started = Instant::now();
        loop {
            let request = user.post(node, "send").header("Idempotency-Key", &text).json(&body);
            let answer = request.send().await.expect("the node answers");
            if answer.status() == StatusCode::OK {
                break;
            }
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(started.elapsed() < PATIENCE, "sends do not work again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        count.fetch_add(1, Ordering::Relaxed);
        acknowledged.push(text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    acknowledged
}

/// All texts of the global room, as a node reads them, the oldest first.
async fn stored(user: &User<'_>, node: usize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut query = "limit=100".to_owned();
    loop {
        let page = user.read(node, &format!("messages?{query}")).await;
        let page = page.as_array().expect("a list");
        texts.extend(page.iter().map(|message| message["content"].as_str().expect("text").to_owned()));
        match page.last() {
            Some(last) => query = format!("limit=100&before={}", last["id"].as_str().expect("an id")),
            None => break,
        }
    }
    texts.reverse();
    texts
}

/// Sends through two nodes, which find the sentinels at `url`, while `fail` replaces the primary. Returns what was
/// acknowledged and not stored.
async fn lost_in(set: &mut SentinelSet, url: &str, fail: impl AsyncFnOnce(&mut SentinelSet)) -> Vec<String> {
    let mut world = World::start_with(2, url, |config| config.server.workers = 2).await;
    let user = world.user(0, "alice").await;
    let mut sockets = vec![world.webchat(0, &user, "").await, world.webchat(1, &user, "").await];
    let (count, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let sending = join_all((0..SENDERS).map(|sender| keep_sending(&user, sender % 2, &count, &stop)));
    let failing = async {
        eventually("the load runs", async || count.load(Ordering::Relaxed) >= BEFORE).await;
        let old = set.primary();
        fail(set).await;
        set.promoted(old).await;
        let (promoted_at, then) = (Instant::now(), count.load(Ordering::Relaxed));
        eventually("sends work again", async || count.load(Ordering::Relaxed) > then + SENDERS).await;
        assert!(promoted_at.elapsed() < WORKS_WITHIN, "{:?}", promoted_at.elapsed());
        let again = count.load(Ordering::Relaxed);
        eventually("the load goes on", async || count.load(Ordering::Relaxed) >= again + AFTER).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (acknowledged, ()) = tokio::join!(sending, failing);
    // A node that has just started reads what the new primary has.
    world.config.redis.url = set.url();
    world.add_node().await;
    let stored = stored(&world.log_in(2, "alice", "your_strong_password").await, 2).await;
    let unique: HashSet<&String> = stored.iter().collect();
    assert_eq!(unique.len(), stored.len(), "a message is stored twice");
    for texts in &acknowledged {
        let places = texts.iter().filter_map(|text| stored.iter().position(|other| other == text));
        assert!(places.is_sorted(), "messages of one sender changed places");
    }
    for socket in &mut sockets {
        let last = stored.last().expect("some");
        while socket.next().await["payload"]["content"] != **last {} // open, and up to date
    }
    world.stop().await;
    acknowledged.concat().into_iter().filter(|text| !unique.contains(text)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_loses_nothing_acknowledged() {
    let mut set = SentinelSet::start().await;
    let url = set.url();
    let lost = lost_in(&mut set, &url, async |set| set.fail_over()).await;
    assert_eq!(lost, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_ignore_the_sentinels_lose_what_they_acknowledge() {
    // Shows that the test above would notice.
    let mut set = SentinelSet::start().await;
    let mut sentinels = Vec::new();
    for sentinel in &set.sentinels {
        sentinels.push(TamperingProxy::start(&sentinel.url(), Tamper::IgnoreSigns).await);
    }
    let url = sentinels.iter().map(TamperingProxy::url).collect::<Vec<_>>().join(",");
    let lost = lost_in(&mut set, &url, async |set| set.fail_over()).await;
    assert!(lost.len() >= AFTER / 2, "{} lost", lost.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_work_again_after_the_primary_was_killed() {
    let mut set = SentinelSet::start().await;
    let url = set.url();
    let lost = lost_in(&mut set, &url, async |set| {
        let primary = set.primary();
        set.servers[primary].kill();
    })
    .await;
    // What replicas had not received when it died; `replicas:1` would have waited for them.
    assert!(lost.len() <= SENDERS, "{lost:?}");
}

/// Runs a node that cannot start: its exit code and the one line that it prints.
pub fn start(settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .envs(external(""))
        .env("CHINWAG_DATA__DIR", scratch())
        .env("CHINWAG_SERVER__PORT", "0")
        .envs(settings.iter().copied())
        .output()
        .expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_of_sentinels_end_the_start_with_one_line() {
    let set = SentinelSet::start().await;
    let server = Redis::start(&[]);
    let (url, server) = (set.url(), server.url());
    let cases = [
        (&url, "SENTINEL_MASTER", "other", "knows no primary called other"),
        (&url, "MODE", "single", "the address of a sentinel"),
        (&server, "MODE", "sentinel", "is no sentinel"),
        (&server, "SENTINEL_MASTER", "chinwag", "is no sentinel"),
        (&url, "MODE", "cluster", "is not the address of a Redis Cluster"),
        (&server, "MODE", "cluster", "is not the address of a Redis Cluster"),
        (&url, "SENTINEL_PASSWORD_FILE", "/nowhere", "/nowhere"),
        (&url, "PASSWORD_FILE", "/nowhere", "/nowhere"),
    ];
    for (url, name, value, reason) in cases {
        let name = format!("CHINWAG_REDIS__{name}");
        let given = [("CHINWAG_REDIS__URL", url.as_str()), (name.as_str(), value)];
        let (code, errors) = start(&given);
        assert_eq!(code, Some(2), "{given:?}: {errors}");
        assert!(errors.contains(reason), "{given:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{given:?}: {errors}");
    }
}
