//! For a user who may not know of a room, every document responds as if it did not exist. Direct rooms.

use std::collections::HashSet;

use chinwag::domain::{EntryId, MessageId, RoomId, Seq};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::{Destination, DialectClients, SEND_PATHS, SOCKET_KINDS, room_and_seq};
use crate::socket::Socket;
use crate::support::{User, World, answered, ok, room_id};

/// A room that does not exist.
const NOWHERE: u64 = 77_777;

/// The responses to every request that names a room.
async fn answers(user: &User<'_>, node: usize, room: u64, message: u64) -> Vec<(u16, Value)> {
    let id = room_id(room);
    let text = json!({"message_type": "text", "content": "x"});
    let enveloped = json!({"type": "text", "content": "x", "group_id": id});
    let list = [
        (Method::POST, format!("/api/chat/send?room_id={id}"), text),
        (Method::GET, format!("/api/chat/messages?room_id={id}"), Value::Null),
        (Method::POST, format!("/api/chat/rooms/{id}/join"), Value::Null),
        (Method::POST, format!("/api/chat/rooms/{id}/leave"), Value::Null),
        (Method::POST, "/api/chat/history/room".to_owned(), json!({"room_id": room})),
        (Method::POST, "/api/chat/message/status".to_owned(), json!({"message_id": message})),
        (Method::POST, "/api/v1/chat/message".to_owned(), enveloped),
        (Method::GET, format!("/api/v1/chat/messages?group_id={id}"), Value::Null),
        (Method::POST, format!("/api/v1/group/{id}/members"), json!({"user_id": "3"})),
        (Method::GET, format!("/api/v1/rooms/{room}"), Value::Null),
        (Method::PATCH, format!("/api/v1/rooms/{room}"), json!({"name": "x", "slow_mode_secs": 1})),
        (Method::DELETE, format!("/api/v1/rooms/{room}"), Value::Null),
        (Method::GET, format!("/api/v1/rooms/{room}/members"), Value::Null),
        (Method::POST, format!("/api/v1/rooms/{room}/members"), json!({"username": "carol"})),
        (Method::DELETE, format!("/api/v1/rooms/{room}/members/3"), Value::Null),
        (Method::DELETE, format!("/api/v1/rooms/{room}/members/1"), Value::Null),
        (Method::PUT, format!("/api/v1/rooms/{room}/members/1"), json!({"role": "admin"})),
        (Method::GET, format!("/api/v1/search?kind=message&q=secret&room_id={room}"), Value::Null),
        (Method::GET, format!("/api/v1/rooms/{room}/pins"), Value::Null),
        (Method::PUT, format!("/api/v1/rooms/{room}/settings"), json!({"pinned": true})),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in list {
        let mut request = user.at(node, method, &path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let (status, body) = answered(request.send().await).await;
        answers.push((status, body));
    }
    answers
}

/// The answers of sockets to frames that name a room.
async fn refusals(world: &World, user: &User<'_>, room: u64, message: u64) -> Vec<String> {
    let id = room_id(room);
    let node = 1;
    let mut webchat = world.webchat(node, user, "ext=1").await;
    let mut said = Vec::new();
    let of_room = json!({"room_id": room, "content": "x", "page": 1, "id": message, "on": true});
    for kind in [
        "send_message",
        "fetch_history",
        "delete_message",
        "edit_message",
        "pin",
        "mark_read",
        "mark_unread",
        "typing",
        "join_room",
        "leave_room",
    ] {
        webchat.send(&json!({"type": kind, "payload": of_room})).await;
        said.push(format!("{kind}: {}", webchat.next_of("error").await));
    }
    webchat.send(&json!({"type": "send_message", "payload": {"room_id": 1, "forwarded_from": message}})).await;
    said.push(format!("forwarding: {}", webchat.next_of("error").await));
    webchat.send(&json!({"type": "resume", "payload": {"rooms": {room.to_string(): "1-1"}}})).await;
    said.push(webchat.next_of("not_recovered").await.to_string());
    let mut one = async |mut socket: Socket, frame: Value| {
        socket.send(&frame).await;
        let mut answer = socket.next().await;
        answer["timestamp"].take();
        said.push(answer.to_string());
    };
    one(world.envelope(node, user).await, json!({"type": "text", "content": "x", "group_id": id})).await;
    let frame = json!({"type": "chat", "chat_type": "room", "receiver_id": room, "content": "x"});
    one(world.messenger(node, user).await, frame).await;
    one(world.imtypes(node, user, "").await, json!({"type": "text", "content": "x", "receiverId": id})).await;
    let number = format!("\"room_id\":{room}");
    said.into_iter().map(|text| text.replace(&id, "ROOM").replace(&number, "ROOM")).collect()
}

fn message(room: u64, seq: u64) -> u64 {
    let room = RoomId::new(room.try_into().expect("small")).expect("not zero");
    MessageId { room, entry: EntryId { seq: Seq(seq), at_ms: 0 } }.to_integer()
}

#[tokio::test]
async fn strangers_are_answered_as_if_there_were_no_room() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let carol = world.user(1, "carol").await;
    let group = alice.make_group(0, "closed", &["bob"]).await;
    let direct = alice.open_direct(0, "bob").await;
    for room in [group, direct] {
        alice.send(0, &room_id(room), "secret").await;
        for seq in [1, 2] {
            let (at, nowhere) = (message(room, seq), message(NOWHERE, seq));
            assert_eq!(answers(&carol, 1, room, at).await, answers(&carol, 1, NOWHERE, nowhere).await);
            assert_eq!(
                refusals(&world, &carol, room, at).await,
                refusals(&world, &carol, NOWHERE, nowhere).await,
                "room {room}"
            );
        }
    }
    for (status, body) in answers(&carol, 0, group, message(group, 1)).await {
        assert_eq!(status, 404, "{body}");
    }
    // None of it changed anything.
    let listed = carol.get_json(0, "/api/v1/rooms").await;
    assert_eq!(listed.as_array().expect("a list").len(), 1, "{listed}");
    assert_eq!(bob.texts(0, &format!("room_id={}&limit=1", room_id(direct))).await, ["secret"]);
    let rooms = carol.read(0, "rooms").await;
    assert_eq!(rooms.as_array().expect("a list").len(), 1, "{rooms}");
    world.stop().await;
}

#[tokio::test]
async fn one_direct_room_comes_of_many_who_begin_at_once() {
    let world = World::start(2).await;
    let mut names = Vec::new();
    let mut users = Vec::new();
    for index in 0..6 {
        names.push(format!("user{index}"));
        users.push(world.user(index % 2, &names[index]).await);
    }
    // All pairs, from both sides, on both nodes, by opening and by sending.
    for one in 0..6 {
        for other in 0..one {
            let mut open = Vec::new();
            let mut send = Vec::new();
            for node in [0, 1] {
                for (from, to) in [(one, other), (other, one)] {
                    open.push(users[from].open_direct(node, &names[to]));
                    let body = json!({"type": "text", "content": "hi", "receiver_id": (to + 1).to_string()});
                    let user = &users[from];
                    send.push(async move { user.ask(node, "/api/v1/chat/message", &body).await });
                }
            }
            let (opened, sent) = tokio::join!(join_all(open), join_all(send));
            let mut rooms: HashSet<u64> = opened.into_iter().collect();
            for (status, body) in sent {
                assert_eq!(status, 200, "{body}");
                let id: u64 = body["data"]["message_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
                rooms.insert(room_and_seq(id).0);
            }
            assert_eq!(rooms.len(), 1, "{one} and {other}: {rooms:?}");
            let room = rooms.into_iter().next().expect("one");
            let texts = users[one].texts(0, &format!("room_id={}", room_id(room))).await;
            assert_eq!(texts, ["hi"; 4]);
        }
    }
    for user in &users {
        let rooms = user.get_json(0, "/api/v1/rooms").await;
        assert_eq!(rooms.as_array().expect("a list").len(), 6, "five others and the global room: {rooms}");
    }
    world.stop().await;
}

#[tokio::test]
async fn first_messages_that_begin_a_direct_room_at_once_reach_open_sockets_once() {
    let world = World::start(2).await;
    for pair in 0..8 {
        let (one, other) = (format!("one{pair}"), format!("other{pair}"));
        let (alice, bob) = (world.user(0, &one).await, world.user(1, &other).await);
        let (alice_id, bob_id) = (2 * pair + 1, 2 * pair + 2);
        let mut sockets =
            [world.imtypes(0, &alice, "").await, world.imtypes(1, &bob, "").await, world.imtypes(0, &bob, "").await];
        let send = async |user: &User<'_>, node: usize, to: u64| {
            let body = json!({"type": "text", "content": format!("to {to} by {node}"), "receiver_id": to.to_string()});
            assert_eq!(user.ask(node, "/api/v1/chat/message", &body).await.0, 200);
        };
        tokio::join!(
            send(&alice, 0, bob_id),
            send(&alice, 1, bob_id),
            send(&bob, 0, alice_id),
            send(&bob, 1, alice_id)
        );
        let mut heard = Vec::new();
        for socket in &mut sockets {
            let mut texts = Vec::new();
            for _ in 0..4 {
                let frame = socket.next().await;
                texts.push(frame["content"].as_str().expect("text").to_owned());
            }
            heard.push(texts);
        }
        assert_eq!(heard[0].iter().collect::<HashSet<_>>().len(), 4, "{heard:?}");
        assert!(heard.iter().all(|texts| texts == &heard[0]), "{heard:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn direct_rooms_and_the_global_room_keep_their_members() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    world.user(0, "carol").await;
    let direct = alice.open_direct(0, "bob").await;
    assert_eq!(bob.open_direct(1, "alice").await, direct);

    let status = async |method: Method, path: String, body: Value| {
        answered(alice.at(1, method, &path).json(&body).send().await).await.0
    };
    let id = room_id(direct);
    for room in [direct, 1] {
        assert_eq!(status(Method::DELETE, format!("/api/v1/rooms/{room}/members/1"), json!({})).await, 400);
        assert_eq!(status(Method::DELETE, format!("/api/v1/rooms/{room}/members/2"), json!({})).await, 400);
        let leave = format!("/api/chat/rooms/{}/leave", room_id(room));
        assert_eq!(status(Method::POST, leave, json!({})).await, 400);
    }
    let (_, refusal) = answered(alice.at(0, Method::DELETE, "/api/v1/rooms/1/members/1").send().await).await;
    assert_eq!(refusal, json!({"error": "Nobody leaves the global room", "code": "global_room"}));
    let members = format!("/api/v1/rooms/{direct}/members");
    assert_eq!(status(Method::POST, members, json!({"username": "carol"})).await, 400);
    assert_eq!(status(Method::POST, format!("/api/v1/group/{id}/members"), json!({"user_id": "3"})).await, 400);
    assert_eq!(status(Method::PUT, format!("/api/v1/rooms/{direct}/members/2"), json!({"role": "admin"})).await, 400);

    // A direct room with oneself.
    let myself = json!({"is_private": true, "username": "alice"});
    assert_eq!(status(Method::POST, "/api/v1/rooms".to_owned(), myself).await, 400);
    let myself = json!({"type": "text", "content": "x", "receiver_id": "1"});
    assert_eq!(status(Method::POST, "/api/v1/chat/message".to_owned(), myself).await, 400);
    assert_eq!(status(Method::GET, "/api/v1/chat/messages?receiver_id=1".to_owned(), json!({})).await, 400);
    assert_eq!(status(Method::POST, "/api/chat/history/private".to_owned(), json!({"user_id": 1})).await, 400);
    let mut messenger = world.messenger(0, &alice).await;
    messenger.send(&json!({"type": "chat", "chat_type": "private", "reveiver_id": 1, "content": "x"})).await;
    assert_eq!(messenger.next().await["code"], 400);
    let mut imtypes = world.imtypes(0, &alice, "").await;
    imtypes.send(&json!({"type": "text", "content": "x", "receiverId": "1", "id": "mine"})).await;
    let refusal = imtypes.next().await;
    assert_eq!(
        (&refusal["type"], &refusal["senderId"], &refusal["id"]),
        (&json!("system"), &json!("0"), &json!("mine"))
    );

    // Document 003 reads and writes a direct room but never lists it.
    bob.send(1, &id, "via 003").await;
    assert_eq!(alice.texts(0, &format!("room_id={id}")).await, ["via 003"]);
    let rooms = alice.read(0, "rooms").await;
    assert!(rooms.as_array().expect("a list").iter().all(|room| room["id"] != id.as_str()));
    world.stop().await;
}

#[tokio::test]
async fn nobody_is_written_to_who_does_not_exist() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let body = json!({"type": "text", "content": "x", "receiver_id": "99"});
    assert_eq!(alice.ask(0, "/api/v1/chat/message", &body).await.0, 404);
    let mut messenger = world.messenger(0, &alice).await;
    messenger.send(&json!({"type": "chat", "chat_type": "private", "reveiver_id": 99, "content": "x"})).await;
    assert_eq!(messenger.next().await["code"], 404);
    let mut imtypes = world.imtypes(0, &alice, "").await;
    imtypes.send(&json!({"type": "text", "content": "x", "receiverId": "99"})).await;
    assert_eq!(imtypes.next().await["content"], "用户不存在");
    world.user(0, "bob").await;
    let expected_room = json!({"type": "text", "content": "x", "receiverId": "2", "conversationId": "global"});
    imtypes.send(&expected_room).await;
    assert_eq!(imtypes.next().await["content"], "字段无效: conversationId");
    let page = ok(alice.at(0, Method::GET, "/api/v1/rooms").send().await).await;
    assert_eq!(page.as_array().expect("a list").len(), 1, "no room was made: {page}");
    world.stop().await;
}

#[tokio::test]
async fn sending_joins_a_public_room_in_every_document() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    for (index, path) in SEND_PATHS.into_iter().enumerate() {
        let id = alice.make_room(0, &format!("{path:?}")).await;
        let room = id.parse::<RoomId>().expect("an id").number().into();
        let name = format!("user{index}");
        let user = world.user(1, &name).await;
        assert_eq!(user.texts(1, &format!("room_id={id}")).await.len(), 1, "open to every user's reading");
        let mut clients = DialectClients::open(&world, 1, &user, index as u64 + 2).await;
        let to = Destination { room, other: None };
        clients.send(path, to, "hello").await;
        for kind in SOCKET_KINDS {
            assert_eq!(clients.next_message(kind, to).await.content, "hello", "{path:?} {kind:?}");
        }
        let joined = format!("{name} 加入了聊天室");
        let made = "alice 创建了聊天室".to_owned();
        assert_eq!(alice.texts(0, &format!("room_id={id}")).await, ["hello".to_owned(), joined, made]);
        let members = user.get_json(0, &format!("/api/v1/rooms/{room}/members")).await;
        assert_eq!(members.as_array().expect("a list").len(), 2);
    }
    world.stop().await;
}
