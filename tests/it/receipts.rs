//! Receipts across two nodes: sent, delivered, read.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::dialect_clients::room_and_seq_of_uuid;
use crate::support::{User, World, answered, eventually, ok, room_id, shared_redis};

/// The integer id of a message of document 003.
pub fn integer(message: &Value) -> u64 {
    let id = message["id"].as_str().expect("text").parse().expect("a UUID");
    chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").to_integer()
}

/// A message's status on both nodes.
async fn statuses(user: &User<'_>, message: &Value) -> [String; 2] {
    let mut found = Vec::new();
    for node in [0, 1] {
        let body = json!({"message_id": integer(message)});
        let (status, body) = user.ask(node, "/api/chat/message/status", &body).await;
        assert_eq!((status, &body["code"]), (200, &json!(200)), "{body}");
        found.push(body["status"].as_str().expect("a word").to_owned());
    }
    found.try_into().expect("two")
}

/// A message's status, which both nodes agree on.
async fn status(user: &User<'_>, message: &Value) -> String {
    let [found, other] = statuses(user, message).await;
    assert_eq!(found, other);
    found
}

async fn becomes(user: &User<'_>, message: &Value, word: &str) {
    eventually(word, async || statuses(user, message).await == [word, word]).await;
}

/// Messages of document 001, newest first.
async fn list(user: &User<'_>, node: usize, query: &str) -> Vec<Value> {
    let mut list = user.get_json(node, &format!("/api/v1/chat/messages?{query}")).await;
    list["data"]["messages"].as_array_mut().expect("a list").drain(..).collect()
}

async fn remove(user: &User<'_>, room: u64, member: u64) {
    let path = format!("/api/v1/rooms/{room}/members/{member}");
    assert_eq!(answered(user.at(0, Method::DELETE, &path).send().await).await.0, 200);
}

async fn add(user: &User<'_>, room: u64, name: &str) {
    let path = format!("/api/v1/rooms/{room}/members");
    assert_eq!(user.ask(0, &path, &json!({"username": name})).await.0, 201);
}

#[tokio::test]
async fn a_message_is_sent_then_delivered_then_read() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    world.user(0, "dave").await;
    let room = alice.make_group(0, "receipts", &["bob", "carol"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "nobody hears this").await;
    assert_eq!(status(&alice, &first).await, "sent");

    let mut of_bob = world.envelope(1, &bob).await;
    let second = alice.send(1, &id, "bob hears this").await;
    of_bob.next().await;
    let mut of_carol = world.imtypes(0, &carol, "").await;
    let third = alice.send(0, &id, "both hear this").await;
    of_carol.next().await;
    becomes(&alice, &third, "delivered").await;
    assert_eq!(status(&bob, &second).await, "sent", "carol has it not");

    list(&bob, 1, &format!("group_id={id}")).await;
    for (message, word) in [(&first, "sent"), (&second, "sent"), (&third, "delivered")] {
        assert_eq!(status(&carol, message).await, word, "only bob has read");
    }
    carol.texts(1, &format!("room_id={id}")).await;
    add(&alice, room, "dave").await;
    for message in [&first, &second, &third] {
        assert_eq!(status(&alice, message).await, "read", "who joined later does not count");
    }
    let fourth = alice.send(0, &id, "dave counts here").await;
    becomes(&alice, &fourth, "sent").await;
    // The histories agree with the status.
    let (_, page) = alice.ask(1, "/api/chat/history/room", &json!({"room_id": room, "page_size": 10})).await;
    let words: Vec<&str> =
        page["data"].as_array().expect("a list").iter().filter_map(|it| it["status"].as_str()).collect();
    assert_eq!(words[0], "sent");
    assert_eq!(words[2..5], ["read", "read", "read"], "{page}");
    world.stop().await;
}

#[tokio::test]
async fn private_messages_are_receipted_in_each_document() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = room_id(alice.open_direct(0, "bob").await);
    let number: chinwag::domain::RoomId = room.parse().expect("an id");
    let mut webchat = world.webchat(1, &bob, "").await;
    for way in 0..4 {
        let sent = alice.send(0, &room, &format!("message {way}")).await;
        becomes(&alice, &sent, "delivered").await;
        match way {
            0 => drop(list(&bob, 1, "receiver_id=1").await),
            1 => drop(
                ok(bob.at(1, Method::POST, "/api/chat/history/private").json(&json!({"user_id": 1})).send().await)
                    .await,
            ),
            2 => drop(bob.texts(0, &format!("room_id={room}")).await),
            _ => {
                webchat.send(&json!({"type": "fetch_history", "payload": {"room_id": number.number()}})).await;
                webchat.next_of("message_history").await;
            }
        }
        assert_eq!(status(&alice, &sent).await, "read", "way {way}");
        let listed = list(&alice, 1, "receiver_id=2&limit=1").await;
        assert_eq!(listed[0]["read_by"].as_array().expect("a list").len(), 1);
        assert_eq!(listed[0]["read_by"][0]["user_id"], "2");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_first_time_of_reading_stays_and_is_told() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_group(0, "times", &["bob", "carol"]).await;
    let id = room_id(room);
    let mut webchat = world.webchat(0, &alice, "ext=1").await;
    let mut imtypes = world.imtypes(1, &alice, "ext=1").await;
    let first = alice.send(0, &id, "first").await;
    bob.texts(1, &format!("room_id={id}&limit=1")).await;
    let told = webchat.next_of("message_read").await["payload"].take();
    assert_eq!((&told["user_id"], &told["room_id"]), (&json!(2), &json!(room)));
    assert_eq!((&told["first_id"], &told["id"]), (&json!(integer(&first)), &json!(integer(&first))));
    let receipt = imtypes.next_of("read_receipt").await;
    assert_eq!((&receipt["senderId"], &receipt["content"]), (&json!("2"), &json!(integer(&first).to_string())));
    assert_eq!((&receipt["timestamp"], &receipt["conversationId"]), (&told["read_at"], &json!(id)));

    let read_at = told["read_at"].as_str().expect("a time").to_owned();
    let in_seconds = format!("{}Z", read_at.split_once('.').expect("milliseconds").0);
    let bobs = json!({"user_id": "2", "read_at": in_seconds});
    assert_eq!(list(&alice, 1, &format!("group_id={id}&limit=1")).await[0]["read_by"], json!([bobs]));
    eventually("the second is another", async || {
        let beat = ok(alice.post(0, "heartbeat").send().await).await;
        beat["timestamp"] != in_seconds.as_str()
    })
    .await;
    let second = alice.send(0, &id, "second").await;
    bob.texts(0, &format!("room_id={id}&limit=2")).await;
    let told = loop {
        let told = webchat.next_of("message_read").await["payload"].take();
        // Alice's own list marked messages as read, too.
        if told["user_id"] == 2 {
            break told;
        }
    };
    let ids = (&told["first_id"], &told["id"]);
    assert_eq!(ids, (&json!(integer(&second)), &json!(integer(&second))), "what was read before is not told again");
    carol.texts(0, &format!("room_id={id}")).await;
    let listed = list(&alice, 0, &format!("group_id={id}&limit=2")).await;
    assert_eq!(listed[1]["read_by"][0], bobs, "the first time stays");
    let readers: Vec<&Value> =
        listed[1]["read_by"].as_array().expect("a list").iter().map(|it| &it["user_id"]).collect();
    assert_eq!(readers, ["2", "3"], "in the order of reading, without the sender");
    world.stop().await;
}

#[tokio::test]
async fn what_was_never_fetched_stays_unread() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let id = room_id(alice.make_group(0, "pages", &["bob"]).await);
    let mut sent = Vec::new();
    for number in 0..25 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
    }
    list(&bob, 1, &format!("group_id={id}&limit=5")).await;
    list(&bob, 0, &format!("group_id={id}&limit=5&offset=10")).await;
    let before = sent[5]["id"].as_str().expect("an id");
    bob.texts(1, &format!("room_id={id}&limit=2&before={before}")).await;
    for (index, message) in sent.iter().enumerate() {
        let is_read = index >= 20 || (10..15).contains(&index) || (3..5).contains(&index);
        assert_eq!(status(&alice, message).await, if is_read { "read" } else { "sent" }, "message {index}");
    }
    let unread: Vec<usize> = (0..25).filter(|index| !matches!(index, 3..5 | 10..15 | 20..)).collect();
    let listed = list(&alice, 1, &format!("group_id={id}&limit=25")).await;
    let found: Vec<usize> = (0..25).filter(|index| listed[24 - index]["read_by"] == json!([])).collect();
    assert_eq!(found, unread);
    world.stop().await;
}

#[tokio::test]
async fn large_rooms_and_the_global_room_keep_no_receipts() {
    let world = World::start_with(2, shared_redis(), |config| config.limits.receipt_members = 2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_group(0, "large", &["bob", "carol"]).await;
    let id = room_id(room);
    for id in ["global", &id] {
        let mut sockets = [world.envelope(1, &bob).await, world.envelope(0, &carol).await];
        let sent = alice.send(0, id, "hello").await;
        for socket in &mut sockets {
            assert_eq!(socket.next().await["content"], "hello");
        }
        for user in [&bob, &carol] {
            user.texts(1, &format!("room_id={id}")).await;
            list(user, 0, &format!("group_id={id}")).await;
        }
        assert_eq!(status(&alice, &sent).await, "sent");
        assert_eq!(list(&bob, 1, &format!("group_id={id}")).await[0]["read_by"], json!([]));
        let conversations = bob.get_json(0, "/api/v1/conversations").await;
        let number = room_and_seq_of_uuid(&sent["id"]).0;
        let entry =
            conversations.as_array().expect("a list").iter().find(|it| it["id"] == number).expect("listed").clone();
        assert_eq!(
            (&entry["unread"], &entry["read_id"]),
            (&json!(0), &json!(integer(&sent))),
            "for oneself it is kept"
        );
    }
    remove(&alice, room, 3).await;
    let sent = alice.send(0, &id, "among two").await;
    bob.texts(1, &format!("room_id={id}")).await;
    assert_eq!(status(&alice, &sent).await, "read", "a room that has become small keeps them");
    world.stop().await;
}

#[tokio::test]
async fn a_socket_that_closes_has_received_what_it_was_shown() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let id = room_id(alice.make_group(0, "goodbye", &["bob"]).await);
    let mut socket = world.envelope(1, &bob).await;
    let mut sent = Vec::new();
    for number in 0..3 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
        socket.next().await;
    }
    assert!(socket.send_raw(Message::Close(None)).await);
    assert_eq!(socket.next_or_end().await, Err(Some(1000)));
    for message in &sent {
        becomes(&alice, message, "delivered").await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_status_is_for_members() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let public = alice.make_room(0, "public").await;
    let group = room_id(alice.make_group(0, "group", &["bob"]).await);
    for id in [&public, &group] {
        let sent = alice.send(0, id, "hello").await;
        for message in [json!(integer(&sent)), json!(integer(&sent) + 1_000_000)] {
            let (status, body) = carol.ask(1, "/api/chat/message/status", &json!({"message_id": message})).await;
            assert_eq!((status, body), (404, json!({"code": 404, "message": "消息不存在"})));
        }
        let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
        ok(alice.request(0, Method::DELETE, &path).send().await).await;
        let (status, _) = alice.ask(1, "/api/chat/message/status", &json!({"message_id": integer(&sent)})).await;
        assert_eq!(status, 404, "a deleted message has none");
    }
    drop(bob);
    world.stop().await;
}

#[tokio::test]
async fn a_status_never_goes_back() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "back", &["bob"]).await;
    let id = room_id(room);
    let sent = alice.send(0, &id, "hello").await;
    bob.texts(1, &format!("room_id={id}")).await;
    assert_eq!(status(&alice, &sent).await, "read");
    remove(&alice, room, 2).await;
    assert_eq!(status(&alice, &sent).await, "read");
    add(&alice, room, "bob").await;
    assert_eq!(status(&alice, &sent).await, "read");
    world.stop().await;
}

#[tokio::test]
async fn a_slow_reader_has_received_all_that_it_reads_in_the_end() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "slow", &["bob"]).await;
    let id = room_id(room);
    let mut socket = world.envelope(0, &bob).await;
    // More than buffers and queues hold.
    let (count, long) = (900, "好".repeat(5000));
    for _ in 0..count {
        alice.send(0, &id, &long).await;
    }
    for _ in 0..count {
        assert_eq!(socket.next().await["content"].as_str().map(str::len), Some(long.len()));
    }
    eventually("all are delivered", async || {
        let body = json!({"room_id": room, "page_size": count});
        let page = ok(alice.at(0, Method::POST, "/api/chat/history/room").json(&body).send().await).await;
        let messages = page["data"].as_array().expect("a list").clone();
        assert_eq!(messages.len(), count);
        let others: Vec<&Value> = messages.iter().map(|it| &it["status"]).filter(|it| *it != "delivered").collect();
        println!("{} not delivered", others.len());
        others.is_empty()
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn marking_up_to_a_message_that_was_deleted_marks_those_before_it() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_group(0, "deleted", &["bob"]).await;
    let id = room_id(room);
    let mut webchat = world.webchat(1, &bob, "ext=1").await;
    let mut imtypes = world.imtypes(0, &bob, "ext=1").await;
    for way in ["webchat", "imtypes"] {
        let mut sent = Vec::new();
        for number in 0..3 {
            sent.push(alice.send(0, &id, &format!("{way} {number}")).await);
        }
        while webchat.next_of("new_message").await["payload"]["id"] != integer(&sent[2]) {}
        let last = integer(&sent[2]).to_string();
        while imtypes.next_of("text").await["id"] != last {}
        let path = format!("messages/{}?room_id={id}", sent[2]["id"].as_str().expect("an id"));
        ok(alice.request(0, Method::DELETE, &path).send().await).await;
        let last = integer(&sent[2]);
        match way {
            "webchat" => webchat.send(&json!({"type": "mark_read", "payload": {"room_id": room, "id": last}})).await,
            _ => {
                let receipt = json!({"type": "read_receipt", "receiverId": id, "content": last.to_string()});
                imtypes.send(&receipt).await;
            }
        }
        for message in &sent[..2] {
            becomes(&alice, message, "read").await;
        }
    }
    // A message that there never was is refused all the same, and a stranger learns nothing of the room.
    let (_, last) = room_and_seq_of_uuid(&alice.send(0, &id, "the last").await["id"]);
    let unknown = chinwag::domain::MessageId {
        room: id.parse().expect("an id"),
        entry: chinwag::domain::EntryId { seq: chinwag::domain::Seq(last + 1), at_ms: 0 },
    };
    let mut strange = world.webchat(1, &carol, "ext=1").await;
    for (socket, code) in [(&mut webchat, "message_not_found"), (&mut strange, "room_not_found")] {
        let payload = json!({"room_id": room, "id": unknown.to_integer()});
        socket.send(&json!({"type": "mark_read", "payload": payload})).await;
        assert_eq!(socket.next_of("error").await["payload"]["code"], code);
    }
    world.stop().await;
}
