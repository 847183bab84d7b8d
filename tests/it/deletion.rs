//! A deleted message disappears from every document.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{User, World, answered, ok, room_id, shared_redis};

/// Every response that could contain a message of a room.
pub async fn all_that_is_shown(world: &World, user: &User<'_>, node: usize, room: u64) -> String {
    let id = room_id(room);
    let mut shown = Vec::new();
    for path in [
        format!("/api/chat/messages?room_id={id}"),
        "/api/chat/rooms".to_owned(),
        format!("/api/v1/chat/messages?group_id={id}"),
        "/api/v1/conversations".to_owned(),
        format!("/api/v1/search?kind=message&q=secret&room_id={room}"),
    ] {
        shown.push(user.get_json(node, &path).await);
    }
    shown.push(user.ask(node, "/api/chat/history/room", &json!({"room_id": room})).await.1);
    let mut socket = world.webchat(node, user, "ext=1").await;
    socket.send(&json!({"type": "fetch_history", "payload": {"room_id": room}})).await;
    shown.push(socket.next_of("message_history").await);
    socket.send(&json!({"type": "resume", "payload": {"rooms": {room.to_string(): "0-0"}}})).await;
    loop {
        let frame = socket.next().await;
        let is_last = matches!(frame["type"].as_str(), Some("resumed" | "not_recovered"));
        shown.push(frame);
        if is_last {
            return Value::from(shown).to_string();
        }
    }
}

#[tokio::test]
async fn a_deletion_is_seen_and_its_message_is_not_in_every_document() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "secrets", &["bob"]).await;
    let id = room_id(room);
    alice.send(0, &id, "before").await;
    let mut webchat = world.webchat(0, &alice, "ext=1").await;
    let mut imtypes = world.imtypes(1, &alice, "ext=1").await;
    let mut plain = [world.webchat(0, &alice, "").await, world.webchat(1, &bob, "").await];
    let sent = bob.send(1, &id, "secret").await;
    let number = webchat.next_of("new_message").await["payload"]["id"].take();
    let reply = json!({"message_type": "text", "content": "a reply", "reply_to": sent["id"]});
    ok(alice.post(0, &format!("send?room_id={id}")).json(&reply).send().await).await;
    for node in [0, 1] {
        assert!(all_that_is_shown(&world, &alice, node, room).await.contains("secret"));
    }

    // The room's owner deletes it through document 000 on the other node.
    webchat.send(&json!({"type": "delete_message", "payload": {"room_id": room, "id": number}})).await;
    let told = webchat.next_of("message_deleted").await;
    assert_eq!(told["payload"], json!({"room_id": room, "id": number, "user_id": 1}));
    let told = imtypes.next_of("message_deleted").await;
    assert_eq!((&told["id"], &told["conversationId"]), (&json!(number.to_string()), &json!(id)));
    assert_eq!((&told["senderId"], &told["content"]), (&json!("1"), &json!("")));
    for socket in &mut plain {
        assert_eq!(socket.next().await["payload"]["content"], "secret");
        assert_eq!(socket.next().await["payload"]["content"], "a reply");
        socket.assert_quiet().await;
    }
    for node in [0, 1] {
        for user in [&alice, &bob] {
            let shown = all_that_is_shown(&world, user, node, room).await;
            assert!(!shown.contains("secret\""), "{shown}");
            assert!(shown.contains("a reply") && shown.contains("before"), "{shown}");
        }
    }
    // Deleting it again succeeds. Replying to it fails.
    let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
    assert_eq!(answered(bob.request(0, Method::DELETE, &path).send().await).await.0, 200);
    assert_eq!(answered(alice.post(0, &format!("send?room_id={id}")).json(&reply).send().await).await.0, 400);
    let payload = json!({"room_id": room, "content": "x", "reply_to": number});
    webchat.send(&json!({"type": "send_message", "payload": payload})).await;
    assert_eq!(webchat.next_of("error").await["payload"]["message"], "Reply is not valid");
    world.stop().await;
}

#[tokio::test]
async fn the_last_message_of_a_list_is_the_last_that_is_left() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.open_direct(0, "bob").await;
    let id = room_id(room);
    let mut sent = Vec::new();
    for number in 0..3 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
    }
    let last = async |node: usize| {
        let list = bob.get_json(node, "/api/v1/conversations").await;
        let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("listed").clone();
        (entry["last_message"]["content"].clone(), entry["unread"].as_u64().expect("a number"))
    };
    for (message, expected) in sent.iter().rev().zip([("1", 2), ("0", 1)]) {
        let path = format!("messages/{}?room_id={id}", message["id"].as_str().expect("an id"));
        ok(alice.request(0, Method::DELETE, &path).send().await).await;
        for node in [0, 1] {
            assert_eq!(last(node).await, (json!(expected.0), expected.1));
        }
    }
    let path = format!("messages/{}?room_id={id}", sent[0]["id"].as_str().expect("an id"));
    ok(alice.request(1, Method::DELETE, &path).send().await).await;
    assert_eq!(last(0).await, (Value::Null, 0));
    world.stop().await;
}

#[tokio::test]
async fn senders_owners_and_admins_delete() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_group(0, "rights", &["bob", "carol"]).await;
    let id = room_id(room);
    let path = format!("/api/v1/rooms/{room}/members/3");
    answered(alice.at(0, Method::PUT, &path).json(&json!({"role": "admin"})).send().await).await;
    for (sender, deleter, status) in
        [(&alice, &bob, 403), (&carol, &bob, 403), (&bob, &bob, 200), (&bob, &carol, 200), (&alice, &carol, 200)]
    {
        let sent = sender.send(0, &id, "x").await;
        let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
        let found = answered(deleter.request(1, Method::DELETE, &path).send().await).await.0;
        assert_eq!(found, status, "{} by {}", sender.name, deleter.name);
        let mut socket = world.webchat(1, deleter, "ext=1").await;
        let number = crate::dialect_clients::room_and_seq_of_uuid(&sent["id"]);
        let uuid = sent["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
        let integer = chinwag::domain::MessageId::from_uuid(uuid).expect("ours").to_integer();
        socket.send(&json!({"type": "delete_message", "payload": {"room_id": number.0, "id": integer}})).await;
        if status == 403 {
            assert_eq!(socket.next_of("error").await["payload"]["message"], "Not allowed");
        } else {
            socket.assert_quiet().await; // deleting again succeeds and is not announced
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_deletion_is_stored_and_announced_as_other_versions_read_it() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let client = redis::Client::open(shared_redis()).expect("an address");
    let key = |name: &str| format!("{}{{r:1}}{name}", world.config.redis.prefix);
    let mut connection = client.get_connection().expect("Redis answers");
    let mut subscriber = client.get_connection().expect("Redis answers");
    let mut channel = subscriber.as_pubsub();
    channel.subscribe(key(":live")).expect("subscribed");
    let sent = alice.send(0, "global", "x").await;
    let id: String = channel.get_message().and_then(|message| message.get_payload()).expect("announced");
    let id = id.split(' ').nth(1).expect("an id").to_owned();
    let path = format!("messages/{}", sent["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    let announced: String = channel.get_message().and_then(|message| message.get_payload()).expect("announced");
    assert_eq!(announced, format!("d {id} 1 1"));
    let stored: String = redis::cmd("HGET").arg(key(":gone")).arg("1").query(&mut connection).expect("stored");
    let at_ms = stored.strip_suffix(" 1").expect("the user");
    assert!(at_ms.len() == 13 && at_ms.parse::<u64>().is_ok(), "{stored}");
    let revision: u64 = redis::cmd("HGET").arg(key("")).arg("gone").query(&mut connection).expect("stored");
    assert_eq!(revision, 1);
    world.stop().await;
}

#[tokio::test]
async fn amendments_of_kinds_that_are_not_known_are_ignored_and_trimmed_with_the_log() {
    let world = World::start_with(2, shared_redis(), |config| config.messages.max_per_room = 10).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "later", &["bob"]).await;
    let id = room_id(room);
    let sent = alice.send(0, &id, "before").await;
    let client = redis::Client::open(shared_redis()).expect("an address");
    let mut connection = client.get_connection().expect("Redis answers");
    let key = |name: &str| format!("{}{{r:{room}}}{name}", world.config.redis.prefix);
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    for seq in 1..=3 {
        let field = format!("{seq}:z");
        redis::cmd("HSET").arg(key(":gone")).arg(field).arg("12 1 new").exec(&mut connection).expect("stored");
        redis::cmd("HINCRBY").arg(key("")).arg("gone").arg(1).exec(&mut connection).expect("stored");
        let event = format!("z {seq}-12 {seq} 1 12 new");
        redis::cmd("PUBLISH").arg(key(":live")).arg(event).exec(&mut connection).expect("announced");
    }
    for node in [0, 1] {
        assert!(all_that_is_shown(&world, &bob, node, room).await.contains("before"));
    }
    let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    socket.next_of("message_deleted").await;
    for node in [0, 1] {
        assert!(!all_that_is_shown(&world, &bob, node, room).await.contains("before"));
    }
    // Trimmed when the hash has more than four times as many entries as the log may have.
    for number in 0..40 {
        let sent = alice.send(0, &id, &number.to_string()).await;
        let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
        ok(alice.request(0, Method::DELETE, &path).send().await).await;
    }
    let fields: Vec<String> = redis::cmd("HKEYS").arg(key(":gone")).query(&mut connection).expect("read");
    assert!(fields.iter().all(|field| !field.contains(':')), "{fields:?}");
    world.stop().await;
}
