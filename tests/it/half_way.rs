//! Accounts whose changes are held back or end between two of their commands, while others do what meets them.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use chinwag::config::Registration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::invites::make_invite;
use crate::membership_crashes::crash_proxy::Counted;
use crate::membership_crashes::{DOOMED, SURVIVOR, Setting};
use crate::support::{User, World, answered, eventually, unique};

/// Commands by which names are claimed and released.
pub const OF_NAMES: Counted = Counted {
    names: &["EVALSHA", "EVAL", "SET", "DEL", "ZADD"],
    keys: &[":name:", ":look:", ":email:", ":invite:", ":names", ":renamed"],
};
/// Commands behind the change of an account that ends its tokens.
const OF_REVOCATIONS: Counted =
    Counted { names: &["ZREMRANGEBYSCORE", "ZADD", "PUBLISH"], keys: &[":revoked", "users:live:"] };
const PASSWORD: &str = "your_strong_password";

async fn register(world: &World, node: usize, name: &str, invite: Option<&str>) -> u16 {
    let body = json!({"username": name, "password": PASSWORD, "invite": invite});
    let url = world.url(node, "/api/v1/auth/register?ext=1");
    answered(world.client.post(url).json(&body).send().await).await.0
}

async fn logs_in(world: &World, name: &str, password: &str) -> bool {
    let body = json!({"username": name, "password": password});
    let url = world.url(SURVIVOR, "/api/v1/auth/login");
    answered(world.client.post(url).json(&body).send().await).await.0 == 200
}

async fn rename(user: &User<'_>, node: usize, name: &str) -> u16 {
    let body = json!({"username": name});
    answered(user.at(node, Method::PUT, "/api/v1/user/profile").json(&body).send().await).await.0
}

/// Adds a user to a new group. Returns the status.
async fn add_to_group(owner: &User<'_>, name: &str) -> u16 {
    let group = owner.make_group(SURVIVOR, &unique("group"), &[]).await;
    owner.ask(SURVIVOR, &format!("/api/v1/rooms/{group}/members"), &json!({"username": name})).await.0
}

/// Runs an operation of the node that is held back behind so many commands, and something else meanwhile. Returns the outcome
/// of the latter; `None` when the operation has fewer commands.
pub async fn meanwhile<T>(
    setting: &Setting,
    commands: usize,
    operation: impl Future,
    other: impl Future<Output = T>,
) -> Option<T> {
    setting.world.becomes_ready(DOOMED).await;
    setting.proxy.hold_after(commands);
    tokio::pin!(operation);
    let held = async {
        setting.proxy.held().await;
        let outcome = other.await;
        setting.proxy.restore().await;
        outcome
    };
    let outcome = tokio::select! {
        _ = &mut operation => None,
        outcome = held => {
            operation.await;
            Some(outcome)
        }
    };
    setting.proxy.restore().await;
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_registers_a_name_that_looks_like_another_is_met_by_nobody_before_it_is_certain() {
    let setting = Setting::start_with(OF_NAMES, |_| {}).await;
    let world = &setting.world;
    let alice = world.user(SURVIVOR, "alice").await;
    for commands in 0.. {
        let (name, other) = (format!("pillar {commands} x"), format!("piIlar {commands} x"));
        let registering = register(world, DOOMED, &name, None);
        let met = async {
            let other_status = register(world, SURVIVOR, &other, None).await;
            (other_status, add_to_group(&alice, &name).await)
        };
        let met = meanwhile(&setting, commands, registering, met).await;
        let exists = logs_in(world, &name, PASSWORD).await;
        println!("held after {commands} commands: {met:?}, exists: {exists}");
        let Some((other_status, added)) = met else { break };
        assert!(exists || added == 404, "somebody is a member who does not exist");
        assert!(exists || other_status == 201, "nobody has got the name");
        assert!(commands < 30);
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_registers_with_an_invite_is_met_by_nobody_before_it_is_used() {
    let setting = Setting::start_with(OF_NAMES, |config| config.auth.registration = Registration::Invite).await;
    let world = &setting.world;
    assert_eq!(register(world, SURVIVOR, "alice", Some(&make_invite(world, 1).await)).await, 201);
    let alice = world.log_in(SURVIVOR, "alice", PASSWORD).await;
    for commands in 0.. {
        let (name, invite) = (format!("late {commands}"), make_invite(world, 1).await);
        let registering = register(world, DOOMED, &name, Some(&invite));
        let met = async {
            let other = register(world, SURVIVOR, &format!("early {commands}"), Some(&invite)).await;
            (other, add_to_group(&alice, &name).await)
        };
        let met = meanwhile(&setting, commands, registering, met).await;
        let exists = logs_in(world, &name, PASSWORD).await;
        println!("held after {commands} commands: {met:?}, exists: {exists}");
        let Some((other, added)) = met else { break };
        assert!(exists || added == 404, "somebody is a member who does not exist");
        assert!(exists != (other == 201), "the invite is used once");
        assert!(commands < 30);
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_former_name_back_while_it_is_released_has_it() {
    let setting = Setting::start_with(OF_NAMES, |_| {}).await;
    let world = &setting.world;
    for commands in 0.. {
        let (first, second) = (format!("former {commands}"), format!("second {commands}"));
        let user = world.user(SURVIVOR, &first).await;
        let present_name = async || user.get_json(SURVIVOR, "/api/v1/me").await["username"].clone();
        let back = async {
            let before = present_name().await;
            assert_eq!(rename(&user, SURVIVOR, &first).await, 200);
            before
        };
        let before = meanwhile(&setting, commands, rename(&user, DOOMED, &second), back).await;
        let present = present_name().await;
        println!("held after {commands} commands: {before:?}, {present}");
        // The last change holds, whatever name the node knows that makes it.
        let is_first = before.as_ref().is_some_and(|before| *before == json!(second));
        let (name, free) = if is_first { (&first, &second) } else { (&second, &first) };
        assert_eq!(present, json!(name));
        assert!(logs_in(world, name, PASSWORD).await, "{name} is found");
        assert_eq!(register(world, SURVIVOR, name, None).await, 409, "{name}");
        assert_eq!(register(world, SURVIVOR, &name.replace('o', "0"), None).await, 409, "{name}");
        assert_eq!(register(world, SURVIVOR, free, None).await, 201, "{free} is free");
        if before.is_none() {
            break;
        }
        assert!(commands < 30);
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_name_survives_every_crash_and_a_retry() {
    let setting = Setting::start_with(OF_NAMES, |_| {}).await;
    let world = &setting.world;
    for commands in 0.. {
        let (first, second) = (format!("first {commands}"), format!("second {commands}"));
        let user = world.user(SURVIVOR, &first).await;
        assert_eq!(user.send(SURVIVOR, "global", "before").await["sender_name"], first);
        setting.crash_after(commands).await;
        let status = rename(&user, DOOMED, &second).await;
        let has_crashed = setting.proxy.restore().await;
        println!("cut after {commands} commands: {status}, {has_crashed}");
        eventually("the retry is answered", async || rename(&user, SURVIVOR, &second).await == 200).await;
        assert!(logs_in(world, &second, PASSWORD).await);
        assert_eq!(register(world, SURVIVOR, &second, None).await, 409);
        assert_eq!(register(world, SURVIVOR, &first, None).await, 201, "{first} is free");
        for node in [SURVIVOR, DOOMED] {
            let is_known = async || {
                let sent = answered(user.try_send(node, "global", "x").await).await.1;
                sent["sender_name"] == json!(second)
            };
            eventually("messages carry the new name", is_known).await;
        }
        let found = user.get_json(SURVIVOR, &format!("/api/v1/users?q=second%20{commands}")).await;
        assert_eq!(found[0]["username"], second);
        if !has_crashed {
            assert!(commands > 3, "{commands}");
            break;
        }
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_other_sessions_after_every_crash_and_a_login() {
    let mut setting = Setting::start_with(OF_REVOCATIONS, |_| {}).await;
    setting.world.config.redis.url = setting.redis.url();
    setting.world.add_node().await;
    let (world, third) = (&setting.world, 2);
    for commands in 0.. {
        let name = format!("user{commands}");
        let user = world.user(SURVIVOR, &name).await;
        let is_valid = async || user.get(third, "stats").send().await.expect("answered").status() == 200;
        assert!(is_valid().await);
        setting.crash_after(commands).await;
        let body = json!({"old": PASSWORD, "new": "a new password, a long one"});
        let request = user.at(DOOMED, Method::PUT, "/api/v1/me/password").json(&body);
        let (status, _): (u16, Value) = answered(request.send().await).await;
        let has_crashed = setting.proxy.restore().await;
        let is_changed = logs_in(world, &name, "a new password, a long one").await;
        println!("cut after {commands} commands: {status}, {has_crashed}, changed: {is_changed}");
        assert_ne!(is_changed, logs_in(world, &name, PASSWORD).await);
        if is_changed {
            eventually("the token from before has ended", async || !is_valid().await).await;
        }
        if !has_crashed {
            assert!(is_changed);
            break;
        }
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_finished_whose_client_is_gone() {
    const OF_ACCOUNTS: Counted = Counted { names: &["EVALSHA"], keys: &["{u:"] };
    let setting = Setting::start_with(OF_ACCOUNTS, |_| {}).await;
    let world = &setting.world;
    for round in 0..5 {
        let user = world.user(SURVIVOR, &format!("user{round}")).await;
        assert_eq!(user.get(DOOMED, "stats").send().await.expect("answered").status(), 200);
        setting.proxy.hold_after(0);
        let mut client = TcpStream::connect(world.nodes[DOOMED].address()).expect("connects");
        let body = r#"{"everywhere":true}"#;
        let head = format!(
            "POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            user.token,
            body.len()
        );
        client.write_all(head.as_bytes()).expect("sent");
        setting.proxy.held().await;
        // Closing it resets the connection.
        socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("a time");
        drop(client);
        // The node is busy with its connections until it answers others.
        assert_eq!(world.client.get(world.url(DOOMED, "/health/live")).send().await.expect("answered").status(), 200);
        setting.proxy.restore().await;
        let has_ended = async || user.get(SURVIVOR, "stats").send().await.expect("answered").status() == 401;
        eventually("the token ends on the other node", has_ended).await;
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_survives_every_crash_and_no_name_is_lost() {
    let setting = Setting::start_with(OF_NAMES, |_| {}).await;
    let world = &setting.world;
    let post = async |node: usize, path: &str, body: &Value| {
        answered(world.client.post(world.url(node, path)).json(body).send().await).await.0
    };
    for commands in 0.. {
        let (name, email) = (format!("Bob {commands}"), format!("bob{commands}@example.org"));
        let new = json!({"username": name, "email": email, "password": PASSWORD});
        setting.crash_after(commands).await;
        let status = post(DOOMED, "/api/v1/register", &new).await;
        let has_crashed = setting.proxy.restore().await;
        let exists = post(SURVIVOR, "/api/v1/login", &json!({"email": email, "password": PASSWORD})).await == 200;
        println!("cut after {commands} commands: {status}, {has_crashed}, exists: {exists}");
        if exists {
            assert!(logs_in(world, &name, PASSWORD).await, "found by name");
            assert_eq!(register(world, SURVIVOR, &name.replace('o', "0"), None).await, 409);
        } else {
            // No change takes a minute.
            setting.age_claims();
            assert_eq!(post(SURVIVOR, "/api/v1/register", &new).await, 200, "name and address are free");
        }
        if !has_crashed {
            assert!(exists && commands > 3, "{commands}");
            break;
        }
    }
    setting.world.stop().await;
}

impl Setting {
    /// Makes all claims of forms of names old.
    fn age_claims(&self) {
        let mut redis = self.redis.connection();
        let keys: Vec<String> = redis::cmd("KEYS").arg(self.key("look:*")).query(&mut redis).expect("keys");
        for key in keys {
            let claim: String = redis::cmd("GET").arg(&key).query(&mut redis).expect("a claim");
            let user = claim.split(':').next().expect("a number");
            redis::cmd("SET").arg(&key).arg(format!("{user}:1")).exec(&mut redis).expect("set");
        }
    }
}
