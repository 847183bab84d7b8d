//! What clients of the five documents see of a room: exactly what their documents have, whatever else happens there.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::{Destination, DialectClients, SEND_PATHS, SOCKET_KINDS, SocketKind};
use crate::socket::Socket;
use crate::support::{User, World, ok, room_id};

/// What the documents show of a room to a member: the histories of 003, 001, 002 and 000, and the lists of rooms of 003 and
/// 000.
pub async fn document_pages(user: &User<'_>, node: usize, room: u64) -> [Value; 6] {
    let id = room_id(room);
    let mut socket = user.world.webchat(node, user, "").await;
    socket.send(&json!({"type": "fetch_history", "payload": {"room_id": room}})).await;
    let page = socket.next_of("message_history").await;
    socket.close().await;
    [
        user.read(node, &format!("messages?room_id={id}")).await,
        user.get_json(node, &format!("/api/v1/chat/messages?group_id={id}")).await,
        user.ask(node, "/api/chat/history/room", &json!({"room_id": room})).await.1,
        page,
        user.read(node, "rooms").await,
        user.get_json(node, "/api/v1/rooms").await,
    ]
}

/// Sends a message, before which these sockets receive nothing.
pub async fn expect_next(sender: &User<'_>, room: &str, documents: &mut [Socket]) {
    sender.send(0, room, "the next").await;
    for socket in documents {
        let frame = socket.next().await;
        assert!(frame.to_string().contains("the next"), "{frame}");
    }
}

/// The shapes of [`document_pages`]: all keys, and the types of their values.
fn shapes_of_pages() -> [Value; 6] {
    let text_or_null = "string|null";
    let chatroom = json!({
        "id": "string", "sender_id": "number", "sender_name": "string", "message_type": "string", "content": "string",
        "file_url": text_or_null, "file_name": text_or_null, "file_size": "number|null", "timestamp": "string",
        "reply_to": text_or_null
    });
    let last = json!({
        "id": "string", "sender_id": "number", "sender_name": "string", "message_type": "string", "content": "string",
        "timestamp": "string"
    });
    let room = json!({
        "id": "string", "name": "string", "description": text_or_null, "members": ["number"], "created_at": "string",
        "last_message": last
    });
    let messenger = json!({
        "id": "number", "sender_id": "number", "receiver_id": "number", "content": "string", "created_at": "string",
        "status": "string", "message_type": "string", "file_url": text_or_null, "chat_type": "string"
    });
    let webchat = json!({
        "id": "number", "user_id": "number", "username": "string", "content": "string", "is_image": "boolean",
        "created_at": "string"
    });
    let mut envelope = pushed(SocketKind::Envelope);
    envelope["read_by"] = json!([{"user_id": "string", "read_at": "string"}]);
    [
        json!([chatroom]),
        json!({"code": "number", "message": "string", "data": {"messages": [envelope], "total": "number"}}),
        json!({"code": "number", "message": "string", "data": [messenger]}),
        json!({"type": "string", "payload": {"room_id": "number", "messages": [webchat]}}),
        json!([room]),
        json!([{"id": "number", "name": "string", "is_private": "boolean"}]),
    ]
}

/// The shape of a pushed message, the only frame that a document has beside answers.
fn pushed(kind: SocketKind) -> Value {
    match kind {
        SocketKind::Webchat => json!({"type": "string", "payload": {
            "id": "number", "room_id": "number", "user_id": "number", "username": "string", "content": "string",
            "is_image": "boolean", "created_at": "string"
        }}),
        SocketKind::Envelope => json!({
            "message_id": "string", "type": "string", "content": "string", "sender_id": "string",
            "receiver_id": "string", "group_id": "string", "created_at": "string"
        }),
        SocketKind::Messenger => json!({
            "message_id": "number", "type": "string", "chat_type": "string", "sender_id": "number",
            "receiver_id": "number", "message_type": "string", "content": "string", "file_url": "string|null",
            "created_at": "string"
        }),
        SocketKind::Imtypes => json!({
            "id": "string", "type": "string", "content": "string", "senderId": "string", "receiverId": "string",
            "timestamp": "string", "conversationId": "string"
        }),
    }
}

/// Collects where a value has other keys or types than its shape.
fn compare(shape: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    match (shape, value) {
        (Value::Object(wanted), Value::Object(found)) => {
            let is_known = |(key, value): (&String, &Value)| match wanted.get(key) {
                Some(_) => None,
                None => Some(format!("{place}.{key} must not be there: {value}")),
            };
            wrong.extend(found.iter().filter_map(is_known));
            for (key, shape) in wanted {
                compare(shape, found.get(key).unwrap_or(&json!({})), &format!("{place}.{key}"), wrong);
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            found.iter().for_each(|item| compare(&wanted[0], item, &format!("{place}[]"), wrong));
        }
        (Value::String(types), _) if types.split('|').any(|name| name == type_of(value)) => {}
        _ => wrong.push(format!("{place}: {value} instead of {shape}")),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn assert_fits(shape: &Value, value: &Value, what: &str) {
    let mut wrong = Vec::new();
    compare(shape, value, what, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?} in {value}");
}

/// Asks for something beyond the documents and waits until it is done.
pub async fn does(socket: &mut Socket, kind: &str, mut payload: Value) {
    payload["ref"] = json!("a command");
    socket.send(&json!({"type": kind, "payload": payload})).await;
    loop {
        let frame = socket.next().await;
        if frame["payload"]["ref"] == "a command" {
            assert_eq!(frame["type"], "done", "{frame}");
            return;
        }
    }
}

/// All that can happen to the messages with these ids beyond the documents. Returns the texts that are left, oldest first, and
/// those that were pushed meanwhile.
async fn amend(
    (room, ids): (u64, &[u64]),
    (owner, other): (&mut Socket, &mut Socket),
    texts: &[String],
) -> (Vec<String>, Vec<String>) {
    let mut left = texts.to_vec();
    for (index, id) in ids.iter().enumerate() {
        left[index] = format!("edited {index}, @bob");
        does(owner, "edit_message", json!({"room_id": room, "id": id, "content": left[index]})).await;
        for (emoji, on) in [("👍", true), ("🚀", true), ("👍", false)] {
            does(other, "react", json!({"room_id": room, "id": id, "emoji": emoji, "on": on})).await;
        }
        does(owner, "react", json!({"room_id": room, "id": id, "emoji": "🚀", "on": true})).await;
        does(owner, "pin", json!({"room_id": room, "id": id, "on": true})).await;
    }
    does(owner, "pin", json!({"room_id": room, "id": ids[1], "on": false})).await;
    does(other, "mark_unread", json!({"room_id": room, "id": ids[2]})).await;
    does(other, "typing", json!({"room_id": room})).await;
    does(owner, "send_message", json!({"room_id": room, "forwarded_from": ids[0]})).await;
    does(owner, "delete_message", json!({"room_id": room, "id": ids[3]})).await;
    let copy = left[0].clone();
    left.remove(3);
    left.push(copy.clone());
    (left, vec![copy])
}

/// The texts of users in pages of the documents, oldest first.
fn texts_of(pages: &[Value; 6]) -> [Vec<String>; 4] {
    let texts = |list: &Value, is_ascending: bool| {
        let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
        let of_users = list.iter().filter(|it| it["sender_id"] != 0);
        let mut texts: Vec<String> = of_users.map(|it| it["content"].as_str().expect("text").to_owned()).collect();
        if !is_ascending {
            texts.reverse();
        }
        texts
    };
    [
        texts(&pages[0], false),
        texts(&pages[1]["data"]["messages"], false),
        texts(&pages[2]["data"], false),
        texts(&pages[3]["payload"]["messages"], true),
    ]
}

/// Lets two users talk, amend, mention and forward in a room, while both have a client of each document on either node.
async fn talk(world: &World, room: u64, alice: &User<'_>, bob: &User<'_>) {
    let to = Destination { room, other: None };
    let mut clients = vec![
        DialectClients::open(world, 0, alice, 1).await,
        DialectClients::open(world, 1, alice, 1).await,
        DialectClients::open(world, 0, bob, 2).await,
        DialectClients::open(world, 1, bob, 2).await,
    ];
    let mut owner = world.webchat(0, alice, "ext=1").await;
    let mut other = world.webchat(1, bob, "ext=1").await;
    let (mut ids, mut expected) = (Vec::new(), Vec::new());
    for path in SEND_PATHS {
        let text = format!("{path:?} for @bob");
        clients[0].send(path, to, &text).await;
        let pushed = owner.next_of("new_message").await["payload"].take();
        assert_eq!((&pushed["content"], &pushed["mentions"][0]["name"]), (&json!(text), &json!("bob")));
        ids.push(pushed["id"].as_u64().expect("a number"));
        expected.push(text);
    }
    let (mut left, copies) = amend((room, &ids), (&mut owner, &mut other), &expected).await;
    let path = format!("/api/v1/rooms/{room}/settings");
    ok(bob.at(1, Method::PUT, &path).json(&json!({"notify": "none", "pinned": true})).send().await).await;
    alice.send(0, &room_id(room), "the end").await;
    expected.extend(copies);
    for texts in [&mut expected, &mut left] {
        texts.push("the end".to_owned());
    }
    for clients in &mut clients {
        for kind in SOCKET_KINDS {
            for text in &expected {
                let frame = clients.socket(kind).next().await;
                assert_fits(&pushed(kind), &frame, &format!("{kind:?}"));
                let content =
                    if kind == SocketKind::Webchat { &frame["payload"]["content"] } else { &frame["content"] };
                assert_eq!(content, text, "{kind:?}: {frame}");
            }
        }
        clients.socket(SocketKind::Webchat).assert_quiet().await;
    }
    for (user, node) in [(alice, 0), (alice, 1), (bob, 0), (bob, 1)] {
        let pages = document_pages(user, node, room).await;
        for (page, shape) in pages.iter().zip(&shapes_of_pages()) {
            assert_fits(shape, page, &format!("{} on node {node}", user.name));
        }
        assert_eq!(texts_of(&pages), [(); 4].map(|()| left.clone()), "{} on node {node}", user.name);
    }
}

#[tokio::test]
async fn a_group_shows_each_document_what_it_has() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    alice.send(0, "global", "so that every room has a last message").await;
    let room = alice.make_group(0, "documents", &["bob"]).await;
    talk(&world, room, &alice, &bob).await;
    world.stop().await;
}

#[tokio::test]
async fn a_public_room_shows_each_document_what_it_has() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    alice.send(0, "global", "so that every room has a last message").await;
    let id = alice.make_room(0, "documents").await;
    ok(bob.post(1, &format!("rooms/{id}/join")).send().await).await;
    let room: chinwag::domain::RoomId = id.parse().expect("a room");
    talk(&world, room.number().into(), &alice, &bob).await;
    world.stop().await;
}

#[test]
fn other_keys_and_types_are_noticed() {
    let shape = pushed(SocketKind::Webchat);
    let payload = json!({
        "id": 1, "room_id": 1, "user_id": 1, "username": "a", "content": "x", "is_image": false, "created_at": "now"
    });
    assert_fits(&shape, &json!({"type": "new_message", "payload": payload}), "it");
    for (key, value) in [("pinned", json!(true)), ("content", Value::Null), ("id", json!("1"))] {
        let mut other = payload.clone();
        other[key] = value;
        let mut wrong = Vec::new();
        compare(&shape, &json!({"type": "new_message", "payload": other}), "it", &mut wrong);
        assert_eq!(wrong.len(), 1, "{key}: {wrong:?}");
    }
}
