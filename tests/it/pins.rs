//! Pinned messages: shown to clients of `?ext=1` and nobody else, wherever they are stored.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::documents::{document_pages, expect_next};
use crate::edits::{edit, integer, until_message};
use crate::recent_messages::{follow, from_memory};
use crate::socket::Socket;
use crate::support::{Redis, User, World, answered, eventually, ok, room_id, shared_connection};

/// Pins a message of document 003. Returns the answer: `done`, or an `error`.
async fn pin(socket: &mut Socket, room: u64, message: &Value, on: bool) -> Value {
    let payload = json!({"room_id": room, "id": integer(message), "on": on, "ref": "a pin"});
    socket.send(&json!({"type": "pin", "payload": payload})).await;
    loop {
        let frame = socket.next().await;
        if frame["payload"]["ref"] == "a pin" {
            return frame;
        }
    }
}

async fn pins(socket: &mut Socket, room: u64, message: &Value, on: bool) {
    let answer = pin(socket, room, message, on).await;
    assert_eq!(answer["type"], "done", "{answer}");
}

/// The texts of the pinned messages of a room.
async fn pinned(user: &User<'_>, node: usize, room: u64) -> Vec<String> {
    let list = user.get_json(node, &format!("/api/v1/rooms/{room}/pins")).await;
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}")).clone();
    assert!(list.iter().all(|message| message["pinned"] == true && message["room_id"] == room), "{list:?}");
    list.iter().map(|message| message["content"].as_str().expect("text").to_owned()).collect()
}

/// The texts of the messages that a history of our own client shows as pinned.
async fn shown(user: &User<'_>, node: usize, room: u64) -> Vec<String> {
    let mut socket = user.world.webchat(node, user, "ext=1").await;
    let payload = json!({"room_id": room, "page_size": 100, "peek": true});
    socket.send(&json!({"type": "fetch_history", "payload": payload})).await;
    let page = socket.next_of("message_history").await["payload"]["messages"].take();
    socket.close().await;
    let mut page = page.as_array().expect("a list").clone();
    page.retain(|message| message.get("pinned").is_some_and(|is_pinned| *is_pinned == true));
    page.iter().rev().map(|message| message["content"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn pins_are_shown_to_those_who_asked_and_to_nobody_else() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "pins", &["bob"]).await;
    let id = room_id(room);
    let mut sent = Vec::new();
    for text in ["one", "two", "three"] {
        sent.push(alice.send(0, &id, text).await);
    }
    let pages = async |node| document_pages(&bob, node, room).await;
    pages(0).await; // they are read from now on
    let before = [pages(0).await, pages(1).await];
    let mut told = world.webchat(1, &bob, "ext=1").await;
    let mut documents = world.documents(1, &bob).await;
    let mut owner = world.webchat(0, &alice, "ext=1").await;
    for (message, on) in [(2, true), (0, true), (1, true), (1, false)] {
        pins(&mut owner, room, &sent[message], on).await;
        let expected = json!({"room_id": room, "id": integer(&sent[message]), "user_id": 1, "on": on});
        assert_eq!(told.next_of("pinned").await["payload"], expected);
    }
    for node in [0, 1] {
        assert_eq!(pinned(&bob, node, room).await, ["three", "one"], "node {node}");
        assert_eq!(shown(&bob, node, room).await, ["three", "one"], "node {node}");
        let list = bob.get_json(node, "/api/v1/conversations").await;
        let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("listed");
        assert_eq!((&entry["last_message"]["pinned"], &entry["pinned"]), (&json!(true), &json!(false)));
        let found = bob.get_json(node, &format!("/api/v1/search?kind=message&q=one&room_id={room}")).await;
        assert_eq!(found[0]["pinned"], true);
    }
    assert_eq!([pages(0).await, pages(1).await], before, "no document shows them");
    expect_next(&alice, &id, &mut documents).await;
    // An edited message stays pinned, a deleted one does not.
    assert_eq!(edit(&mut owner, room, &sent[0], "ONE").await["type"], "done");
    let path = format!("messages/{}?room_id={id}", sent[2]["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    for node in [0, 1] {
        assert_eq!(
            (pinned(&bob, node, room).await, shown(&bob, node, room).await),
            (vec!["ONE".into()], vec!["ONE".into()])
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_refused() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let eve = world.user(0, "eve").await;
    let room = alice.make_group(0, "refused", &["bob"]).await;
    let (sent, deleted) = (bob.send(0, &room_id(room), "x").await, bob.send(0, &room_id(room), "y").await);
    let path = format!("messages/{}?room_id={}", deleted["id"].as_str().expect("an id"), room_id(room));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    let public = alice.make_room(0, "square").await;
    let shown_to_all = alice.send(0, &public, "x").await;
    let square = crate::dialect_clients::room_and_seq_of_uuid(&shown_to_all["id"]).0;
    let everywhere = alice.send(0, "global", "x").await;
    let direct = bob.open_direct(0, "alice").await;
    let of_direct = alice.send(0, &room_id(direct), "x").await;
    let blocked = alice.open_direct(0, "eve").await;
    let of_blocked = alice.send(0, &room_id(blocked), "x").await;
    assert!(alice.at(0, Method::PUT, "/api/v1/me/blocks/3").send().await.expect("answered").status().is_success());
    let mut sockets = Vec::new();
    for user in [&alice, &bob, &eve] {
        sockets.push(world.webchat(0, user, "ext=1").await);
    }
    for (case, who, room, message, code) in [
        ("the owner", 0, room, &sent, ""),
        ("a member", 1, room, &sent, "forbidden"),
        ("a stranger", 2, room, &sent, "room_not_found"),
        ("deleted", 0, room, &deleted, "message_not_found"),
        ("in another room", 0, 1, &sent, "message_not_found"),
        ("no member of a public room", 2, square, &shown_to_all, "forbidden"),
        ("the global room", 0, 1, &everywhere, "forbidden"),
        ("one user of a direct room", 0, direct, &of_direct, ""),
        ("the other", 1, direct, &of_direct, ""),
        ("blocked", 2, blocked, &of_blocked, "blocked"),
    ] {
        let answer = pin(&mut sockets[who], room, message, true).await;
        assert_eq!(answer["payload"]["code"].as_str().unwrap_or_default(), code, "{case}: {answer}");
    }
    let role = alice.at(0, Method::PUT, &format!("/api/v1/rooms/{room}/members/2"));
    ok(role.json(&json!({"role": "admin"})).send().await).await;
    pins(&mut sockets[1], room, &sent, false).await;
    for (room, status) in [(square, 200), (1, 200), (room, 404), (999, 404)] {
        let path = format!("/api/v1/rooms/{room}/pins");
        assert_eq!(answered(eve.at(0, Method::GET, &path).send().await).await.0, status, "{room}");
    }
    // Fifty, and the fifty-first once one is taken away. Again is no change, and is not announced.
    let mut many = Vec::new();
    for number in 0..51 {
        many.push(alice.send(0, &room_id(room), &number.to_string()).await);
    }
    for message in &many[..50] {
        pins(&mut sockets[0], room, message, true).await;
    }
    let answer = pin(&mut sockets[0], room, &many[50], true).await;
    assert_eq!(answer["payload"]["code"], "too_many_pins", "{answer}");
    pins(&mut sockets[0], room, &many[7], false).await;
    pins(&mut sockets[0], room, &many[50], true).await;
    let mut told = world.webchat(0, &bob, "ext=1").await;
    pins(&mut sockets[0], room, &many[50], true).await;
    pins(&mut sockets[0], room, &many[7], false).await;
    alice.send(0, &room_id(room), "after all that").await;
    assert_eq!(until_message(&mut told).await, Vec::<String>::new());
    assert_eq!(pinned(&bob, 0, room).await.len(), 50);
    world.stop().await;
}

#[tokio::test]
async fn pins_of_dropped_messages_do_not_count() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "dropped", &[]).await;
    let key = format!("{}{{r:{room}}}", world.config.redis.prefix);
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    for number in 0..50 {
        let message = alice.send(0, &room_id(room), &number.to_string()).await;
        pins(&mut socket, room, &message, true).await;
    }
    let last = alice.send(0, &room_id(room), "the last").await;
    redis::cmd("XTRIM")
        .arg(format!("{key}:log"))
        .arg(&["MAXLEN", "2"])
        .exec(&mut shared_connection(&key))
        .expect("trimmed");
    pins(&mut socket, room, &last, true).await;
    assert_eq!(pinned(&alice, 0, room).await, ["the last", "49"]);
    world.stop().await;
}

#[tokio::test]
async fn who_resumes_learns_of_pins() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "resume", &["bob"]).await;
    let mut sent = Vec::new();
    for number in 0..4 {
        sent.push(alice.send(0, &room_id(room), &number.to_string()).await);
    }
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    for (message, on) in [(1, true), (2, true), (2, false), (3, true)] {
        pins(&mut socket, room, &sent[message], on).await;
    }
    let id = sent[2]["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
    let token = chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").entry.to_string();
    let mut resuming = world.webchat(1, &bob, "ext=1").await;
    resuming.send(&json!({"type": "resume", "payload": {"rooms": {room.to_string(): token}}})).await;
    for (message, on) in [(1, true), (2, false)] {
        let expected = json!({"room_id": room, "id": integer(&sent[message]), "user_id": 1, "on": on});
        assert_eq!(resuming.next_of("pinned").await["payload"], expected);
    }
    assert_eq!(resuming.next_of("new_message").await["payload"]["pinned"], true);
    resuming.next_of("resumed").await;
    world.stop().await;
}

#[tokio::test]
async fn nodes_that_lost_their_subscription_show_what_redis_has() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "lost", &["bob"]).await;
    let page = format!("messages?room_id={}", room_id(room));
    let sent = alice.send(0, &room_id(room), "x").await;
    let mut followed = follow(&world, 0, &bob, &page).await;
    let mut socket = world.webchat(1, &alice, "ext=1").await;
    for round in 0..10 {
        if round % 3 == 0 {
            redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut redis.connection()).expect("killed");
        }
        let is_on = round % 2 == 0;
        pins(&mut socket, room, &sent, is_on).await;
        let expected: &[&str] = if is_on { &["x"] } else { &[] };
        for node in [0, 1] {
            assert_eq!(shown(&alice, node, room).await, expected, "round {round}, node {node}");
        }
        while followed.next_of("pinned").await["payload"]["on"] != is_on {}
    }
    pins(&mut socket, room, &sent, true).await;
    let before = from_memory(&world, 0).await;
    let is_kept = async || {
        assert_eq!(shown(&alice, 0, room).await, ["x"]);
        from_memory(&world, 0).await > before
    };
    eventually("pages come from memory", is_kept).await;
    followed.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_pin_is_one_script_costs_pages_nothing_and_leaves_with_its_message() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|config| config.messages.tail_bytes = 0).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "costs", &[]).await;
    let page = format!("messages?room_id={}", room_id(room));
    let sent = alice.send(0, &room_id(room), "x").await;
    let before = redis.cost(&alice, async || drop(alice.read(0, &page).await)).await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let cost = redis.cost_now(async || pins(&mut socket, room, &sent, true).await).await;
    assert_eq!((cost.commands["evalsha"], cost.round_trips), (1, 1), "{cost:?}");
    let after = redis.cost(&alice, async || drop(alice.read(0, &page).await)).await;
    assert_eq!((after.commands, after.round_trips), (before.commands, before.round_trips));
    let path = format!("messages/{}?room_id={}", sent["id"].as_str().expect("an id"), room_id(room));
    let deleted = alice.request(0, Method::DELETE, &path).send().await.expect("answered");
    assert_eq!(deleted.status(), StatusCode::OK);
    let key = format!("{}{{r:{room}}}:gone", world.config.redis.prefix);
    let fields: Vec<String> = redis::cmd("HKEYS").arg(key).query(&mut redis.connection()).expect("read");
    assert_eq!(fields.len(), 1, "{fields:?}");
    world.stop().await;
}
