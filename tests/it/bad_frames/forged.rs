//! Fields that only the server decides, set by clients; and numbers at the limits.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Dialect, Stage, room_id, world};
use crate::raw_socket::{Incoming, RawSocket};

async fn next(raw: &mut RawSocket) -> Value {
    match super::next_of(raw).await {
        Incoming::Text(frame) => frame,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sender_id_and_time_are_never_taken_from_a_client() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let group = stage.known.group;
    let forged = json!({
        "id": "9007199254740991", "message_id": "1", "sender_id": 2, "senderId": "2", "user_id": 2, "username": "李四",
        "sender": "李四", "timestamp": "1999-01-01T00:00:00Z", "created_at": "1999-01-01T00:00:00Z", "role": "admin",
        "status": "read", "seq": 1,
    });
    for dialect in super::ALL {
        let mut frame = dialect.say(group, "伪造");
        let webchat = matches!(dialect, Dialect::Webchat | Dialect::WebchatExt);
        let inside = if webchat { &mut frame["payload"] } else { &mut frame };
        for (name, value) in forged.as_object().expect("an object") {
            inside[name] = value.clone();
        }
        // Some ids of clients have another meaning in another document.
        if webchat || dialect == Dialect::Envelope || dialect == Dialect::Messenger {
            inside["client_id"] = json!(format!("{dialect:?}"));
        } else {
            inside["id"] = json!(format!("{dialect:?}"));
        }
        let mut raw = stage.connection(dialect).await;
        raw.send_text(&frame.to_string()).await;

        let own = next(&mut raw).await;
        let pushed = next(&mut stage.innocent).await;
        let pushed = &pushed["payload"];
        assert_eq!((&pushed["user_id"], &pushed["username"]), (&json!(1), &json!("张三")), "{dialect:?}: {pushed}");
        assert!(pushed["created_at"].as_str().is_some_and(|time| time > "2020"), "{dialect:?}: {pushed}");
        assert!(pushed["id"].as_u64().is_some_and(|id| id > stage.known.message), "{dialect:?}: {pushed}");
        let text = own.to_string();
        assert!(!text.contains("1999") && !text.contains("admin") && !text.contains("9007199254740991"), "{text}");
        if !webchat {
            let sender = own.get("sender_id").or(own.get("senderId")).expect("a sender");
            assert!(*sender == json!(1) || *sender == json!("1"), "{own}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn history_at_the_edge_of_numbers_is_empty_or_capped() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let mut raw = stage.connection(Dialect::Webchat).await;
    let group = stage.known.group;
    for (page, size, count) in [
        (json!(i64::MAX), json!(1000), 0),
        (json!(i64::MAX), json!(i64::MAX), 0),
        (json!(2), json!(i64::MAX), 0),
        (json!(1), json!(i64::MAX), 1),
        (Value::Null, Value::Null, 1),
        (json!(1), json!(1), 1),
        (json!(2), json!(1), 0),
    ] {
        let payload = json!({"room_id": group, "page": page, "page_size": size});
        raw.send_text(&json!({"type": "fetch_history", "payload": payload}).to_string()).await;
        let frame = next(&mut raw).await;
        assert_eq!(frame["type"], "message_history", "{frame}");
        assert_eq!(frame["payload"]["messages"].as_array().map(Vec::len), Some(count), "{page} {size}: {frame}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_foreign_room_answers_like_one_that_does_not_exist() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let (foreign, none) = (stage.known.foreign, super::NO_ROOM);
    for dialect in super::ALL {
        let mut raw = stage.connection(dialect).await;
        let mut answers = Vec::new();
        for number in [foreign, none] {
            raw.send_text(&dialect.say(number, "a").to_string()).await;
            let mut answer = next(&mut raw).await;
            // 004's refusal names the room.
            if answer["conversationId"] == room_id(number) {
                answer["conversationId"] = Value::Null;
            }
            answer["timestamp"] = Value::Null;
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "{dialect:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_client_library_goes_on_after_a_refusal() {
    let world = world().await;
    let (zhang, li) = (world.user(0, "张三").await, world.user(0, "李四").await);
    let group = zhang.make_group(0, "项目", &["李四"]).await;
    let (mut own, mut other) = (world.envelope(0, &zhang).await, world.envelope(0, &li).await);
    assert!(own.send_raw(Message::binary(b"binary".to_vec())).await);
    assert_eq!(own.next().await, super::texts::malformed(Dialect::Envelope));
    own.send(&Dialect::Envelope.say(group, "你好")).await;
    for socket in [&mut own, &mut other] {
        assert_eq!(socket.next().await["content"], "你好");
    }
    world.stop().await;
}
