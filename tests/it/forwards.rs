//! Forwarded messages: copies that the server makes, with the origin for clients of `?ext=1`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::edits::{edit, integer};
use crate::socket::Socket;
use crate::support::{User, World, ok, room_id};
use crate::uploads::upload_picture;

/// Forwards a message. Returns the copy, or the payload of an error.
async fn forward(socket: &mut Socket, room: u64, id: u64, more: &Value) -> Value {
    let mut payload = json!({"room_id": room, "forwarded_from": id});
    for (key, value) in more.as_object().expect("an object") {
        payload[key] = value.clone();
    }
    socket.send(&json!({"type": "send_message", "payload": payload})).await;
    loop {
        let mut frame = socket.next().await;
        let is_copy = frame["type"] == "new_message" && frame["payload"]["room_id"] == room;
        if is_copy || frame["type"] == "error" {
            return frame["payload"].take();
        }
    }
}

async fn delete(user: &User<'_>, room: u64, message: &Value) {
    let path = format!("messages/{}?room_id={}", message["id"].as_str().expect("an id"), room_id(room));
    ok(user.request(0, Method::DELETE, &path).send().await).await;
}

#[tokio::test]
async fn a_copy_is_what_the_original_reads_and_names_its_sender() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let from = alice.make_group(0, "from", &["bob"]).await;
    let to = alice.make_group(0, "to", &["bob"]).await;
    let mut writer = world.webchat(1, &bob, "ext=1").await;
    let original = bob.send(1, &room_id(from), "@alice: a misteak").await;
    assert_eq!(edit(&mut writer, from, &original, "@alice: a mistake").await["type"], "done");
    let mut documents = world.documents(1, &bob).await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let more = json!({"content": "I love it", "message_type": "image", "file_url": "https://example.com/a.png"});
    let copy = forward(&mut socket, to, integer(&original), &more).await;
    assert_eq!(
        (&copy["content"], &copy["message_type"], &copy["file_url"]),
        (&json!("@alice: a mistake"), &json!("text"), &Value::Null)
    );
    assert!(copy.get("mentions").is_none() && copy.get("edited_at").is_none(), "{copy}");
    let origin = copy["forwarded_from"].clone();
    let created_at = origin["created_at"].as_str().expect("a time");
    let expected = json!({
        "id": integer(&original), "room_id": from, "user_id": 2, "username": "bob", "created_at": created_at
    });
    assert_eq!(origin, expected);
    for socket in &mut documents {
        let frame = socket.next().await;
        assert!(frame.to_string().contains("a mistake") && !frame.to_string().contains("forwarded"), "{frame}");
    }
    // A copy of the copy names the first origin, also once that is deleted.
    delete(&bob, from, &original).await;
    let again = forward(&mut socket, from, copy["id"].as_u64().expect("an id"), &json!({})).await;
    assert_eq!((&again["content"], &again["forwarded_from"]), (&copy["content"], &origin));
    for node in [0, 1] {
        let found = bob.get_json(node, &format!("/api/v1/search?kind=message&q=mistake&room_id={from}")).await;
        assert_eq!(found[0]["forwarded_from"], origin);
    }
    // Copies are not their sender's words.
    let payload = json!({"room_id": to, "id": copy["id"], "content": "I made it up", "ref": "an edit"});
    socket.send(&json!({"type": "edit_message", "payload": payload})).await;
    assert_eq!(socket.next_of("error").await["payload"]["code"], "not_editable");
    world.stop().await;
}

#[tokio::test]
async fn files_are_forwarded() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    world.user(0, "bob").await;
    let direct = alice.open_direct(0, "bob").await;
    let url = upload_picture(&alice, 0).await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let payload = json!({"room_id": 1, "content": url, "is_image": true, "file_name": "a.png"});
    socket.send(&json!({"type": "send_message", "payload": payload})).await;
    let original = socket.next_of("new_message").await["payload"].take();
    let copy = forward(&mut socket, direct, original["id"].as_u64().expect("an id"), &json!({})).await;
    for key in ["content", "text", "is_image", "message_type", "file_url", "file_name", "file_size", "file_pixels"] {
        assert_eq!(copy[key], original[key], "{key}");
    }
    assert!(copy["file_url"].as_str().is_some_and(|url| url.starts_with("/uploads/")), "{copy}");
    world.stop().await;
}

#[tokio::test]
async fn what_is_refused() {
    let world = World::start(1).await;
    let (alice, eve) = (world.user(0, "alice").await, world.user(0, "eve").await);
    let room = alice.make_group(0, "refused", &[]).await;
    let (sent, deleted) = (alice.send(0, &room_id(room), "x").await, alice.send(0, &room_id(room), "y").await);
    delete(&alice, room, &deleted).await;
    let of_server = integer(&sent) - 1; // the message before it
    let mut sockets = [world.webchat(0, &alice, "ext=1").await, world.webchat(0, &eve, "ext=1").await];
    for (case, who, id) in [
        ("deleted", 0, integer(&deleted)),
        ("not there", 0, 1_000_000),
        ("no id", 0, 0),
        ("of a room that the user may not know of", 1, integer(&sent)),
        ("of the server", 0, of_server),
    ] {
        let answer = forward(&mut sockets[who], 1, id, &json!({"ref": "r"})).await;
        let found = (&answer["code"], &answer["field"], &answer["ref"]);
        assert_eq!(found, (&json!("invalid"), &json!("forwarded_from"), &json!("r")), "{case}: {answer}");
    }
    let answer = forward(&mut sockets[1], room, integer(&sent), &json!({})).await;
    assert_eq!(answer["field"], "forwarded_from", "not even to that room: {answer}");
    let mut plain = world.webchat(0, &alice, "").await;
    let payload = json!({"room_id": room, "forwarded_from": integer(&sent), "content": "z", "is_image": false});
    plain.send(&json!({"type": "send_message", "payload": payload})).await;
    assert_eq!(plain.next_of("new_message").await["payload"]["content"], "z", "an unknown field of the document");
    world.stop().await;
}

#[tokio::test]
async fn a_retry_is_the_same_copy_and_a_deleted_sender_has_no_name() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let original = bob.send(0, "global", "one").await;
    let room = alice.make_group(0, "retries", &[]).await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    let copy = forward(&mut socket, room, integer(&original), &json!({"client_id": "c-1"})).await;
    let mut writer = world.webchat(0, &bob, "ext=1").await;
    assert_eq!(edit(&mut writer, 1, &original, "two").await["type"], "done");
    let again = forward(&mut socket, room, integer(&original), &json!({"client_id": "c-1"})).await;
    assert_eq!(again, copy);
    let other = bob.send(0, "global", "three").await;
    let refused = forward(&mut socket, room, integer(&other), &json!({"client_id": "c-1"})).await;
    assert_eq!(refused["code"], "client_id_reused");
    let body = json!({"password": "your_strong_password"});
    ok(bob.at(0, Method::DELETE, "/api/v1/me").json(&body).send().await).await;
    let found = alice.get_json(0, &format!("/api/v1/search?kind=message&q=one&room_id={room}")).await;
    assert_eq!(found[0]["forwarded_from"]["username"], "已注销");
    world.stop().await;
}
