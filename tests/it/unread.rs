//! Looking without reading, and marking as unread.

use chinwag::config::Config;
use serde_json::{Value, json};

use crate::edits::{integer, until_message};
use crate::socket::Socket;
use crate::support::{User, World, room_id, shared_redis};

/// The unread count of a room in a user's list, and the last message that the user has read.
async fn unread(user: &User<'_>, node: usize, room: u64) -> (u64, Value) {
    let list = user.get_json(node, "/api/v1/conversations").await;
    let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("listed");
    (entry["unread"].as_u64().expect("a number"), entry["read_id"].clone())
}

/// Makes a request and waits for its answer: the `done` or the `error`.
async fn ask(socket: &mut Socket, kind: &str, mut payload: Value) -> Value {
    payload["ref"] = json!("a request");
    socket.send(&json!({"type": kind, "payload": payload})).await;
    loop {
        let frame = socket.next().await;
        if frame["payload"]["ref"] == "a request" && frame["type"] != "message_history" {
            return frame;
        }
    }
}

#[tokio::test]
async fn who_peeks_has_read_nothing() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "peeking", &["bob"]).await;
    let mut observer = world.webchat(0, &alice, "ext=1").await;
    let mut reader = world.webchat(1, &bob, "ext=1").await;
    let mut last = Value::Null;
    for number in 0..3 {
        last = alice.send(0, &room_id(room), &number.to_string()).await;
    }
    for peek in [json!(true), json!(true), json!(false), Value::Null] {
        let before = unread(&bob, 0, room).await.0;
        let answer = ask(&mut reader, "fetch_history", json!({"room_id": room, "peek": peek})).await;
        assert_eq!(answer["type"], "done");
        let (count, _) = unread(&bob, 0, room).await;
        if peek == json!(true) {
            assert_eq!((before, count), (3, 3));
        } else {
            assert_eq!(count, 0);
        }
    }
    let told = observer.next_of("message_read").await["payload"].take();
    assert_eq!(told["id"], integer(&last));
    let answer = ask(&mut reader, "fetch_history", json!({"room_id": room, "peek": "yes"})).await;
    assert_eq!(answer["payload"]["code"], "malformed");

    // The document has no such field: a history of its clients is read.
    alice.send(0, &room_id(room), "one more").await;
    let mut plain = world.webchat(1, &bob, "").await;
    plain.send(&json!({"type": "fetch_history", "payload": {"room_id": room, "peek": true}})).await;
    plain.next_of("message_history").await;
    assert_eq!(unread(&bob, 0, room).await.0, 0);
    world.stop().await;
}

/// How far a message has come.
async fn status(user: &User<'_>, message: &Value) -> Value {
    let query = json!({"message_id": integer(message)});
    user.ask(0, "/api/chat/message/status", &query).await.1["status"].take()
}

#[tokio::test]
async fn what_was_peeked_at_is_delivered_and_what_is_marked_then_is_read() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "peeking", &["bob"]).await;
    let id = room_id(room);
    // Bob has no socket: nothing is pushed to him.
    let sent = [alice.send(0, &id, "one").await, alice.send(0, &id, "two").await, alice.send(0, &id, "three").await];
    assert_eq!(status(&alice, &sent[0]).await, "sent");
    let mut reader = world.webchat(1, &bob, "ext=1").await;
    ask(&mut reader, "fetch_history", json!({"room_id": room, "peek": true})).await;
    for message in &sent {
        assert_eq!(status(&alice, message).await, "delivered");
    }
    ask(&mut reader, "mark_read", json!({"room_id": room, "id": integer(&sent[1])})).await;
    for (message, expected) in sent.iter().zip(["read", "read", "delivered"]) {
        assert_eq!(status(&alice, message).await, expected);
    }
    assert_eq!(unread(&bob, 0, room).await.0, 1);
    world.stop().await;
}

async fn marking_and_reading_again(world: &World, room: u64) {
    let (alice, bob) =
        (world.log_in(0, "alice", "your_strong_password").await, world.log_in(1, "bob", "your_strong_password").await);
    let id = room_id(room);
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
    }
    let ids: Vec<u64> = sent.iter().map(integer).collect();
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    let mark = |index: usize| json!({"room_id": room, "id": ids[index]});
    // Nothing is read yet: there is nothing to lower.
    ask(&mut socket, "mark_unread", mark(3)).await;
    assert_eq!(unread(&bob, 0, room).await.0, 5);
    for reading in ["fetch_history", "mark_read"] {
        let payload = if reading == "mark_read" { mark(4) } else { json!({"room_id": room}) };
        assert_eq!(ask(&mut socket, reading, payload.clone()).await["type"], "done");
        assert_eq!(unread(&bob, 0, room).await, (0, json!(ids[4])));
        for (index, expected) in [(3, 2), (1, 4), (4, 4)] {
            assert_eq!(ask(&mut socket, "mark_unread", mark(index)).await["type"], "done");
            for node in [0, 1] {
                let (count, read) = unread(&bob, node, room).await;
                assert_eq!((count, read), (expected, json!(ids[5 - expected as usize - 1])), "{reading} {index}");
            }
        }
        // Looking does not count as reading.
        ask(&mut socket, "fetch_history", json!({"room_id": room, "peek": true})).await;
        assert_eq!(unread(&bob, 1, room).await.0, 4);
        assert_eq!(ask(&mut socket, reading, payload).await["type"], "done");
        assert_eq!(unread(&bob, 0, room).await, (0, json!(ids[4])), "{reading}");
    }
}

#[tokio::test]
async fn what_is_marked_as_unread_is_unread_until_it_is_read_again() {
    let world = World::start(2).await;
    let (alice, _bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "unread", &["bob"]).await;
    marking_and_reading_again(&world, room).await;
    marking_and_reading_again(&world, 1).await;
    world.stop().await;
}

#[tokio::test]
async fn rooms_too_large_for_receipts_are_marked_as_well() {
    let change = |config: &mut Config| config.limits.receipt_members = 1;
    let world = World::start_with(2, shared_redis(), change).await;
    let (alice, _bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "large", &["bob"]).await;
    marking_and_reading_again(&world, room).await;
    world.stop().await;
}

#[tokio::test]
async fn receipts_never_go_back() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "receipts", &["bob"]).await;
    let sent = alice.send(0, &room_id(room), "x").await;
    let mut observer = world.webchat(0, &alice, "ext=1").await;
    let mut reader = world.webchat(1, &bob, "ext=1").await;
    ask(&mut reader, "fetch_history", json!({"room_id": room})).await;
    observer.next_of("message_read").await;
    ask(&mut reader, "mark_unread", json!({"room_id": room, "id": integer(&sent)})).await;
    let status = alice.ask(0, "/api/chat/message/status", &json!({"message_id": integer(&sent)})).await.1;
    assert_eq!(status["status"], "read", "{status}");
    // Reading again is no news to others.
    ask(&mut reader, "fetch_history", json!({"room_id": room})).await;
    assert_eq!(unread(&bob, 0, room).await.0, 0);
    alice.send(0, &room_id(room), "after all that").await;
    assert_eq!(until_message(&mut observer).await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn only_members_mark_messages_that_exist() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "closed", &[]).await;
    let public = alice.make_room(0, "public").await;
    let sent = alice.send(0, &room_id(room), "x").await;
    let shown = alice.send(0, &public, "x").await;
    let number = crate::dialect_clients::room_and_seq_of_uuid(&shown["id"]).0;
    let (mut stranger, mut member) = (world.webchat(0, &bob, "ext=1").await, world.webchat(0, &alice, "ext=1").await);
    for (payload, code) in [
        (json!({"room_id": room, "id": integer(&sent)}), "room_not_found"),
        (json!({"room_id": number, "id": integer(&shown)}), "room_not_found"),
        (json!({"room_id": 1, "id": integer(&sent)}), "message_not_found"),
    ] {
        let answer = ask(&mut stranger, "mark_unread", payload).await;
        assert_eq!(answer["payload"]["code"], code, "{answer}");
    }
    let later = json!({"room_id": room, "id": 99 * 99 + room}); // the message with the seq 99
    let answer = ask(&mut member, "mark_unread", later).await;
    assert_eq!(answer["payload"]["code"], "message_not_found", "{answer}");
    let mut plain = world.webchat(0, &alice, "").await;
    plain.send(&json!({"type": "mark_unread", "payload": {"room_id": room, "id": integer(&sent)}})).await;
    assert_eq!(plain.next().await["type"], "error");
    world.stop().await;
}
