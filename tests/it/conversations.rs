//! A user's list of rooms: unread counts and read cursors, and marking as read over sockets.

use std::io::Read;

use reqwest::Method;
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{User, World, eventually, ok, room_id};

/// A room in a user's list.
async fn entry(user: &User<'_>, node: usize, room: u64) -> Value {
    let list = user.get_json(node, "/api/v1/conversations").await;
    let found = list.as_array().expect("a list").iter().find(|it| it["id"] == room);
    found.unwrap_or_else(|| panic!("room {room} is not listed: {list}")).clone()
}

fn integer(message: &Value) -> u64 {
    let id = message["id"].as_str().expect("text").parse().expect("a UUID");
    chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").to_integer()
}

async fn mark(socket: &mut Socket, room: u64, message: &Value) {
    socket.send(&json!({"type": "mark_read", "payload": {"room_id": room, "id": integer(message)}})).await;
}

#[tokio::test]
async fn unread_numbers_count_what_others_said_above_the_highest_read() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    world.user(0, "carol").await;
    let group = alice.make_group(0, "Project Alpha", &[]).await;
    let id = room_id(group);
    alice.send(0, &id, "before bob").await;
    alice.ask(0, &format!("/api/v1/rooms/{group}/members"), &json!({"username": "bob"})).await;
    assert_eq!(entry(&bob, 1, group).await["unread"], 0, "what was said before they joined is not new");
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
    }
    bob.send(1, &id, "my own").await;
    alice.ask(0, &format!("/api/v1/rooms/{group}/members"), &json!({"username": "carol"})).await;
    let room = entry(&bob, 1, group).await;
    assert_eq!(room["unread"], 5, "neither their own nor the server's: {room}");
    assert_eq!(
        (&room["kind"], &room["name"], &room["read_id"]),
        (&json!("group"), &json!("Project Alpha"), &Value::Null)
    );
    assert_eq!((&room["room_id"], &room["user_id"]), (&json!(id), &Value::Null));

    let path = format!("messages/{}?room_id={id}", sent[4]["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    assert_eq!(entry(&bob, 0, group).await["unread"], 4, "deleted ones do not count");

    // Marked over a socket, a part and then all.
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    let mut observer = world.webchat(0, &alice, "ext=1").await;
    mark(&mut socket, group, &sent[1]).await;
    let told = observer.next_of("message_read").await["payload"].take();
    assert_eq!((&told["user_id"], &told["id"]), (&json!(2), &json!(integer(&sent[1]))));
    // In a cluster the place up to which a user has read may be in another shard than the room, and so be written later.
    let second = integer(&sent[1]);
    eventually("it is kept", async || entry(&bob, 0, group).await["read_id"] == second).await;
    assert_eq!(entry(&bob, 0, group).await["unread"], 2);
    mark(&mut socket, group, &sent[0]).await;
    mark(&mut socket, group, &sent[3]).await;
    eventually("all is read", async || entry(&bob, 1, group).await["unread"] == 0).await;
    assert_eq!(entry(&bob, 1, group).await["read_id"], integer(&sent[3]), "it never goes back");
    mark(&mut socket, group, &sent[4]).await;
    let last = integer(&sent[4]);
    eventually("a deleted message is read too", async || entry(&bob, 1, group).await["read_id"] == last).await;
    world.stop().await;
}

#[tokio::test]
async fn a_direct_room_shows_how_far_the_other_has_read() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.open_direct(0, "bob").await;
    let id = room_id(room);
    let mut of_bob = world.imtypes(1, &bob, "ext=1").await;
    let mut of_alice = world.webchat(0, &alice, "ext=1").await;
    let first = alice.send(0, &id, "one").await;
    let second = alice.send(1, &id, "two").await;
    of_bob.next_of("text").await;
    of_bob.next_of("text").await;
    let room_of_alice = entry(&alice, 1, room).await;
    assert_eq!((&room_of_alice["read_by_other_id"], &room_of_alice["user_id"]), (&Value::Null, &json!(2)));
    assert_eq!(entry(&bob, 1, room).await["unread"], 2);

    let receipt = json!({"type": "read_receipt", "conversationId": id, "content": integer(&second).to_string()});
    of_bob.send(&receipt).await;
    let told = of_alice.next_of("message_read").await["payload"].take();
    assert_eq!((&told["first_id"], &told["id"]), (&json!(integer(&first)), &json!(integer(&second))), "all received");
    assert_eq!(entry(&alice, 0, room).await["read_by_other_id"], integer(&second));
    assert_eq!(entry(&bob, 0, room).await["unread"], 0);
    let receipt = json!({"type": "read_receipt", "conversationId": "global", "content": integer(&second).to_string()});
    of_bob.send(&receipt).await;
    assert_eq!(of_bob.next_of("system").await["content"], "消息不存在", "of another room");
    world.stop().await;
}

#[tokio::test]
async fn a_mark_covers_what_was_received_and_nothing_else() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "marks", &["bob"]).await;
    let id = room_id(room);
    let missed = alice.send(0, &id, "missed").await;
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    let heard = alice.send(0, &id, "heard").await;
    let last = alice.send(0, &id, "last").await;
    socket.next_of("new_message").await;
    socket.next_of("new_message").await;
    mark(&mut socket, room, &last).await;
    let status = async |message: &Value| {
        let (_, body) = alice.ask(0, "/api/chat/message/status", &json!({"message_id": integer(message)})).await;
        body["status"].as_str().expect("a word").to_owned()
    };
    eventually("the last is read", async || status(&last).await == "read").await;
    assert_eq!(status(&heard).await, "read");
    assert_eq!(status(&missed).await, "sent", "never fetched, never pushed");
    world.stop().await;
}

#[tokio::test]
async fn the_list_is_in_the_order_of_activity_and_shows_the_last_message() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let (one, other) = (alice.make_group(0, "one", &["bob"]).await, alice.make_group(0, "other", &["bob"]).await);
    let direct = bob.open_direct(1, "alice").await;
    for (room, text) in [(direct, "first"), (other, "second"), (one, "third"), (1, "fourth"), (other, "fifth")] {
        // Times have milliseconds: the next one must be later.
        let sent = alice.send(0, &room_id(room), text).await;
        eventually("time passes", async || {
            let at = entry(&bob, 1, room).await["active_at"].clone();
            at != entry(&bob, 0, direct).await["active_at"] || room == direct
        })
        .await;
        assert_eq!(entry(&bob, 1, room).await["last_message"]["id"], integer(&sent));
    }
    for node in [0, 1] {
        let list = bob.get_json(node, "/api/v1/conversations").await;
        let order: Vec<&Value> = list.as_array().expect("a list").iter().map(|it| &it["id"]).collect();
        assert_eq!(order, [&json!(other), &json!(1), &json!(one), &json!(direct)]);
        let rooms = bob.get_json(node, "/api/v1/rooms").await;
        let order: Vec<&Value> = rooms.as_array().expect("a list").iter().map(|it| &it["id"]).collect();
        assert_eq!(order, [&json!(other), &json!(1), &json!(one), &json!(direct)]);
        assert!(rooms.as_array().expect("a list").iter().all(|it| it.as_object().is_some_and(|it| it.len() == 3)));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_long_list_is_compressed_for_clients_that_take_it() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    for number in 0..20 {
        alice.make_group(0, &format!("group {number} {}", "名".repeat(80)), &[]).await;
    }
    let ask = async |encoding: &str| {
        let asking = alice.at(0, Method::GET, "/api/v1/conversations").header("accept-encoding", encoding);
        let answer = asking.send().await.expect("answered");
        let used = answer.headers().get("content-encoding").map(|value| value.to_str().expect("text").to_owned());
        (used, answer.bytes().await.expect("a body"))
    };
    let (used, plain) = ask("identity").await;
    assert_eq!(used, None);
    let (used, packed) = ask("br, gzip").await;
    assert_eq!(used.as_deref(), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_ref()).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain);
    assert!(packed.len() * 4 < plain.len(), "{} of {} bytes", packed.len(), plain.len());
    world.stop().await;
}
