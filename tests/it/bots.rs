//! Members who are no persons.

use chinwag::domain::{RoomId, Scope};
use reqwest::Method;
use serde_json::json;

use crate::applications::token;
use crate::receipts::integer;
use crate::support::{User, World, eventually, ok, room_id};

#[tokio::test]
async fn an_application_inherits_no_group_and_holds_up_no_receipt() {
    let world = World::start(1).await;
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
    for room in [room_id(group), public.to_string()] {
        let sent = alice.send(0, &room, "seen by all").await;
        bob.texts(0, &format!("room_id={room}")).await;
        let body = json!({"message_id": integer(&sent)});
        eventually("the persons have read it", async || {
            alice.ask(0, "/api/chat/message/status", &body).await.1["status"] == "read"
        })
        .await;
    }

    let leaving = alice.at(0, Method::DELETE, &format!("/api/v1/rooms/{group}/members/2"));
    ok(leaving.send().await).await;
    let members = bob.get_json(0, &format!("/api/v1/rooms/{group}/members")).await;
    assert_eq!((&members[0]["username"], &members[0]["role"]), (&json!(name), &json!("member")));
    assert_eq!((&members[1]["username"], &members[1]["role"]), (&json!("bob"), &json!("owner")));
    world.stop().await;
}

#[tokio::test]
async fn others_see_which_accounts_are_of_programs() {
    let world = World::start(1).await;
    token(&world, "bridge", &Scope::ALL).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "closed", &["bridge", "bob"]).await;
    for other in ["bridge", "bob"] {
        alice.open_direct(0, other).await;
    }
    for (path, name) in [
        ("/api/v1/users?ids=1,2,3".to_owned(), "username"),
        ("/api/v1/users?q=b".to_owned(), "username"),
        (format!("/api/v1/rooms/{group}/members"), "username"),
        ("/api/v1/conversations".to_owned(), "name"),
    ] {
        let list = alice.get_json(0, &path).await;
        for it in list.as_array().expect("a list") {
            // People have no such key.
            assert_eq!(it.get("is_bot"), (it[name] == "bridge").then_some(&json!(true)), "{path}: {it}");
        }
        assert!(list.as_array().expect("a list").iter().any(|it| it[name] == "bridge"), "{path}: {list}");
    }
    world.stop().await;
}
