//! Guessing passwords: how many an attacker can try, and that nobody else is affected.

use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::support::{World, eventually, shared_redis};

/// A node that believes what it is told about the addresses of clients.
async fn world(nodes: usize, wrong_passwords: u32) -> World {
    World::start_with(nodes, shared_redis(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
        config.limits.wrong_passwords = wrong_passwords;
    })
    .await
}

/// How a login ended: its status, and the seconds to wait.
type Outcome = (u16, Option<u64>);

/// Logs in through document 000 or, with an address or a name in its `email`, through document 001.
async fn log_in(world: &World, node: usize, address: &str, who: (&str, &str), password: &str) -> Outcome {
    let (field, name) = who;
    let path = if field == "username" { "/api/v1/auth/login" } else { "/api/v1/login" };
    let request = world.client.post(world.url(node, path)).header("X-Forwarded-For", address);
    let answer = request.json(&json!({field: name, "password": password})).send().await.expect("answered");
    let wait = answer.headers().get(RETRY_AFTER).map(|wait| wait.to_str().expect("text").parse().expect("seconds"));
    (answer.status().as_u16(), wait)
}

async fn register(world: &World, name: &str) {
    let body = json!({"username": name, "password": "your_strong_password"});
    let answer = world.client.post(world.url(0, "/api/v1/auth/register")).json(&body).send().await.expect("answered");
    assert_eq!(answer.status().as_u16(), 201);
}

const WRONG: Outcome = (401, None);
const ALICE: (&str, &str) = ("username", "alice");

#[tokio::test]
async fn after_ten_wrong_passwords_an_address_must_wait() {
    // With the setting as it is by default.
    let world = World::start_with(2, shared_redis(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    register(&world, "alice").await;
    for number in 0..10 {
        assert_eq!(log_in(&world, number % 2, "192.0.2.1", ALICE, "wrong one").await, WRONG, "{number}");
    }
    let mut refused = 0;
    eventually("a guess is refused", async || {
        let (status, wait) = log_in(&world, 0, "192.0.2.1", ALICE, "wrong one").await;
        refused += usize::from(status == 429);
        assert_eq!(wait.is_some(), status == 429);
        refused > 0
    })
    .await;
    // The right one waits as well: an attacker does not learn which it is.
    let mut statuses = Vec::new();
    eventually("the right password is accepted after the wait", async || {
        statuses.push(log_in(&world, 1, "192.0.2.1", ALICE, "your_strong_password").await.0);
        statuses.last() == Some(&200)
    })
    .await;
    assert_eq!(statuses[0], 429);
    // It clears the count.
    for number in 0..9 {
        assert_eq!(log_in(&world, 0, "192.0.2.1", ALICE, "wrong one").await, WRONG, "{number}");
    }
    world.stop().await;
}

/// The keys under which the tries of a world are counted.
fn keys(world: &World) -> (redis::Connection, Vec<String>) {
    let mut connection = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    let pattern = format!("{}guesses:*", world.config.redis.prefix);
    let found = redis::cmd("KEYS").arg(pattern).query(&mut connection).expect("read");
    (connection, found)
}

#[tokio::test]
async fn each_further_guess_waits_twice_as_long() {
    let world = world(1, 2).await;
    register(&world, "alice").await;
    assert_eq!(log_in(&world, 0, "192.0.2.1", ALICE, "wrong one").await, WRONG);
    let (mut connection, keys) = keys(&world);
    assert_eq!(keys.len(), 1, "{keys:?}");
    for (doublings, expected) in [(4, 16), (5, 32), (6, 64), (9, 512), (10, 900), (11, 900), (60, 900)] {
        // As if there had been so many guesses, and the wait were over.
        let tries = format!("{} 0", 2 + doublings - 1);
        redis::cmd("SET").arg(&keys[0]).arg(tries).arg("KEEPTTL").exec(&mut connection).expect("written");
        assert_eq!(log_in(&world, 0, "192.0.2.1", ALICE, "wrong one").await, WRONG);
        for _ in 0..3 {
            let (status, wait) = log_in(&world, 0, "192.0.2.1", ALICE, "your_strong_password").await;
            // Guesses during the wait make it no longer.
            let is_near = wait.is_some_and(|wait| wait <= expected && wait > expected - 10);
            assert!(status == 429 && is_near, "{status}, {wait:?} of {expected}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn other_addresses_and_other_accounts_do_not_wait() {
    let world = world(1, 2).await;
    register(&world, "alice").await;
    register(&world, "bob").await;
    eventually("the address must wait", async || log_in(&world, 0, "192.0.2.1", ALICE, "wrong one").await.0 == 429)
        .await;
    assert_eq!(log_in(&world, 0, "192.0.2.2", ALICE, "your_strong_password").await.0, 200);
    assert_eq!(log_in(&world, 0, "192.0.2.1", ("username", "bob"), "your_strong_password").await.0, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_user_whose_name_is_the_address_of_another_forgets_no_tries_of_the_other() {
    let world = world(1, 2).await;
    let address = "alice@example.org";
    let body = json!({"username": "alice", "email": address, "password": "your_strong_password"});
    let answer = world.client.post(world.url(0, "/api/v1/register")).json(&body).send().await.expect("answered");
    assert_eq!(answer.status().as_u16(), 200);
    register(&world, address).await;
    eventually("alice's account must wait", async || {
        let own = log_in(&world, 0, "192.0.2.1", ("username", address), "your_strong_password").await;
        assert_eq!(own, (200, None));
        log_in(&world, 0, "192.0.2.1", ("email", address), "wrong one").await.0 == 429
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_network_of_addresses_counts_as_one() {
    let world = world(1, 2).await;
    register(&world, "alice").await;
    let mut number = 0;
    eventually("the network must wait", async || {
        number += 1;
        log_in(&world, 0, &format!("2001:db8:0:7::{number:x}"), ALICE, "wrong one").await.0 == 429
    })
    .await;
    assert_eq!(log_in(&world, 0, "2001:db8:0:8::1", ALICE, "your_strong_password").await.0, 200);
    world.stop().await;
}

#[tokio::test]
async fn all_spellings_and_both_documents_count_as_one_account() {
    let world = world(1, 4).await;
    register(&world, "alice").await;
    let spellings = [("username", "alice"), ("username", " ALICE "), ("email", "Alice"), ("username", "ａｌｉｃｅ")];
    for who in spellings {
        let (status, _) = log_in(&world, 0, "192.0.2.1", who, "wrong one").await;
        assert_eq!(status, 401, "{who:?}");
    }
    // Each within the wait of a second that one before may have caused.
    let mut statuses = Vec::new();
    for _ in 0..20 {
        for who in spellings {
            statuses.push(log_in(&world, 0, "192.0.2.1", who, "wrong one").await.0);
        }
    }
    let accepted = statuses.iter().filter(|status| **status == 401).count();
    assert!(accepted <= 5, "{accepted} more guesses: {statuses:?}");
    world.stop().await;
}

#[tokio::test]
async fn unknown_accounts_are_refused_like_known_ones() {
    let world = world(1, 3).await;
    register(&world, "alice").await;
    let mut seen = Vec::new();
    for who in [ALICE, ("username", "nobody"), ("email", "nobody@example.org"), ("email", "?!")] {
        let mut statuses = Vec::new();
        while statuses.last() != Some(&429) {
            statuses.push(log_in(&world, 0, "192.0.2.1", who, "wrong one").await.0);
            assert!(statuses.len() < 1000, "{who:?} is never refused");
        }
        statuses.dedup();
        seen.push(statuses);
    }
    assert!(seen.iter().all(|statuses| *statuses == [401, 429]), "{seen:?}");
    world.stop().await;
}

#[tokio::test]
async fn guesses_at_the_same_time_count_as_well() {
    let world = world(2, 3).await;
    register(&world, "alice").await;
    let guesses = (0..40).map(|number| log_in(&world, number % 2, "192.0.2.1", ALICE, "wrong one"));
    let outcomes = futures_util::future::join_all(guesses).await;
    let tried = outcomes.iter().filter(|outcome| outcome.0 == 401).count();
    // Three, and one more for each second that this takes, of which each must be twice as long.
    assert!((3..10).contains(&tried), "{tried}");
    assert!(outcomes.iter().all(|outcome| [401, 429].contains(&outcome.0)));
    world.stop().await;
}

#[tokio::test]
async fn counts_expire() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.limits.wrong_passwords = 2;
        config.limits.wrong_passwords_secs = 1;
    })
    .await;
    register(&world, "alice").await;
    for _ in 0..3 {
        log_in(&world, 0, "192.0.2.1", ALICE, "wrong one").await;
    }
    assert_eq!(keys(&world).1.len(), 1);
    eventually("nothing is left", async || keys(&world).1.is_empty()).await;
    world.stop().await;
}

#[tokio::test]
async fn sign_ins_are_limited_by_address_and_refused_tokens_apart_from_them() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
        config.limits = chinwag::config::Config::defaults().limits;
    })
    .await;
    register(&world, "alice").await;
    // The expired token of a client at the same address, which tries again and again.
    for _ in 0..200 {
        let request = world.client.get(world.url(0, "/api/chat/stats")).header("X-Forwarded-For", "192.0.2.1");
        assert_eq!(request.bearer_auth("no token").send().await.expect("answered").status().as_u16(), 401);
    }
    let mut accepted = 0;
    let refused = loop {
        let (status, wait) = log_in(&world, 0, "192.0.2.1", ALICE, "your_strong_password").await;
        if status != 200 {
            break (status, wait);
        }
        accepted += 1;
        assert!(accepted < 1000, "nothing is ever refused");
    };
    assert!((20..100).contains(&accepted), "{accepted}");
    assert_eq!(refused, (429, Some(1)));
    // Registering counts as well, and in its document's words.
    let request = world.client.post(world.url(0, "/api/v1/register")).header("X-Forwarded-For", "192.0.2.1");
    let body = json!({"username": "bob", "email": "bob@example.org", "password": "your_strong_password"});
    let mut answer = None;
    eventually("a registration is refused", async || {
        let sent = request.try_clone().expect("a body in memory").json(&body).send().await.expect("answered");
        answer = Some(sent);
        answer.as_ref().is_some_and(|answer| answer.status().as_u16() == 429)
    })
    .await;
    let body: Value = answer.expect("one").json().await.expect("JSON");
    assert_eq!(body, json!({"code": 429, "message": "请求过于频繁", "error": "请稍后再试"}));
    assert_eq!(log_in(&world, 0, "192.0.2.2", ALICE, "your_strong_password").await.0, 200);
    world.stop().await;
}
