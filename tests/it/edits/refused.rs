//! Which edits are refused, and that a refused one changes nothing.

use chinwag::config::Config;
use chinwag::domain::{EntryId, MessageId, RoomId, Seq};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{edit, integer, until_message};
use crate::support::{World, ok, room_id, shared_connection, shared_redis};

/// The id in document 003 of the message with this seq and time.
fn uuid(room: u64, seq: u64, at_ms: u64) -> Uuid {
    let room = u32::try_from(room).ok().and_then(RoomId::new).expect("a room");
    MessageId { room, entry: EntryId { seq: Seq(seq), at_ms } }.to_uuid()
}

fn code(answer: &Value) -> &str {
    assert_eq!(answer["type"], "error", "{answer}");
    answer["payload"]["code"].as_str().expect("a code")
}

#[tokio::test]
async fn only_texts_of_ones_own_are_edited() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let eve = world.user(1, "eve").await;
    let room = alice.make_group(0, "rights", &["bob"]).await;
    let id = room_id(room);
    let of_bob = bob.send(1, &id, "of bob").await;
    let deleted = bob.send(1, &id, "deleted").await;
    let path = format!("messages/{}?room_id={id}", deleted["id"].as_str().expect("an id"));
    ok(bob.request(0, Method::DELETE, &path).send().await).await;
    let post = async |body: Value| ok(bob.post(1, &format!("send?room_id={id}")).json(&body).send().await).await;
    let file = post(json!({"message_type": "file", "content": "a file", "file_url": "https://a.example/b.pdf"})).await;
    let named = post(json!({"message_type": "image", "content": "https://a.example/b.png"})).await;
    let mut own_client = world.webchat(1, &bob, "ext=1").await;
    let payload = json!({"room_id": room, "content": "x", "file_url": "https://a.example/b"});
    own_client.send(&json!({"type": "send_message", "payload": payload})).await;
    own_client.next_of("new_message").await;
    let text_with_file = bob.read(1, &format!("messages?room_id={id}&limit=1")).await[0].take();
    let system = post(json!({"message_type": "system", "content": "a system message"})).await;
    let missing = json!({"id": uuid(room, 99, 1).to_string()});
    let before = bob.read(0, &format!("messages?room_id={id}")).await;

    let mut sockets = [
        world.webchat(0, &alice, "ext=1").await,
        world.webchat(0, &bob, "ext=1").await,
        world.webchat(0, &eve, "ext=1").await,
    ];
    let long = "好".repeat(5001);
    for (case, who, message, content, expected) in [
        ("another's, by the owner", 0, &of_bob, "x", "forbidden"),
        ("of a room that one is not in", 2, &of_bob, "x", "room_not_found"),
        ("deleted", 1, &deleted, "x", "message_not_found"),
        ("never sent", 1, &missing, "x", "message_not_found"),
        ("empty", 1, &of_bob, "", "length"),
        ("too long", 1, &of_bob, &long, "length"),
        ("a file", 1, &file, "x", "not_editable"),
        ("a picture by its address", 1, &named, "x", "not_editable"),
        ("a text with a file", 1, &text_with_file, "x", "not_editable"),
        ("a system message", 1, &system, "x", "not_editable"),
    ] {
        let answer = edit(&mut sockets[who], room, message, content).await;
        assert_eq!(code(&answer), expected, "{case}: {answer}");
    }
    // An id of another room, and what the document does not have.
    let mut bob_s = world.webchat(1, &bob, "ext=1").await;
    let answer = edit(&mut bob_s, 1, &of_bob, "x").await;
    assert_eq!(code(&answer), "message_not_found");
    let mut plain = world.webchat(1, &bob, "").await;
    let payload = json!({"room_id": room, "id": integer(&of_bob), "content": "x"});
    plain.send(&json!({"type": "edit_message", "payload": payload})).await;
    assert_eq!(plain.next().await["type"], "error");
    assert_eq!(bob.read(1, &format!("messages?room_id={id}")).await, before);
    alice.send(0, &id, "after all that").await;
    assert_eq!(until_message(&mut sockets[0]).await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn who_may_not_speak_may_not_edit() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    // Removed from a public room.
    let public = alice.make_room(0, "square").await;
    let sent = bob.send(0, &public, "x").await;
    let number = crate::dialect_clients::room_and_seq_of_uuid(&sent["id"]).0;
    let mut socket = world.webchat(0, &bob, "ext=1").await;
    let path = format!("/api/v1/rooms/{number}/members/2");
    assert!(alice.at(0, Method::DELETE, &path).send().await.expect("answered").status().is_success());
    assert_eq!(code(&edit(&mut socket, number, &sent, "y").await), "forbidden");
    // Blocked by the other user.
    let direct = bob.open_direct(0, "alice").await;
    let sent = bob.send(0, &room_id(direct), "x").await;
    assert!(alice.at(0, Method::PUT, "/api/v1/me/blocks/2").send().await.expect("answered").status().is_success());
    assert_eq!(code(&edit(&mut socket, direct, &sent, "y").await), "blocked");
    world.stop().await;
}

#[tokio::test]
async fn a_message_is_edited_for_a_day() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let key = format!("{}{{r:1}}", world.config.redis.prefix);
    let mut connection = shared_connection(&key);
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let (secs, _): (u64, u64) = redis::cmd("TIME").query(&mut connection).expect("read");
    let minute = 60 * 1000;
    for (seq, age_ms, expected) in [(1, 24 * 60 * minute + minute, "error"), (2, 24 * 60 * minute - minute, "done")] {
        let at_ms = secs * 1000 - age_ms;
        let record = r#"1 {"v":1,"k":"t","n":"alice","t":"old"}"#;
        let entry = format!("{seq}-{at_ms}");
        redis::cmd("XADD")
            .arg(format!("{key}:log"))
            .arg(entry)
            .arg("m")
            .arg(record)
            .exec(&mut connection)
            .expect("stored");
        redis::cmd("HSET").arg(&key).arg("seq").arg(seq).exec(&mut connection).expect("stored");
        let answer = edit(&mut socket, 1, &json!({"id": uuid(1, seq, at_ms).to_string()}), "new").await;
        assert_eq!(answer["type"], expected, "{answer}");
        if expected == "error" {
            assert_eq!(code(&answer), "too_late");
        }
    }
    world.stop().await;
}

/// As an operator gets them who sets nothing.
fn as_by_default(config: &mut Config) {
    config.limits = Config::defaults().limits;
    config.limits.sign_ins_burst = 1000;
}

#[tokio::test]
async fn an_edit_counts_as_a_message() {
    let world = World::start_with(1, shared_redis(), as_by_default).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "x").await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let mut accepted = 0;
    let refusal = loop {
        let answer = edit(&mut socket, 1, &sent, &format!("text {accepted}")).await;
        if answer["type"] == "error" {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 1000, "nothing is ever refused");
    };
    assert!(accepted >= 29, "{accepted}");
    assert_eq!(code(&refusal), "rate_limited");
    assert!(refusal["payload"]["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{refusal}");
    world.stop().await;
}

#[tokio::test]
async fn the_same_text_again_is_no_edit() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "x").await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let mut other = world.webchat(0, &alice, "ext=1").await;
    for text in ["x", "y", "y", "x"] {
        assert_eq!(edit(&mut socket, 1, &sent, text).await["type"], "done");
    }
    for text in ["y", "x"] {
        assert_eq!(other.next_of("message_edited").await["payload"]["content"], text);
    }
    alice.send(0, "global", "after all that").await;
    assert_eq!(until_message(&mut other).await, Vec::<String>::new());
    world.stop().await;
}
