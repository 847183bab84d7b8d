//! Notifications without an open window, against a push service of the tests' own that reads them as a browser would.

mod service;

use chinwag::config::{Config, Durability};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

use self::service::{Browser, PushService};
use crate::command_log::LoggedRedis;
use crate::replicated::Replicated;
use crate::support::{User, World, eventually, ok, room_id, shared_connection, shared_redis};

const SUBSCRIPTIONS: &str = "/api/v1/push/subscriptions";

fn allow_loopback(config: &mut Config) {
    config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    config.push.contact = "mailto:operator@chat.example".to_owned();
}

async fn world(nodes: usize) -> World {
    World::start_with(nodes, shared_redis(), allow_loopback).await
}

async fn subscribe(user: &User<'_>, node: usize, browser: &Browser) -> (u16, Value) {
    user.ask(node, SUBSCRIPTIONS, &browser.description()).await
}

/// A counter of a node.
async fn counted(world: &World, node: usize, name: &str) -> f64 {
    let text =
        world.client.get(world.url(node, "/metrics")).send().await.expect("answered").text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    line.trim().parse().expect("a number")
}

async fn focus(socket: &mut crate::socket::Socket, on: bool) {
    socket.send(&json!({"type": "focus", "payload": {"on": on, "ref": "focus"}})).await;
    socket.next_of("done").await;
}

#[tokio::test]
async fn a_direct_message_and_a_mention_reach_a_browser_that_is_away() {
    let (world, mut service) = (world(2).await, PushService::start().await);
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let key = bob.get_json(1, "/api/v1/push/key").await["public_key"].take();
    assert_eq!(alice.get_json(0, "/api/v1/push/key").await["public_key"], key, "all nodes have one key");
    let browser = service.browser("bob");
    assert_eq!(subscribe(&bob, 1, &browser).await, (201, json!({"message": "Subscribed"})));
    assert_eq!(subscribe(&bob, 0, &browser).await.0, 201, "again is fine");
    let direct = alice.open_direct(0, "bob").await;
    let sent = alice.send(0, &room_id(direct), "hello").await;
    let push = service.next().await;
    let message = browser.read(&push, key.as_str().expect("a key"));
    let id = message["id"].as_u64().expect("an id");
    assert_eq!(message["room"], direct);
    assert_eq!(
        (&message["from"], &message["text"], &message["direct"]),
        (&json!("alice"), &json!("hello"), &json!(true))
    );
    assert!(id > 0 && sent["id"].is_string());
    for (name, value) in [("ttl", "86400"), ("urgency", "high"), ("content-encoding", "aes128gcm")] {
        assert_eq!(push.header(name), value);
    }
    // A mention from the other node, by a client of another document.
    let group = alice.make_group(0, "Team", &["bob"]).await;
    alice.send(1, &room_id(group), "look, @bob").await;
    let mention = service.next().await;
    let message = browser.read(&mention, key.as_str().expect("a key"));
    assert_eq!((&message["name"], &message["text"]), (&json!("Team"), &json!("look, @bob")));
    assert_eq!((&message["room"], &message["direct"]), (&json!(group), &json!(false)));
    assert_eq!(push.body.len(), mention.body.len(), "the length tells nothing");
    assert_ne!(push.header("topic"), mention.header("topic"));
    alice.send(0, &room_id(direct), "again").await;
    assert_eq!(service.next().await.header("topic"), push.header("topic"), "a room has one topic");
    alice.send(0, &room_id(group), "@all of you").await;
    assert_eq!(browser.read(&service.next().await, key.as_str().expect("a key"))["text"], "@all of you");
    eventually("both nodes have counted", async || {
        counted(&world, 0, "chinwag_pushes_sent_total ").await + counted(&world, 1, "chinwag_pushes_sent_total ").await
            == 4.0
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn nobody_is_notified_of_what_they_do_not_want_or_see() {
    let (world, mut service) = (world(2).await, PushService::start().await);
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let (of_alice, of_bob) = (service.browser("alice"), service.browser("bob"));
    assert_eq!(subscribe(&alice, 0, &of_alice).await.0, 201);
    assert_eq!(subscribe(&bob, 0, &of_bob).await.0, 201);
    let (direct, group) = (alice.open_direct(0, "bob").await, alice.make_group(0, "Team", &["bob"]).await);
    let set = async |room: u64, notify: &str| {
        let path = format!("/api/v1/rooms/{room}/settings");
        ok(bob.at(0, Method::PUT, &path).json(&json!({"notify": notify})).send().await).await;
    };
    // A message to the group, and one that mentions its sender alone.
    alice.send(0, &room_id(group), "plain").await;
    alice.send(0, &room_id(group), "I am @alice").await;
    set(group, "none").await;
    alice.send(0, &room_id(group), "muted, @bob").await;
    set(group, "all").await;
    set(direct, "mentions").await;
    alice.send(0, &room_id(direct), "no mention").await;
    set(direct, "all").await;
    // A window with the focus, on the other node.
    let mut window = world.webchat(1, &bob, "ext=1").await;
    focus(&mut window, true).await;
    let key = format!("{}{{u:2}}:focused", world.config.redis.prefix);
    let mut redis = shared_connection(&key);
    let mut is_known =
        |expected: bool| redis::cmd("EXISTS").arg(&key).query::<bool>(&mut redis).expect("answers") == expected;
    eventually("the focus is known", async || is_known(true)).await;
    alice.send(0, &room_id(direct), "in view").await;
    focus(&mut window, false).await;
    eventually("the focus is gone", async || is_known(false)).await;
    alice.send(0, &room_id(direct), "away").await;
    focus(&mut window, true).await;
    eventually("the focus is known again", async || is_known(true)).await;
    window.close().await;
    eventually("a closed window has no focus", async || is_known(false)).await;
    alice.send(0, &room_id(direct), "closed").await;
    let vapid = bob.get_json(0, "/api/v1/push/key").await["public_key"].as_str().expect("a key").to_owned();
    let mut texts = Vec::new();
    while texts.len() < 2 {
        let push = service.next().await;
        assert_eq!(push.path, of_bob.path(), "the sender is not notified");
        texts.push(of_bob.read(&push, &vapid)["text"].as_str().expect("a text").to_owned());
    }
    texts.sort();
    assert_eq!(texts, ["away", "closed"]);
    // A user whom the recipient blocks mentions nobody.
    ok(bob.at(0, Method::PUT, "/api/v1/me/blocks/1").send().await).await;
    alice.send(0, &room_id(group), "blocked, @bob").await;
    ok(bob.at(0, Method::DELETE, "/api/v1/me/blocks/1").send().await).await;
    alice.send(0, &room_id(group), "back, @bob").await;
    assert_eq!(of_bob.read(&service.next().await, &vapid)["text"], "back, @bob");
    world.stop().await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_session_or_at_the_push_service() {
    let (world, mut service) = (world(2).await, PushService::start().await);
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let other = world.log_in(0, "bob", "your_strong_password").await;
    let direct = room_id(alice.open_direct(0, "bob").await);
    let (kept, gone, left, ended) =
        (service.browser("kept"), service.browser("gone"), service.browser("left"), service.browser("ended"));
    for browser in [&kept, &gone, &left] {
        assert_eq!(subscribe(&bob, 1, browser).await.0, 201);
    }
    assert_eq!(subscribe(&other, 0, &ended).await.0, 201);
    service.answer(&gone, &[410]);
    service.answer(&kept, &[503, 429, 201]);
    ok(bob.at(0, Method::DELETE, SUBSCRIPTIONS).json(&json!({"endpoint": left.endpoint()})).send().await).await;
    ok(other.at(0, Method::POST, "/api/v1/auth/logout").send().await).await;
    let key = format!("{}{{u:2}}:push", world.config.redis.prefix);
    let mut redis = shared_connection(&key);
    let mut number = || redis::cmd("HLEN").arg(&key).query::<u64>(&mut redis).expect("answers");
    assert_eq!(number(), 2);
    alice.send(0, &direct, "hello").await;
    // One try at the browser that is gone, three at the one whose service is busy.
    let mut paths = Vec::new();
    while paths.len() < 4 {
        paths.push(service.next().await.path);
    }
    paths.sort();
    assert_eq!(paths, [gone.path(), kept.path(), kept.path(), kept.path()]);
    eventually("the subscription is forgotten", async || number() == 1).await;
    // A ban ends all sessions, and with them the last one.
    world.set_banned("bob", true).await;
    eventually("the session has ended", async || bob.get(0, "rooms").send().await.is_ok_and(|it| it.status() == 401))
        .await;
    eventually("the last one goes with the next message", async || {
        alice.send(0, &direct, "are you there?").await;
        number() == 0
    })
    .await;
    service.assert_quiet();
    world.stop().await;
}

#[tokio::test]
async fn subscriptions_are_bounded_and_lead_to_public_addresses_alone() {
    let (world, service) = (world(1).await, PushService::start().await);
    let bob = world.user(0, "bob").await;
    let browser = service.browser("a");
    let change = |key: &str, value: Value| {
        let mut description = browser.description();
        description[key] = value;
        description
    };
    for (description, code) in [
        (change("endpoint", json!("http://push.example/1")), "invalid"),
        (change("endpoint", json!("https://10.0.0.1/1")), "invalid"),
        (change("endpoint", json!("http://93.184.215.14/1")), "invalid"),
        (change("endpoint", json!("https://user:pass@push.example/1")), "invalid"),
        (change("endpoint", json!("ftp://push.example/1")), "invalid"),
        (change("endpoint", Value::Null), "missing"),
        (change("p256dh", json!("AAAA")), "invalid"),
        (change("p256dh", json!(format!("B{}", "A".repeat(86)))), "invalid"),
        (change("auth", json!("AAAA")), "invalid"),
    ] {
        let (status, answer) = bob.ask(0, SUBSCRIPTIONS, &description).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{description}");
    }
    for number in 0..12 {
        assert_eq!(subscribe(&bob, 0, &service.browser(&number.to_string())).await.0, 201);
    }
    let key = format!("{}{{u:1}}:push", world.config.redis.prefix);
    let kept: Vec<String> = redis::cmd("HVALS").arg(&key).query(&mut shared_connection(&key)).expect("answers");
    assert_eq!(kept.len(), 10);
    assert!(kept.iter().all(|kept| !kept.ends_with("/0") && !kept.ends_with("/1")), "the oldest gave way: {kept:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_server_without_notifications_says_so() {
    let world = World::start_with(1, shared_redis(), |config| config.push.enabled = false).await;
    let bob = world.user(0, "bob").await;
    assert_eq!(bob.at(0, Method::GET, "/api/v1/push/key").send().await.expect("answered").status(), 404);
    let mut window = world.webchat(0, &bob, "ext=1").await;
    focus(&mut window, true).await;
    window.close().await;
    world.stop().await;
}

#[tokio::test]
async fn only_direct_messages_and_mentions_cost_a_look_up() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let (direct, group) = (alice.open_direct(0, "bob").await, alice.make_group(0, "Team", &["bob"]).await);
    let look_ups = || redis.read().iter().filter(|command| command.looks_up_pushes()).count();
    alice.send(0, &room_id(group), "warm").await;
    look_ups();
    for _ in 0..3 {
        alice.send(0, &room_id(group), "plain").await;
    }
    for (room, text) in [(direct, "hello"), (group, "@bob")] {
        assert_eq!(look_ups(), 0, "before {text}");
        alice.send(0, &room_id(room), text).await;
        let mut found = 0;
        eventually("somebody is looked for", async || {
            found += look_ups();
            found > 0
        })
        .await;
        assert_eq!(found, 1, "{text}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_message_notifies_once_when_only_a_retry_is_answered() {
    let redis = Replicated::start(1).await;
    let change = |config: &mut Config| {
        allow_loopback(config);
        config.redis.durability = Durability::Replicas(1);
    };
    let world = World::start_with(1, &redis.master.url(), change).await;
    let mut service = PushService::start().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let browser = service.browser("bob");
    let key = bob.get_json(0, "/api/v1/push/key").await["public_key"].take();
    assert_eq!(subscribe(&bob, 0, &browser).await.0, 201);
    let path = format!("send?room_id={}", room_id(alice.open_direct(0, "bob").await));
    let send = async |text: &str| {
        let body = json!({"message_type": "text", "content": text, "client_id": text});
        alice.post(0, &path).json(&body).send().await.expect("answered").status()
    };
    redis.signal(Signal::SIGSTOP);
    assert_eq!(send("late").await, 503, "no replica has received it");
    redis.signal(Signal::SIGCONT);
    for text in ["late", "late", "last"] {
        eventually(text, async || send(text).await == 200).await;
    }
    for text in ["late", "last"] {
        assert_eq!(browser.read(&service.next().await, key.as_str().expect("a key"))["text"], text);
    }
    world.stop().await;
}
