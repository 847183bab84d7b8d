//! Mentions: found in texts of every document, stored with the message, sent to clients of `?ext=1` and nobody else.

use chinwag::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::dialect_clients::{Destination, DialectClients, SEND_PATHS, SOCKET_KINDS};
use crate::edits::{edit, integer, until_message};
use crate::socket::Socket;
use crate::support::{Redis, User, World, ok, room_id};
use crate::unread_numbers::listed;

/// The mentions of the last message of a room in a history of our own client.
async fn shown(user: &User<'_>, node: usize, room: u64) -> Value {
    let mut socket = user.world.webchat(node, user, "ext=1").await;
    let payload = json!({"room_id": room, "page_size": 1, "peek": true});
    socket.send(&json!({"type": "fetch_history", "payload": payload})).await;
    let mentions = socket.next_of("message_history").await["payload"]["messages"][0]["mentions"].take();
    socket.close().await;
    mentions
}

/// The numbers of unread messages and of those that mention the user.
async fn unread(user: &User<'_>, node: usize, room: u64) -> (u64, u64) {
    let entry = listed(user, node, room).await.expect("listed");
    let number = |key: &str| entry[key].as_u64().expect("a number");
    (number("unread"), number("mentions"))
}

/// What follows up to the last message: the seq of each message, and 0 where it is followed by a mention.
async fn told(socket: &mut Socket, last: &Value) -> Vec<u64> {
    let mut seqs = Vec::new();
    loop {
        let frame = socket.next().await;
        let id = frame["payload"]["id"].clone();
        match frame["type"].as_str() {
            Some("new_message") => seqs.push(crate::dialect_clients::room_and_seq(id.as_u64().expect("an id")).1),
            Some("mentioned") => seqs.push(0),
            _ => continue,
        }
        if id == integer(last) && frame["type"] == "mentioned" {
            return seqs;
        }
    }
}

#[tokio::test]
async fn members_are_mentioned_through_every_document_and_no_document_shows_it() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "Bob").await);
    world.user(0, "eve").await;
    let room = alice.make_group(0, "mentions", &["Bob"]).await;
    let to = Destination { room, other: None };
    let mut clients = DialectClients::open(&world, 0, &alice, 1).await;
    let mut readers = DialectClients::open(&world, 1, &bob, 2).await;
    let mut told = world.webchat(1, &bob, "ext=1").await;
    let mut own = world.webchat(0, &alice, "ext=1").await;
    let mut flat = world.imtypes(1, &bob, "ext=1").await;
    let expected = json!([{"user_id": 2, "name": "bob"}]);
    for path in SEND_PATHS {
        clients.send(path, to, "hi @bob and @eve, not bob@example.com").await;
        let message = told.next_of("new_message").await["payload"].take();
        assert_eq!(message["mentions"], expected, "{path:?}");
        let mention = told.next().await;
        let event = json!({"room_id": room, "id": message["id"], "user_id": 1, "username": "alice"});
        assert_eq!(mention, json!({"type": "mentioned", "payload": event}), "{path:?}");
        assert_eq!(shown(&bob, 0, room).await, expected, "{path:?}");
        assert_eq!(own.next_of("new_message").await["payload"]["mentions"], expected);
        for kind in SOCKET_KINDS {
            let frame = readers.socket(kind).next().await;
            assert!(!frame.to_string().contains("mention") && frame.to_string().contains("and @eve"), "{frame}");
        }
        assert_eq!(flat.next_of("text").await.get("mentions"), None);
    }
    let found = bob.get_json(1, &format!("/api/v1/search?kind=message&q=hi&room_id={room}")).await;
    assert_eq!(found[0]["mentions"], expected);
    let entry = listed(&bob, 1, room).await.expect("listed");
    assert_eq!((&entry["last_message"]["mentions"], &entry["mentions"]), (&expected, &json!(SEND_PATHS.len())));
    assert_eq!(unread(&alice, 0, room).await, (0, 0));
    // Nobody is told of their own mention.
    alice.send(0, &room_id(room), "I am @alice").await;
    alice.send(0, &room_id(room), "I said").await;
    for _ in 0..2 {
        let mut frame = own.next().await;
        while frame["type"] == "presence" || frame["type"] == "message_read" {
            frame = own.next().await;
        }
        assert_eq!(frame["type"], "new_message");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_longest_name_of_a_member_counts() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    for name in ["ann", "Ann Lee", "张三", "张三丰", "Straße"] {
        world.user(0, name).await;
    }
    let room = alice.make_group(0, "names", &["ann", "Ann Lee", "张三", "Straße"]).await;
    for (text, expected) in [
        ("@ann", json!([{"user_id": 2, "name": "ann"}])),
        ("@ＡＮＮ!", json!([{"user_id": 2, "name": "ＡＮＮ"}])),
        ("@ann lee and @ann", json!([{"user_id": 3, "name": "ann lee"}, {"user_id": 2, "name": "ann"}])),
        ("@ann @ann @ann", json!([{"user_id": 2, "name": "ann"}])),
        ("@annabel, @张", Value::Null),
        ("问@张三丰吧", json!([{"user_id": 4, "name": "张三"}])),
        ("@STRASSE", json!([{"user_id": 6, "name": "STRASSE"}])),
        ("@\"quoted\" \\@ann", json!([{"user_id": 2, "name": "ann"}])),
        (r#"no mention: ,"at":[2],"as":["ann"]}"#, Value::Null),
    ] {
        alice.send(0, &room_id(room), text).await;
        assert_eq!(shown(&alice, 0, room).await, expected, "{text}");
    }
    world.stop().await;
}

#[tokio::test]
async fn all_are_mentioned_by_the_owner_and_admins_alone() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_group(0, "all", &["bob", "carol"]).await;
    let direct = alice.open_direct(0, "bob").await;
    let role = alice.at(0, Method::PUT, &format!("/api/v1/rooms/{room}/members/2"));
    ok(role.json(&json!({"role": "admin"})).send().await).await;
    let everyone = json!([{"user_id": null, "name": "all"}]);
    for (sender, room, expected) in [
        (&alice, room, &everyone),
        (&bob, room, &everyone),
        (&carol, room, &Value::Null),
        (&alice, direct, &Value::Null),
        (&alice, 1, &Value::Null),
    ] {
        sender.send(0, &room_id(room), "@all hello").await;
        assert_eq!(shown(sender, 0, room).await, *expected, "{} in {room}", sender.name);
    }
    assert_eq!(unread(&alice, 0, room).await, (2, 1));
    assert_eq!(unread(&carol, 0, room).await, (2, 2));
    world.stop().await;
}

#[tokio::test]
async fn unread_mentions_are_counted_by_redis_and_by_nodes() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "counts", &["bob"]).await;
    let id = room_id(room);
    let early = alice.send(0, &id, "@bob: early").await;
    let next = alice.send(0, &id, "@bob @all").await;
    assert_eq!(unread(&bob, 1, room).await, (2, 2));
    // More than Redis counts by itself.
    for number in 0..120 {
        alice.send(0, &id, &number.to_string()).await;
    }
    for node in [0, 1, 0] {
        assert_eq!(unread(&bob, node, room).await, (122, 2), "node {node}");
    }
    let late = alice.send(0, &id, "@bob: late").await;
    assert_eq!(unread(&bob, 1, room).await, (123, 3));
    let path = format!("messages/{}?room_id={id}", early["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    assert_eq!(unread(&bob, 1, room).await, (122, 2));
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    for (command, message, expected) in [
        ("mark_read", &next, (121, 1)),
        ("mark_read", &late, (0, 0)),
        ("mark_unread", &late, (1, 1)),
        ("mark_unread", &next, (122, 2)),
    ] {
        let payload = json!({"room_id": room, "id": integer(message), "ref": "mark"});
        socket.send(&json!({"type": command, "payload": payload})).await;
        socket.next_of("done").await;
        assert_eq!(unread(&bob, 1, room).await, expected, "{command}");
    }
    world.stop().await;
}

#[tokio::test]
async fn who_resumes_is_told_of_mentions_and_so_is_who_lost_the_subscription() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let first = alice.send(0, "global", "first").await;
    let mut following = world.webchat(1, &bob, "ext=1").await;
    let mut last = first.clone();
    for round in 0..5 {
        redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut redis.connection()).expect("killed");
        alice.send(0, "global", &round.to_string()).await;
        last = alice.send(0, "global", "@bob").await;
    }
    let expected: Vec<u64> = (0..5).flat_map(|round| [2 * round + 2, 2 * round + 3, 0]).collect();
    assert_eq!(told(&mut following, &last).await, expected);
    let id = first["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
    let token = chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").entry;
    let mut resuming = world.webchat(0, &bob, "ext=1").await;
    resuming.send(&json!({"type": "resume", "payload": {"rooms": {"1": token.to_string()}}})).await;
    assert_eq!(told(&mut resuming, &last).await, expected);
    resuming.next_of("resumed").await;
    world.stop().await;
}

#[tokio::test]
async fn a_retry_has_the_mentions_of_the_first_try() {
    let world = World::start(1).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let payload = json!({"room_id": 1, "content": "@bob", "client_id": "c-1"});
    for _ in 0..2 {
        socket.send(&json!({"type": "send_message", "payload": payload})).await;
        let message = socket.next_of("new_message").await;
        assert_eq!(message["payload"]["mentions"], json!([{"user_id": 2, "name": "bob"}]));
    }
    world.stop().await;
}

#[tokio::test]
async fn messages_of_one_connection_keep_their_order_whomever_they_mention() {
    let without_limits = |config: &mut Config| config.limits.enabled = false;
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), without_limits).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let mut socket = world.webchat(0, &alice, "").await;
    let texts: Vec<String> =
        (0..40).map(|number| if number % 3 == 0 { format!("@bob {number}") } else { number.to_string() }).collect();
    for text in &texts {
        let payload = json!({"room_id": 1, "content": text, "is_image": false});
        socket.send(&json!({"type": "send_message", "payload": payload})).await;
    }
    for text in &texts {
        assert_eq!(socket.next_of("new_message").await["payload"]["content"], text.as_str());
    }
    world.stop().await;
}

#[tokio::test]
async fn a_mention_takes_one_round_trip_more_and_an_address_none() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    for (text, round_trips) in [("bob@example.com", 1), ("@", 1), ("@bob!", 2), ("@nobody @bob", 2)] {
        let cost = redis.cost(&alice, async || drop(alice.send(0, "global", text).await)).await;
        assert_eq!((cost.commands["evalsha"], cost.round_trips), (1, round_trips), "{text}: {cost:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_edited_message_mentions_whom_its_present_text_does() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_group(0, "edits", &["bob", "carol"]).await;
    let id = room_id(room);
    let message = alice.send(0, &id, "hi @carol").await;
    let mut writing = world.webchat(0, &alice, "ext=1").await;
    let (mut told, mut other) = (world.webchat(1, &bob, "ext=1").await, world.webchat(1, &carol, "ext=1").await);
    let mut plain = world.webchat(1, &bob, "").await;
    let [is_bob, is_carol] =
        [(2, "bob"), (3, "carol")].map(|(user_id, name)| json!({"user_id": user_id, "name": name}));
    let everyone = json!({"user_id": null, "name": "all"});
    for (text, mentions, before, counts) in [
        ("hi @bob and @carol", json!([is_bob, is_carol]), json!([3]), (1, 1)),
        ("hi @bob, @eve", json!([is_bob]), json!([2, 3]), (1, 0)),
        ("hi \"@all\"", json!([everyone]), json!([2]), (1, 1)),
        ("hi @carol", json!([is_carol]), json!([null]), (0, 1)),
        ("hi", json!([]), json!([3]), (0, 0)),
        ("hi again @bob", json!([is_bob]), json!([]), (1, 0)),
    ] {
        assert_eq!(edit(&mut writing, room, &message, text).await["type"], "done");
        let change = told.next_of("mentions_changed").await;
        let expected = json!({
            "room_id": room, "id": integer(&message), "user_id": 1, "mentions": mentions, "before": before
        });
        assert_eq!(change["payload"], expected, "{text}");
        let shown_now = if mentions == json!([]) { Value::Null } else { mentions };
        assert_eq!(shown(&bob, 0, room).await, shown_now, "{text}");
        for node in [0, 1] {
            let counted = (unread(&bob, node, room).await.1, unread(&carol, node, room).await.1);
            assert_eq!(counted, counts, "{text} on node {node}");
        }
    }
    // The mentions are the same, so nobody hears of them again; whoever was mentioned before does not either.
    assert_eq!(edit(&mut writing, room, &message, "hi once more @bob").await["type"], "done");
    alice.send(0, &id, "the end").await;
    let bobs: Vec<String> = until_message(&mut told).await;
    assert_eq!(bobs, ["mentioned", "message_edited"]);
    let carols = until_message(&mut other).await;
    assert_eq!(carols.iter().filter(|kind| *kind == "mentioned").count(), 1, "{carols:?}");
    assert_eq!(until_message(&mut plain).await, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn nodes_count_the_mentions_of_edited_messages() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "counts", &["bob"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "@bob").await;
    let second = alice.send(0, &id, "hello").await;
    // More than Redis counts by itself.
    for number in 0..120 {
        alice.send(0, &id, &number.to_string()).await;
    }
    assert_eq!(unread(&bob, 1, room).await, (122, 1));
    let mut writing = world.webchat(0, &alice, "ext=1").await;
    for (message, text, mentions) in
        [(&second, "hello @all", 2), (&first, "nobody", 1), (&second, "hello", 0), (&first, "@bob again", 1)]
    {
        assert_eq!(edit(&mut writing, room, message, text).await["type"], "done");
        for node in [0, 1] {
            assert_eq!(unread(&bob, node, room).await, (122, mentions), "{text} on node {node}");
        }
    }
    let path = format!("messages/{}?room_id={id}", first["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    assert_eq!(unread(&bob, 1, room).await, (121, 0));
    world.stop().await;
}

#[tokio::test]
async fn an_edit_takes_one_round_trip_and_one_more_to_look_names_up() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let message = alice.send(0, "global", "first").await;
    let mut writing = world.webchat(0, &alice, "ext=1").await;
    for (text, round_trips) in [("bob@example.com", 1), ("hi @bob", 2), ("hi", 1)] {
        let cost = redis.cost(&alice, async || drop(edit(&mut writing, 1, &message, text).await)).await;
        assert_eq!((cost.commands["evalsha"], cost.round_trips), (1, round_trips), "{text}: {cost:?}");
    }
    world.stop().await;
}
