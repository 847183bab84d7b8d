//! Who may register: everyone, those with an invite, nobody.

use chinwag::config::Registration;
use chinwag::domain::InviteTerms;
use chinwag::service::Operator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, administration, answered, eventually, shared_redis};

async fn world(registration: Registration) -> World {
    World::start_with(2, shared_redis(), |config| config.auth.registration = registration).await
}

pub async fn make_invite(world: &World, uses: u32) -> String {
    let terms = InviteTerms::new(uses, 1).expect("valid");
    let invite = administration(&world.config).await.invite(&Operator::CommandLine, terms).await;
    invite.expect("made").code.expose().to_owned()
}

/// Registers through document 000. Returns the status and the code of the error.
async fn register(world: &World, node: usize, name: &str, invite: Value) -> (u16, Value) {
    let body = json!({"username": name, "password": "your_strong_password", "invite": invite});
    let url = world.url(node, "/api/v1/auth/register?ext=1");
    let (status, body) = answered(world.client.post(url).json(&body).send().await).await;
    (status, body["code"].clone())
}

/// Registers through document 001. Returns the status and the text of the error.
async fn register_001(world: &World, name: &str, invite: Value) -> (u16, Value) {
    let email = format!("{name}@example.org");
    let body = json!({"username": name, "email": email, "password": "your_strong_password", "invite": invite});
    let url = world.url(0, "/api/v1/register");
    let (status, body) = answered(world.client.post(url).json(&body).send().await).await;
    assert_eq!(body["code"], status, "{body}");
    (status, body["error"].clone())
}

#[tokio::test]
async fn nobody_registers_where_registration_is_closed() {
    let world = world(Registration::Closed).await;
    let invite = make_invite(&world, 1).await;
    for invite in [Value::Null, json!(invite)] {
        assert_eq!(register(&world, 0, "alice", invite.clone()).await, (403, json!("registration_closed")));
        assert_eq!(register_001(&world, "alice", invite).await, (403, json!("注册已关闭")));
    }
    let body = json!({"username": "alice", "password": "your_strong_password"});
    let url = world.url(0, "/api/v1/auth/register");
    let answer = answered(world.client.post(url).json(&body).send().await).await;
    assert_eq!(answer, (403, json!({"error": "Registration is closed"})), "document 000 has no codes");
    world.stop().await;
}

#[tokio::test]
async fn an_open_registration_ignores_invites() {
    let world = world(Registration::Open).await;
    for (number, invite) in [Value::Null, json!(""), json!("nonsense")].into_iter().enumerate() {
        assert_eq!(register(&world, 0, &format!("user{number}"), invite.clone()).await.0, 201, "{invite}");
        assert_eq!(register_001(&world, &format!("other{number}"), invite.clone()).await.0, 200, "{invite}");
    }
    world.stop().await;
}

#[tokio::test]
async fn only_a_valid_invite_lets_one_register() {
    let world = world(Registration::Invite).await;
    let invite = make_invite(&world, 2).await;
    for missing in [Value::Null, json!("")] {
        assert_eq!(register(&world, 0, "alice", missing.clone()).await, (403, json!("invite_required")));
        assert_eq!(register_001(&world, "alice", missing).await, (403, json!("注册需要邀请码")));
    }
    for wrong in ["x", "abcdefghijklmnopqrst", "abcdefghijklmnopqrst\0", &format!("{invite}a")] {
        assert_eq!(register(&world, 1, "alice", json!(wrong)).await, (403, json!("invite_invalid")), "{wrong:?}");
        assert_eq!(register_001(&world, "alice", json!(wrong)).await, (403, json!("邀请码无效、已过期或已用完")));
    }
    assert_eq!(register(&world, 0, "alice", json!(invite)).await.0, 201);
    // A refusal for another reason uses nothing.
    assert_eq!(register(&world, 1, "Alice", json!(invite)).await, (409, json!("name_taken")));
    assert_eq!(register_001(&world, "bob", json!(format!(" {} ", invite.to_uppercase()))).await.0, 200);
    assert_eq!(register(&world, 1, "carol", json!(invite)).await, (403, json!("invite_invalid")));
    world.log_in(1, "alice", "your_strong_password").await.read(0, "stats").await;
    world.stop().await;
}

#[tokio::test]
async fn an_invite_is_used_as_often_as_it_says_whoever_comes_at_once() {
    let world = world(Registration::Invite).await;
    let invite = make_invite(&world, 3).await;
    let names: Vec<String> = (0..12).map(|number| format!("user{number}")).collect();
    let tries = names.iter().enumerate().map(|(number, name)| register(&world, number % 2, name, json!(invite)));
    let answers = futures_util::future::join_all(tries).await;
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{answers:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 403)), "{answers:?}");
    // Nothing is left of the others: their names are free.
    let again = make_invite(&world, 9).await;
    for (name, _) in names.iter().zip(&statuses).filter(|(_, status)| **status == 403) {
        assert_eq!(register(&world, 0, name, json!(again)).await.0, 201, "{name}");
    }
    world.stop().await;
}

#[tokio::test]
async fn of_many_with_one_name_one_uses_the_invite_and_once() {
    let world = world(Registration::Invite).await;
    let invite = make_invite(&world, 2).await;
    let tries = (0..10).map(|number| register(&world, number % 2, "alice", json!(invite)));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
    assert_eq!(register(&world, 0, "bob", json!(invite)).await.0, 201, "the second use is left");
    assert_eq!(register(&world, 0, "carol", json!(invite)).await.0, 403);
    world.stop().await;
}

#[tokio::test]
async fn an_interrupted_registration_uses_its_invite_at_the_first_log_in() {
    let world = world(Registration::Invite).await;
    let prefix = world.config.redis.prefix.clone();
    let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    let log_in = async |name: &str| {
        let body = json!({"username": name, "password": "your_strong_password"});
        answered(world.client.post(world.url(0, "/api/v1/auth/login")).json(&body).send().await).await.0
    };
    let invite = make_invite(&world, 2).await;
    for name in ["alice", "bob"] {
        assert_eq!(register(&world, 0, name, json!(invite)).await.0, 201);
    }
    let invites: Vec<String> = redis::cmd("KEYS").arg(format!("{prefix}invite:*")).query(&mut redis).expect("keys");
    let digest = invites[0].strip_prefix(&format!("{prefix}invite:")).expect("a digest").to_owned();
    // As if the node had ended before the invite was used, once for each.
    let interrupt = |redis: &mut redis::Connection, user: u64| {
        redis::cmd("HSET").arg(format!("{prefix}{{u:{user}}}")).arg("invite").arg(&digest).exec(redis).expect("set");
        redis::cmd("HDEL").arg(&invites[0]).arg(user).exec(redis).expect("removed");
    };
    interrupt(&mut redis, 1);
    assert_eq!((log_in("alice").await, log_in("alice").await), (200, 200));
    assert_eq!(register(&world, 0, "carol", json!(invite)).await.0, 403, "alice has used it");

    interrupt(&mut redis, 2);
    assert_eq!(register(&world, 0, "carol", json!(invite)).await.0, 201, "bob has not");
    assert_eq!(log_in("bob").await, 401, "too late");
    let another = make_invite(&world, 1).await;
    assert_eq!(register(&world, 0, "bob", json!(another)).await.0, 201, "the name is free");
    assert_eq!(log_in("bob").await, 200);
    world.stop().await;
}

#[tokio::test]
async fn an_expired_invite_is_refused() {
    let world = world(Registration::Invite).await;
    let invite = make_invite(&world, 1).await;
    let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{}invite:*", world.config.redis.prefix)).query(&mut redis).expect("keys");
    let ttl: i64 = redis::cmd("TTL").arg(&keys[0]).query(&mut redis).expect("a time");
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
    assert!(!keys[0].contains(&invite), "the code itself is not stored");
    redis::cmd("PEXPIRE").arg(&keys[0]).arg(1).exec(&mut redis).expect("set");
    eventually("it is refused", async || register(&world, 0, "alice", json!(invite)).await.0 == 403).await;
    world.stop().await;
}

#[tokio::test]
async fn administrators_make_invites_over_http() {
    let world = world(Registration::Invite).await;
    let first = make_invite(&world, 1).await;
    assert_eq!(register(&world, 0, "alice", json!(first)).await.0, 201);
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    let make = async |body: Option<Value>| {
        let request = alice.at(0, Method::POST, "/api/v1/auth/invites");
        answered(if let Some(body) = body { request.json(&body) } else { request }.send().await).await
    };
    assert_eq!(make(None).await, (403, json!({"error": "Not allowed", "code": "forbidden"})));
    world.promote("alice").await;
    for (body, field) in [
        (json!({"uses": 0}), "uses"),
        (json!({"uses": 1001}), "uses"),
        (json!({"days": 0}), "days"),
        (json!({"days": 366}), "days"),
    ] {
        let (status, answer) = make(Some(body.clone())).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{body}");
    }
    for body in [json!({"uses": -1}), json!({"uses": "1"}), json!({"days": 1.5})] {
        assert_eq!(make(Some(body.clone())).await.0, 400, "{body}");
    }
    let (status, invite) = make(None).await;
    assert_eq!((status, &invite["uses"]), (201, &json!(1)), "{invite}");
    let code = invite["invite"].as_str().expect("a code");
    assert_eq!(invite["url"], format!("{}/register?invite={code}", world.url(0, "")));
    assert_eq!(register(&world, 1, "bob", json!(code)).await.0, 201);
    world.stop().await;
}
