//! Edits that a client or a node has missed.

use serde_json::{Value, json};

use super::{edit, edit_as, integer};
use crate::recent_messages::{follow, from_memory};
use crate::socket::Socket;
use crate::support::{Redis, World, eventually, ok, room_id};

/// The resume token of a message of document 003.
fn token(message: &Value) -> String {
    let id = message["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
    chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").entry.to_string()
}

/// The frames of a resumption, without presence.
async fn resumption(socket: &mut Socket, room: u64, token: &str) -> Vec<Value> {
    socket.send(&json!({"type": "resume", "payload": {"rooms": {room.to_string(): token}}})).await;
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if frame["type"] != "presence" {
            frames.push(frame);
        }
        if matches!(frames.last().and_then(|it| it["type"].as_str()), Some("resumed" | "not_recovered")) {
            return frames;
        }
    }
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter_map(|frame| frame["type"].as_str()).collect()
}

#[tokio::test]
async fn a_client_that_resumes_learns_of_edits() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "edits", &["bob"]).await;
    let id = room_id(room);
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
    }
    for (index, text) in [(1, "one"), (3, "three"), (1, "ONE")] {
        edit_as(&alice, 0, room, &sent[index], text).await;
    }
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    let frames = resumption(&mut socket, room, &token(&sent[2])).await;
    assert_eq!(kinds(&frames), ["message_edited", "new_message", "new_message", "resumed"], "{frames:?}");
    let edited = &frames[0]["payload"];
    assert_eq!((&edited["id"], &edited["content"]), (&json!(integer(&sent[1])), &json!("ONE")));
    assert_eq!(frames[1]["payload"]["content"], "three");
    assert!(frames[1]["payload"]["edited_at"].is_string());
    assert_eq!(frames[2]["payload"]["content"], "4");
    assert!(frames[2]["payload"].get("edited_at").is_none());
    // Document 004 has the new texts of what was missed, and no event.
    let mut flat = world.imtypes(0, &bob, &format!("ext=1&since={id}:{}", token(&sent[2]))).await;
    for text in ["three", "4"] {
        assert_eq!(flat.next().await["content"], text);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_client_that_missed_more_than_a_queue_takes_fetches_the_room() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let mut sent = Vec::new();
    for number in 0..30 {
        sent.push(alice.send(0, "global", &number.to_string()).await);
    }
    let mut writer = world.webchat(0, &alice, "ext=1").await;
    let long = "好".repeat(4990);
    for (index, message) in sent.iter().enumerate() {
        assert_eq!(edit(&mut writer, 1, message, &format!("{index} {long}")).await["type"], "done");
    }
    let mut socket = world.webchat(1, &alice, "ext=1").await;
    let frames = resumption(&mut socket, 1, &token(&sent[29])).await;
    assert_eq!(frames.last().expect("some")["type"], "not_recovered");
    // A page of edited messages is cut as one of sent ones.
    for number in 0..40 {
        let message = alice.send(0, "global", "short").await;
        assert_eq!(edit(&mut writer, 1, &message, &format!("{number} {long}")).await["type"], "done");
    }
    for node in [0, 1] {
        let mut socket = world.webchat(node, &alice, "ext=1").await;
        socket.send(&json!({"type": "fetch_history", "payload": {"room_id": 1, "page_size": 100}})).await;
        let page = socket.next_of("message_history").await["payload"].take();
        let texts: Vec<&str> =
            page["messages"].as_array().expect("a list").iter().filter_map(|it| it["content"].as_str()).collect();
        assert_eq!(page["cut"], true);
        assert!((20..70).contains(&texts.len()) && texts.iter().all(|text| text.len() > 10_000), "{}", texts.len());
        assert!(texts.last().expect("some").starts_with("39 "));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_node_that_lost_its_subscription_learns_of_edits() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |_| {}).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "0").await;
    let mut told = follow(&world, 0, &alice, "messages").await;
    let mut writer = world.webchat(1, &alice, "ext=1").await;
    for round in 1..=10 {
        let text = round.to_string();
        redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut redis.connection()).expect("killed");
        edit(&mut writer, 1, &sent, &text).await;
        assert_eq!(alice.texts(0, "").await, [text.as_str()], "what was acknowledged is shown");
        loop {
            if told.next_of("message_edited").await["payload"]["content"] == text {
                break;
            }
        }
    }
    let before = from_memory(&world, 0).await;
    let is_kept = async || {
        assert_eq!(alice.texts(0, "").await, ["10"]);
        from_memory(&world, 0).await > before
    };
    eventually("pages come from memory", is_kept).await;
    told.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_retry_returns_the_message_as_it_reads_now() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let body = json!({"message_type": "text", "content": "old", "client_id": "c-1"});
    let sent = ok(alice.post(0, "send").json(&body).send().await).await;
    edit_as(&alice, 1, 1, &sent, "new").await;
    let again = ok(alice.post(1, "send").json(&body).send().await).await;
    assert_eq!((&again["id"], &again["content"]), (&sent["id"], &json!("new")));
    world.stop().await;
}
