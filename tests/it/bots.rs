//! Members who are no persons.

use chinwag::domain::{RoomId, Scope};
use reqwest::Method;
use serde_json::json;

use crate::applications::token;
use crate::receipts::integer;
use crate::support::{User, World, eventually, ok, room_id, shared_connection};

#[tokio::test]
async fn an_application_inherits_no_group_and_holds_up_no_receipt() {
    let mut world = World::start(1).await;
    let name = "bridge";
    let bridge = token(&world, name, &Scope::ALL).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    // In one the application is before bob; into the other it comes by sending.
    let group = alice.make_group(0, "closed", &[name, "bob"]).await;
    let public: RoomId = alice.make_room(0, "open").await.parse().expect("an id");
    let application = User::new(&world, name, &bridge);
    for room in [group, public.number().into()] {
        let body = json!({"room_id": room, "content": "hi"});
        assert_eq!(application.ask(0, "/api/v1/admin/messages", &body).await.0, 201);
    }
    let bob = world.log_in(0, "bob", "your_strong_password").await;
    ok(bob.post(0, &format!("rooms/{public}/join")).send().await).await;
    let is_read = async |node: usize, alice: &User<'_>, bob: &User<'_>, room: &str| {
        let sent = alice.send(node, room, "seen by all").await;
        bob.texts(node, &format!("room_id={room}")).await;
        let body = json!({"message_id": integer(&sent)});
        eventually("the persons have read it", async || {
            alice.ask(node, "/api/chat/message/status", &body).await.1["status"] == "read"
        })
        .await;
    };
    is_read(0, &alice, &bob, &room_id(group)).await;
    is_read(0, &alice, &bob, &public.to_string()).await;

    // What an earlier version stored does not tell.
    for (key, field) in [(format!("{{r:{group}}}"), "bots"), (format!("{{u:{}}}", 1), "bot")] {
        let key = format!("{}{key}", world.config.redis.prefix);
        let removed: u64 = redis::cmd("HDEL").arg(&key).arg(field).query(&mut shared_connection(&key)).expect("done");
        assert_eq!(removed, 1, "{key}");
    }
    drop((alice, bob, application));
    world.add_node().await;
    let log_in = async |name: &str| world.log_in(1, name, "your_strong_password").await;
    let (alice, bob) = (log_in("alice").await, log_in("bob").await);
    let key = format!("{}{{r:{group}}}", world.config.redis.prefix);
    let mut redis = shared_connection(&key);
    let mut is_noted = || redis::cmd("HEXISTS").arg(&key).arg("bots").query(&mut redis).unwrap_or(false);
    eventually("the room knows", async || is_noted()).await;
    is_read(1, &alice, &bob, &room_id(group)).await;
    let leaving = alice.at(1, Method::DELETE, &format!("/api/v1/rooms/{group}/members/2"));
    ok(leaving.send().await).await;
    let members = bob.get_json(1, &format!("/api/v1/rooms/{group}/members")).await;
    assert_eq!((&members[0]["username"], &members[0]["role"]), (&json!(name), &json!("member")));
    assert_eq!((&members[1]["username"], &members[1]["role"]), (&json!("bob"), &json!("owner")));
    world.stop().await;
}
