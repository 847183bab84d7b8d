//! Redis unreachable, killed or misconfigured, and nodes killed: acknowledged messages are kept, and nothing hangs.

use std::cell::Cell;
use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use nix::sys::signal::{Signal, kill};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::private_redis;
use crate::process::{Process, external, token};
use crate::support::{PATIENCE, Redis, World, client, eventually, refused, scratch, shared_redis};

/// The number of acknowledged messages after which something is killed. Eight clients send more, so that it happens
/// during the load.
const SENDS_BEFORE: usize = 40;
/// The promise is two seconds, and a busy machine may take as much again. Without the promise, it would be the client's
/// time-out.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(4);

/// Reads everything through document 003: pages of 100 back to the beginning.
async fn all_texts(client: &Client, base: &str, token: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut before = String::new();
    loop {
        let url = format!("{base}/api/chat/messages?limit=100{before}");
        let answer = client.get(url).bearer_auth(token).send().await.expect("answered");
        let page: Value = answer.json().await.expect("JSON");
        let page = page.as_array().expect("a list").clone();
        texts.extend(page.iter().map(|it| it["content"].as_str().expect("text").to_owned()));
        match page.last() {
            Some(last) if page.len() == 100 => before = format!("&before={}", last["id"].as_str().expect("an id")),
            _ => return texts,
        }
    }
}

/// Sends from several clients, and calls `kill` when [`SENDS_BEFORE`] messages have been acknowledged. Each client stops
/// at its first failure. Returns what was acknowledged.
async fn send_and_kill(client: &Client, base: &str, token: &str, kill: impl FnOnce()) -> HashSet<String> {
    let (count, enough) = (Cell::new(0), Notify::new());
    let senders = (0..8).map(|sender| {
        let (count, enough) = (&count, &enough);
        async move {
            let mut acknowledged = Vec::new();
            for number in 0..100 {
                let text = format!("{sender}-{number}");
                let body = json!({"message_type": "text", "content": text});
                let sent = client.post(format!("{base}/api/chat/send")).bearer_auth(token).json(&body).send().await;
                if !sent.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                    break;
                }
                acknowledged.push(text);
                count.set(count.get() + 1);
                if count.get() == SENDS_BEFORE {
                    enough.notify_one();
                }
            }
            acknowledged
        }
    });
    let killing = async {
        enough.notified().await;
        kill();
    };
    let (acknowledged, ()) = join(join_all(senders), killing).await;
    acknowledged.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_node_killed_while_sending_loses_nothing_acknowledged() {
    let (client, folder) = (client(), scratch());
    let environment = external(shared_redis());
    let mut doomed = Process::start(&environment, &folder).ready(&client).await;
    let survivor = Process::start(&environment, &folder).ready(&client).await;
    let token = token(&client, &survivor.base, "alice").await;
    let acknowledged = send_and_kill(&client, &doomed.base, &token, || doomed.signal(Signal::SIGKILL)).await;
    doomed.wait();
    let stored: HashSet<String> = all_texts(&client, &survivor.base, &token).await.into_iter().collect();
    assert!(acknowledged.is_subset(&stored), "{:?}", acknowledged.difference(&stored));
}

/// Kills Redis while messages are sent and counts what is missing afterwards.
async fn lost_by_killing_redis(fsync: &str) -> (usize, usize) {
    let folder = scratch();
    let mut redis = Redis::start(&["--appendonly", "yes", "--appendfsync", fsync, "--dir", &folder.to_string_lossy()]);
    let world = World::start_with(2, &redis.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    let base = world.url(0, "");
    let acknowledged = send_and_kill(&world.client, &base, &user.token, || redis.kill()).await;
    redis.restart();
    for node in 0..2 {
        world.wait_ready(node).await;
    }
    let stored: HashSet<String> = all_texts(&world.client, &world.url(1, ""), &user.token).await.into_iter().collect();
    let lost = acknowledged.difference(&stored).count();
    user.send(1, "global", "and on it goes").await;
    let counts = (acknowledged.len(), lost);
    world.stop().await;
    counts
}

#[tokio::test]
async fn redis_killed_while_sending_loses_nothing_with_fsync_always() {
    let (acknowledged, lost) = lost_by_killing_redis("always").await;
    assert_eq!(lost, 0, "of {acknowledged}");
}

#[tokio::test]
async fn redis_killed_while_sending_loses_at_most_a_second_with_everysec() {
    let (acknowledged, lost) = lost_by_killing_redis("everysec").await;
    // Redis may lose up to a second in a power failure. What a killed process wrote is kept by the kernel, so that
    // acknowledged messages are there.
    println!("everysec: {lost} of {acknowledged} acknowledged messages lost");
    assert_eq!(lost, 0, "of {acknowledged}");
}

#[tokio::test]
async fn the_private_redis_is_restarted_when_killed_and_keeps_its_data() {
    let (client, folder) = (client(), scratch());
    let environment = [("CHINWAG_REDIS__FSYNC", "always".to_owned())];
    let mut node = Process::start(&environment, &folder).ready(&client).await;
    let token = token(&client, &node.base, "张三").await;
    let redis = private_redis::pid(&folder);
    let kill_redis = || kill(redis, Signal::SIGKILL).expect("killed");
    let acknowledged = send_and_kill(&client, &node.base, &token, kill_redis).await;
    node = node.ready(&client).await;
    let stored: HashSet<String> = all_texts(&client, &node.base, &token).await.into_iter().collect();
    assert!(acknowledged.is_subset(&stored));

    // After an orderly stop, the next start finds everything, including the secret of tokens.
    let redis = private_redis::pid(&folder);
    node.signal(Signal::SIGINT);
    assert_eq!(node.wait(), Some(0));
    assert!(kill(redis, None).is_err(), "the private Redis ended with its parent");
    let mut node = Process::start(&environment, &folder).ready(&client).await;
    let again: HashSet<String> = all_texts(&client, &node.base, &token).await.into_iter().collect();
    assert_eq!(again, stored);

    // A killed node takes its Redis with it.
    let redis = private_redis::pid(&folder);
    node.signal(Signal::SIGKILL);
    node.wait();
    eventually("the private Redis ended", async || kill(redis, None).is_err()).await;
    let node = Process::start(&environment, &folder).ready(&client).await;
    let third: HashSet<String> = all_texts(&client, &node.base, &token).await.into_iter().collect();
    assert_eq!(third, stored);
}

#[tokio::test]
async fn a_kept_secret_that_is_cut_short_signs_nothing() {
    let folder = scratch();
    std::fs::write(folder.join("jwt_secret"), "").expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .env("CHINWAG_DATA__DIR", &folder)
        .env("CHINWAG_SERVER__PORT", "0")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("too short"));
}

#[tokio::test]
async fn without_redis_requests_answer_503_within_two_seconds_and_then_recover() {
    let mut redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    redis.kill();
    for _ in 0..3 {
        let started = Instant::now();
        let sends = (0..20).map(|_| user.try_send(0, "global", "lost"));
        for answer in join_all(sends).await {
            assert_eq!(refused(answer, 503).await, "服务暂时不可用，请稍后重试");
        }
        assert!(started.elapsed() < GIVEN_UP_WITHIN, "{:?}", started.elapsed());
    }
    let ready = world.client.get(world.url(0, "/health/ready")).send().await.expect("answered");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    redis.restart(); // empty, without scripts
    world.wait_ready(0).await;
    refused(user.try_send(0, "global", "by nobody").await, 401).await;
    let user = world.user(0, "alice").await;
    eventually("sends are stored again", async || {
        user.try_send(0, "global", "again").await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_silent_redis_is_given_up_within_two_seconds() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    redis.signal(Signal::SIGSTOP);
    for _ in 0..3 {
        let started = Instant::now();
        refused(user.try_send(0, "global", "lost").await, 503).await;
        assert!(started.elapsed() < GIVEN_UP_WITHIN, "{:?}", started.elapsed());
    }
    redis.signal(Signal::SIGCONT);
    world.wait_ready(0).await;
    user.send(0, "global", "again").await;
    world.stop().await;
}

#[tokio::test]
async fn a_node_waits_while_redis_loads_its_data() {
    let folder = scratch();
    // Five milliseconds a key: two seconds of loading.
    let mut redis = Redis::start(&["--dir", &folder.to_string_lossy(), "--key-load-delay", "5000"]);
    let mut pipeline = redis::pipe();
    for number in 0..400 {
        pipeline.cmd("SET").arg(number).arg("x").ignore();
    }
    pipeline.exec(&mut redis.connection()).expect("written");
    redis::cmd("SAVE").exec(&mut redis.connection()).expect("saved");
    redis.kill();
    let started = Instant::now();
    redis.restart_without_waiting();
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    assert!(started.elapsed() > Duration::from_secs(1), "it was loading");
    world.user(0, "alice").await.send(0, "global", "x").await;
    world.stop().await;
}

#[tokio::test]
async fn scripts_are_loaded_again_when_redis_forgot_them() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut redis.connection()).expect("flushed");
    user.send(0, "global", "one").await;
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut redis.connection()).expect("flushed");
    assert_eq!(user.read(0, "rooms").await.as_array().expect("a list").len(), 1);
    assert_eq!(user.texts(0, "").await, ["one"]);
    assert_eq!(user.read(0, "stats").await["total_messages_today"], 1);
    world.stop().await;
}

#[tokio::test]
async fn a_redis_that_would_evict_messages_is_refused_with_one_line() {
    let redis = Redis::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let folder = scratch();
    let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .envs(external(&redis.url()))
        .env("CHINWAG_DATA__DIR", &folder)
        .env("CHINWAG_SERVER__PORT", "0")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("maxmemory-policy is allkeys-lru"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn wrong_settings_end_with_one_line_and_exit_code_2() {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("CHINWAG_SERVER__PORT", "many")], "port"),
        (&[("CHINWAG_SERVER__PROT", "1")], "prot"),
        (&[("CHINWAG_REDIS__URL", "redis://127.0.0.1:1")], "auth.jwt_secret"),
        (&[("CHINWAG_AUTH__JWT_SECRET", "short")], "auth.jwt_secret"),
        (&[("CHINWAG_STATS__TIMEZONE", "Mars")], "stats.timezone"),
        (&[("CHINWAG_PRIVACY__IP_VISIBILITY", "nobody")], "ip_visibility"),
    ];
    for (environment, key) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
            .envs(environment.iter().copied())
            .output()
            .expect("the binary runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{environment:?}: {errors}");
        assert!(errors.contains(key), "{environment:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[tokio::test]
async fn the_command_line_changes_accounts_beside_a_running_node() {
    let (client, folder) = (client(), scratch());
    let node = Process::start(&[], &folder).ready(&client).await;
    let token = token(&client, &node.base, "bob").await;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
        command.args(arguments).env("CHINWAG_DATA__DIR", &folder).env("CHINWAG_AUTH__BCRYPT_COST", "4");
        command.output().expect("the binary runs")
    };
    assert_eq!(run(&["user", "promote", "bob"]).status.code(), Some(0));
    assert_eq!(run(&["user", "promote", "nobody"]).status.code(), Some(2));
    assert_eq!(run(&["user", "ban", "bob"]).status.code(), Some(0));
    let started = Instant::now();
    let url = format!("{}/api/chat/stats", node.base);
    loop {
        let answer = client.get(&url).bearer_auth(&token).send().await.expect("answered");
        if answer.status() == StatusCode::UNAUTHORIZED {
            break;
        }
        assert!(started.elapsed() < PATIENCE);
    }
    let secret = String::from_utf8(run(&["secret"]).stdout).expect("text");
    assert!(secret.trim().len() >= 64);
    let openapi: Value = serde_json::from_slice(&run(&["openapi"]).stdout).expect("JSON");
    assert!(openapi["paths"]["/api/chat/send"]["post"].is_object());
}
