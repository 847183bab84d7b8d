//! The same client id through every document and node stores a message once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::{room_and_seq, room_and_seq_of_uuid};
use crate::support::{User, World, answered, room_id};

/// Room and seq in the answer to each way of sending.
async fn send(
    world: &World,
    user: &User<'_>,
    way: usize,
    node: usize,
    room: u64,
    text: &str,
) -> Result<(u64, u64), Value> {
    let (id, key) = (room_id(room), "client-id-1");
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).map(room_and_seq);
    match way {
        0 => {
            let mut socket = world.webchat(node, user, "ext=1").await;
            let payload = json!({"room_id": room, "content": text, "client_id": key});
            socket.send(&json!({"type": "send_message", "payload": payload})).await;
            let frame = socket.next().await;
            number(&frame["payload"]["id"]).ok_or(frame)
        }
        1 | 2 => {
            let mut body = json!({"type": "text", "content": text, "group_id": id});
            let mut request = user.at(node, Method::POST, "/api/v1/chat/message");
            match way {
                1 => body["client_id"] = json!(key),
                _ => request = request.header("Idempotency-Key", key),
            }
            let (_, body) = answered(request.json(&body).send().await).await;
            number(&body["data"]["message_id"]).ok_or(body)
        }
        3 => {
            let mut socket = world.envelope(node, user).await;
            socket.send(&json!({"type": "text", "content": text, "group_id": id, "client_id": key})).await;
            let frame = socket.next().await;
            number(&frame["message_id"]).ok_or(frame)
        }
        4 => {
            let mut socket = world.messenger(node, user).await;
            let frame =
                json!({"type": "chat", "chat_type": "room", "receiver_id": room, "content": text, "client_id": key});
            socket.send(&frame).await;
            let frame = socket.next().await;
            number(&frame["message_id"]).ok_or(frame)
        }
        5 => {
            let body = json!({"message_type": "text", "content": text, "client_id": key});
            let (status, body) =
                answered(user.post(node, &format!("send?room_id={id}")).json(&body).send().await).await;
            if status == 200 { Ok(room_and_seq_of_uuid(&body["id"])) } else { Err(body) }
        }
        _ => {
            let mut socket = world.imtypes(node, user, "ext=1").await;
            socket.send(&json!({"id": key, "type": "text", "content": text, "receiverId": id})).await;
            let frame = socket.next().await;
            if frame["senderId"] == "0" {
                return Err(frame);
            }
            assert_eq!(frame["clientId"], key, "the sender finds it by its own id");
            number(&frame["id"]).ok_or(frame)
        }
    }
}

#[tokio::test]
async fn a_client_id_means_one_message_in_every_document_on_every_node() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "once", &["bob"]).await;
    let mut listener = world.webchat(1, &bob, "").await;
    let first = send(&world, &alice, 5, 0, room, "once").await.expect("stored");
    for way in 0..7 {
        for node in [0, 1] {
            assert_eq!(send(&world, &alice, way, node, room, "once").await, Ok(first), "way {way} on {node}");
        }
    }
    let refusals = [
        json!({"type": "error", "payload": {
            "message": "This client id was used for another message", "code": "client_id_reused", "client_id": "client-id-1"
        }}),
        json!(409),
        json!(409),
        json!(409),
        json!(409),
        json!({"detail": "该消息标识已用于其他消息"}),
        json!("该消息 id 已用于其他消息"),
    ];
    for (way, refusal) in refusals.into_iter().enumerate() {
        let answer = send(&world, &alice, way, way % 2, room, "another").await.expect_err("refused");
        let found = match way {
            1..=4 => answer["code"].clone(),
            6 => {
                assert_eq!(
                    (&answer["type"], &answer["id"], &answer["conversationId"], &answer["receiverId"]),
                    (&json!("system"), &json!("client-id-1"), &json!(room_id(room)), &json!("1"))
                );
                answer["content"].clone()
            }
            _ => answer,
        };
        assert_eq!(found, refusal, "way {way}");
    }
    // The same id of another user, or in another room, is a different one.
    let others = send(&world, &bob, 1, 1, room, "once").await.expect("stored");
    assert_eq!(others, (room, first.1 + 1));
    let elsewhere = send(&world, &alice, 1, 1, 1, "once").await.expect("stored");
    assert_eq!(elsewhere, (1, 1));
    for (number, user) in [(room, 1), (room, 2), (1, 1)] {
        let payload = listener.next().await["payload"].take();
        assert_eq!((&payload["room_id"], &payload["user_id"]), (&json!(number), &json!(user)), "told once");
    }
    listener.assert_quiet().await;
    world.stop().await;
}

#[tokio::test]
async fn racing_first_messages_of_a_pair_with_one_client_id_are_one() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let mut listener = world.imtypes(1, &bob, "").await;
    let body = json!({"type": "text", "content": "once", "receiver_id": "2", "client_id": "first"});
    let tries = (0..8).map(|index| alice.ask(index % 2, "/api/v1/chat/message", &body));
    let answers = futures_util::future::join_all(tries).await;
    for (status, body) in &answers {
        assert_eq!((*status, body), (200, &answers[0].1));
    }
    assert_eq!(listener.next().await["content"], "once");
    alice.ask(0, "/api/v1/chat/message", &json!({"type": "text", "content": "next", "receiver_id": "2"})).await;
    assert_eq!(listener.next().await["content"], "next");
    world.stop().await;
}

#[tokio::test]
async fn a_retry_after_the_deletion_is_refused_in_every_document() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "gone", &[]).await;
    let id = room_id(room);
    let body = json!({"message_type": "text", "content": "secret", "client_id": "client-id-1"});
    let (_, sent) = answered(alice.post(0, &format!("send?room_id={id}")).json(&body).send().await).await;
    let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
    assert_eq!(answered(alice.request(0, Method::DELETE, &path).send().await).await.0, 200);
    for way in 0..7 {
        let answer = send(&world, &alice, way, way % 2, room, "secret").await.expect_err("refused");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    world.stop().await;
}

#[test]
fn routes_that_take_a_client_id_document_that_it_may_have_been_used() {
    let document = serde_json::to_value(chinwag::node::openapi()).expect("JSON");
    for route in ["/api/chat/send", "/api/chat/upload", "/api/v1/chat/message"] {
        assert!(document["paths"][route]["post"]["responses"]["409"].is_object(), "{route}");
    }
}
