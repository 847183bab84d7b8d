//! Reactions: seen by clients of `?ext=1` and nobody else, wherever they are stored.

use chinwag::config::Config;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::documents::{document_pages, expect_next};
use crate::edits::{integer, until_message};
use crate::recent_messages::{follow, from_memory};
use crate::socket::Socket;
use crate::support::{Redis, User, World, eventually, ok, room_id, shared_connection, shared_redis};

/// Reacts to a message of document 003. Returns the answer: `done`, or an `error`.
async fn react(socket: &mut Socket, room: u64, message: &Value, emoji: &str, on: bool) -> Value {
    let payload = json!({"room_id": room, "id": integer(message), "emoji": emoji, "on": on, "ref": "a reaction"});
    socket.send(&json!({"type": "react", "payload": payload})).await;
    loop {
        let frame = socket.next().await;
        if frame["payload"]["ref"] == "a reaction" {
            return frame;
        }
    }
}

async fn reacts(socket: &mut Socket, room: u64, message: &Value, emoji: &str, on: bool) {
    let answer = react(socket, room, message, emoji, on).await;
    assert_eq!(answer["type"], "done", "{answer}");
}

/// The reactions to the last message of a room in a history of our own client.
async fn shown(user: &User<'_>, node: usize, room: u64) -> Value {
    let mut socket = user.world.webchat(node, user, "ext=1").await;
    socket.send(&json!({"type": "fetch_history", "payload": {"room_id": room, "page_size": 1}})).await;
    let reactions = socket.next_of("message_history").await["payload"]["messages"][0]["reactions"].take();
    socket.close().await;
    reactions
}

fn token(message: &Value) -> String {
    let id = message["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
    chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").entry.to_string()
}

#[tokio::test]
async fn reactions_are_shown_to_those_who_asked_and_to_nobody_else() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "reactions", &["bob"]).await;
    let id = room_id(room);
    let sent = alice.send(0, &id, "good news").await;
    let pages = async |node| document_pages(&bob, node, room).await;
    pages(0).await; // they are read from now on
    let before = [pages(0).await, pages(1).await];
    let mut told = world.webchat(1, &alice, "ext=1").await;
    let mut documents = world.documents(1, &bob).await;
    let (mut one, mut other) = (world.webchat(0, &alice, "ext=1").await, world.webchat(1, &bob, "ext=1").await);
    reacts(&mut one, room, &sent, "👍", true).await;
    reacts(&mut other, room, &sent, "👍", true).await;
    reacts(&mut other, room, &sent, "❤", true).await;
    reacts(&mut one, room, &sent, "👍", false).await;
    for (user, emoji, on) in [(1, "👍", true), (2, "👍", true), (2, "❤\u{fe0f}", true), (1, "👍", false)] {
        let expected = json!({"room_id": room, "id": integer(&sent), "user_id": user, "emoji": emoji, "on": on});
        assert_eq!(told.next_of("reaction").await["payload"], expected);
    }
    let expected = json!([{"emoji": "👍", "users": [2]}, {"emoji": "❤\u{fe0f}", "users": [2]}]);
    for node in [0, 1] {
        assert_eq!(shown(&bob, node, room).await, expected, "node {node}");
        let list = bob.get_json(node, "/api/v1/conversations").await;
        let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("listed");
        assert_eq!((&entry["last_message"]["reactions"], &entry["unread"]), (&expected, &json!(0)));
        let found = bob.get_json(node, &format!("/api/v1/search?kind=message&q=news&room_id={room}")).await;
        assert_eq!(found[0]["reactions"], expected);
    }
    assert_eq!([pages(0).await, pages(1).await], before, "no document shows them");
    expect_next(&alice, &id, &mut documents).await;
    // Taken back, the message is as before.
    for emoji in ["👍", "❤️"] {
        reacts(&mut other, room, &sent, emoji, false).await;
    }
    let found = bob.get_json(0, &format!("/api/v1/search?kind=message&q=news&room_id={room}")).await;
    assert!(found[0].get("reactions").is_none(), "{found}");
    world.stop().await;
}

#[tokio::test]
async fn what_is_refused() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let eve = world.user(0, "eve").await;
    let room = alice.make_group(0, "refused", &["bob"]).await;
    let (sent, deleted) = (alice.send(0, &room_id(room), "x").await, alice.send(0, &room_id(room), "y").await);
    let path = format!("messages/{}?room_id={}", deleted["id"].as_str().expect("an id"), room_id(room));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    let public = alice.make_room(0, "square").await;
    let shown_to_all = alice.send(0, &public, "x").await;
    let number = crate::dialect_clients::room_and_seq_of_uuid(&shown_to_all["id"]).0;
    let direct = bob.open_direct(0, "alice").await;
    let of_direct = alice.send(0, &room_id(direct), "x").await;
    assert!(alice.at(0, Method::PUT, "/api/v1/me/blocks/2").send().await.expect("answered").status().is_success());
    let mut sockets = [world.webchat(0, &bob, "ext=1").await, world.webchat(0, &eve, "ext=1").await];
    for (case, who, room, message, emoji, code) in [
        ("a word", 0, room, &sent, "good", "invalid"),
        ("two emoji", 0, room, &sent, "👍👍", "invalid"),
        ("nothing", 0, room, &sent, "", "invalid"),
        ("deleted", 0, room, &deleted, "👍", "message_not_found"),
        ("in another room", 0, 1, &sent, "👍", "message_not_found"),
        ("a stranger", 1, room, &sent, "👍", "room_not_found"),
        ("no member of a public room", 1, number, &shown_to_all, "👍", "forbidden"),
        ("blocked", 0, direct, &of_direct, "👍", "blocked"),
    ] {
        let answer = react(&mut sockets[who], room, message, emoji, true).await;
        assert_eq!(answer["payload"]["code"], code, "{case}: {answer}");
    }
    let payload = json!({"room_id": room, "id": integer(&sent), "emoji": "👍", "on": true});
    let mut plain = world.webchat(0, &bob, "").await;
    plain.send(&json!({"type": "react", "payload": payload})).await;
    assert_eq!(plain.next().await["type"], "error");
    assert_eq!(shown(&bob, 0, room).await, Value::Null);
    // Twenty kinds, and the twenty-first where one is taken back.
    let emoji: Vec<String> = (0..21).map(|at| char::from_u32(0x1f600 + at).expect("a face").to_string()).collect();
    for emoji in &emoji[..20] {
        reacts(&mut sockets[0], room, &sent, emoji, true).await;
    }
    let answer = react(&mut sockets[0], room, &sent, &emoji[20], true).await;
    assert_eq!(answer["payload"]["code"], "too_many_reactions", "{answer}");
    reacts(&mut sockets[0], room, &sent, &emoji[3], false).await;
    reacts(&mut sockets[0], room, &sent, &emoji[20], true).await;
    // Again is no change, and is not announced.
    let mut told = world.webchat(0, &alice, "ext=1").await;
    reacts(&mut sockets[0], room, &sent, &emoji[20], true).await;
    reacts(&mut sockets[0], room, &sent, &emoji[3], false).await;
    alice.send(0, &room_id(room), "after all that").await;
    assert_eq!(until_message(&mut told).await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn a_message_takes_a_thousand_reactions() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "x").await;
    let key = format!("{}{{r:1}}", world.config.redis.prefix);
    let mut connection = shared_connection(&key);
    let users = |count: u64| (100..100 + count).map(|user| user.to_string()).collect::<Vec<_>>().join(",");
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    for (count, expected) in [(1000, "error"), (999, "done")] {
        let details = format!("👍 {}", users(count));
        redis::cmd("HSET").arg(format!("{key}:gone")).arg("1:r").arg("1 100").exec(&mut connection).expect("stored");
        redis::cmd("HSET").arg(format!("{key}:amended")).arg("1:r").arg(details).exec(&mut connection).expect("stored");
        assert_eq!(react(&mut socket, 1, &sent, "👍", true).await["type"], expected);
    }
    world.stop().await;
}

#[tokio::test]
async fn reactions_count_as_messages() {
    let by_default = |config: &mut Config| {
        config.limits = Config::defaults().limits;
        config.limits.sign_ins_burst = 1000;
    };
    let world = World::start_with(1, shared_redis(), by_default).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "x").await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    for count in 0.. {
        let answer = react(&mut socket, 1, &sent, "👍", count % 2 == 0).await;
        if answer["type"] == "error" {
            assert_eq!(answer["payload"]["code"], "rate_limited", "{answer}");
            assert!(count >= 29, "{count}");
            break;
        }
        assert!(count < 1000, "nothing is ever refused");
    }
    world.stop().await;
}

#[tokio::test]
async fn who_resumes_gets_all_reactions_that_changed() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "resume", &["bob"]).await;
    let mut sent = Vec::new();
    for number in 0..4 {
        sent.push(alice.send(0, &room_id(room), &number.to_string()).await);
    }
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    reacts(&mut socket, room, &sent[1], "👍", true).await;
    reacts(&mut socket, room, &sent[2], "👍", true).await;
    reacts(&mut socket, room, &sent[2], "👍", false).await;
    reacts(&mut socket, room, &sent[3], "🚀", true).await;
    let mut resuming = world.webchat(1, &bob, "ext=1").await;
    let token = token(&sent[2]);
    resuming.send(&json!({"type": "resume", "payload": {"rooms": {room.to_string(): token}}})).await;
    let expected = [(&sent[1], json!([{"emoji": "👍", "users": [1]}])), (&sent[2], json!([]))];
    for (message, reactions) in expected {
        let frame = resuming.next_of("reactions").await;
        assert_eq!(frame["payload"], json!({"room_id": room, "id": integer(message), "reactions": reactions}));
    }
    let missed = resuming.next_of("new_message").await;
    assert_eq!(missed["payload"]["reactions"], json!([{"emoji": "🚀", "users": [1]}]));
    resuming.next_of("resumed").await;
    world.stop().await;
}

#[tokio::test]
async fn nodes_that_lost_their_subscription_show_what_redis_has() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |_| {}).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "x").await;
    let mut followed = follow(&world, 0, &alice, "messages").await;
    let mut socket = world.webchat(1, &alice, "ext=1").await;
    for round in 0..10 {
        if round % 3 == 0 {
            redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut redis.connection()).expect("killed");
        }
        reacts(&mut socket, 1, &sent, "👍", round % 2 == 0).await;
        reacts(&mut socket, 1, &sent, "🚀", round % 2 == 1).await;
        let expected = json!([{"emoji": if round % 2 == 0 { "👍" } else { "🚀" }, "users": [1]}]);
        for node in [0, 1] {
            assert_eq!(shown(&alice, node, 1).await, expected, "round {round}, node {node}");
        }
    }
    let before = from_memory(&world, 0).await;
    let is_kept = async || {
        assert_eq!(shown(&alice, 0, 1).await, json!([{"emoji": "🚀", "users": [1]}]));
        from_memory(&world, 0).await > before
    };
    eventually("pages come from memory", is_kept).await;
    followed.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_reaction_is_one_script_and_leaves_with_its_message() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "x").await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let cost = redis.cost_now(async || reacts(&mut socket, 1, &sent, "👍", true).await).await;
    assert_eq!((cost.commands["evalsha"], cost.round_trips), (1, 1), "{cost:?}");
    let path = format!("messages/{}", sent["id"].as_str().expect("an id"));
    let deleted = alice.request(0, Method::DELETE, &path).send().await.expect("answered");
    assert_eq!(deleted.status(), StatusCode::OK);
    let key = |name: &str| format!("{}{{r:1}}{name}", world.config.redis.prefix);
    let mut connection = redis.connection();
    let mut fields =
        |name: &str| -> Vec<String> { redis::cmd("HKEYS").arg(key(name)).query(&mut connection).expect("read") };
    assert_eq!((fields(":gone"), fields(":amended")), (vec!["1".to_owned()], vec![]));
    world.stop().await;
}
