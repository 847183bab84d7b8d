//! What the owner and admins of a room may change: its name, description, avatar and slow mode.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{User, World, answered, eventually, ok, room_id, shared_redis};
use crate::uploads::upload_picture;

async fn change(user: &User<'_>, node: usize, room: u64, body: &Value) -> (u16, Value) {
    answered(user.at(node, Method::PATCH, &format!("/api/v1/rooms/{room}")).json(body).send().await).await
}

async fn rename(user: &User<'_>, node: usize, room: u64, name: &str) -> u16 {
    change(user, node, room, &json!({"name": name})).await.0
}

async fn make_admin(owner: &User<'_>, room: u64, member: u64) {
    let path = format!("/api/v1/rooms/{room}/members/{member}");
    let (status, _) = answered(owner.at(0, Method::PUT, &path).json(&json!({"role": "admin"})).send().await).await;
    assert_eq!(status, 200);
}

fn number(id: &str) -> u64 {
    id.parse::<chinwag::domain::RoomId>().expect("an id").number().into()
}

/// The names of a room in every list of every document.
async fn names(user: &User<'_>, node: usize, room: u64) -> Vec<Value> {
    let mut names = Vec::new();
    for (path, id, name) in [
        ("/api/v1/rooms", json!(room), "name"),
        ("/api/v1/conversations", json!(room), "name"),
        ("/api/chat/rooms", json!(room_id(room)), "name"),
    ] {
        let list = user.get_json(node, path).await;
        let entry =
            list.as_array().expect("a list").iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("{list}"));
        names.push(entry[name].clone());
    }
    names.push(user.get_json(node, &format!("/api/v1/rooms/{room}")).await["name"].clone());
    names
}

#[tokio::test]
async fn owner_and_admins_change_a_room_and_every_list_shows_it() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let (bob, carol) = (world.user(1, "bob").await, world.user(0, "carol").await);
    let dave = world.user(1, "dave").await;
    let group = alice.make_group(0, "old", &["bob", "carol"]).await;
    make_admin(&alice, group, 2).await;
    // Lists were read before, on both nodes.
    names(&carol, 0, group).await;
    names(&carol, 1, group).await;

    assert_eq!(rename(&carol, 0, group, "mine").await, 403, "a member changes nothing");
    assert_eq!(rename(&dave, 1, group, "mine").await, 404, "a stranger learns nothing");
    assert_eq!(answered(dave.at(1, Method::GET, &format!("/api/v1/rooms/{group}")).send().await).await.0, 404);
    let (status, body) = change(&alice, 0, group, &json!({"name": " new ", "description": "two\nlines"})).await;
    let expected = json!({
        "id": group, "room_id": room_id(group), "kind": "group", "name": "new", "description": "two\nlines", "avatar": "",
        "slow_mode_secs": 0
    });
    assert_eq!((status, body), (200, expected));
    for node in [0, 1] {
        assert_eq!(names(&carol, node, group).await, vec!["new"; 4]);
    }
    assert_eq!(rename(&bob, 1, group, "newer").await, 200, "an admin may");
    for node in [0, 1] {
        assert_eq!(names(&alice, node, group).await, vec!["newer"; 4]);
    }
    assert_eq!(change(&alice, 0, group, &json!({})).await.1["name"], "newer", "nothing to change");
    assert_eq!(change(&alice, 0, group, &json!({"name": null, "description": ""})).await.1["description"], "");
    world.stop().await;
}

#[tokio::test]
async fn public_rooms_are_found_by_their_present_name_only() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = number(&alice.make_room(0, "Apples").await);
    let found = async |name: &str| {
        let rooms = bob.get_json(1, &format!("/api/v1/search?kind=room&q={name}")).await;
        rooms.as_array().expect("a list").iter().map(|it| it["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(rename(&bob, 1, room, "Bananas").await, 403, "no member");
    assert_eq!(rename(&alice, 0, room, "Bananas").await, 200);
    assert_eq!(found("app").await, Vec::<Value>::new());
    assert_eq!(found("ban").await, ["Bananas"]);
    // What a node that failed before it had written the index leaves.
    let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    let index = format!("{}rooms:names", world.config.redis.prefix);
    redis::cmd("ZADD").arg(&index).arg(0).arg(format!("basil\0{room}")).exec(&mut redis).expect("added");
    assert_eq!(found("bas").await, Vec::<Value>::new());
    assert_eq!(found("ba").await, ["Bananas"], "once");
    redis::cmd("ZREM").arg(&index).arg(format!("bananas\0{room}")).exec(&mut redis).expect("removed");
    assert_eq!(rename(&alice, 0, room, "Bananas").await, 200);
    assert_eq!(found("ban").await, ["Bananas"], "repeating the change finishes it");
    assert_eq!(rename(&alice, 0, room, "BANANAS").await, 200);
    assert_eq!(found("ban").await, ["BANANAS"]);
    world.stop().await;
}

#[tokio::test]
async fn only_members_with_extensions_are_told_what_changed() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = alice.make_group(0, "old", &["bob"]).await;
    let mut extended = [world.webchat(0, &alice, "ext=1").await, world.webchat(1, &bob, "ext=1").await];
    let mut plain = world.webchat(1, &bob, "").await;
    let mut others = crate::dialect_clients::DialectClients::open(&world, 1, &bob, 2).await;
    let mut stranger = world.webchat(0, &world.user(0, "carol").await, "ext=1").await;
    change(&alice, 0, group, &json!({"name": "new", "slow_mode_secs": 0})).await;
    for socket in &mut extended {
        let frame = socket.next_of("room_changed").await;
        let payload = json!({"room_id": group, "user_id": 1, "name": "new", "slow_mode_secs": 0});
        assert_eq!(frame["payload"], payload);
    }
    alice.send(0, "global", "to all").await;
    assert_eq!(plain.next().await["payload"]["content"], "to all");
    assert_eq!(stranger.next_of("new_message").await["payload"]["content"], "to all");
    let to = crate::dialect_clients::Destination { room: 1, other: None };
    for kind in crate::dialect_clients::SOCKET_KINDS {
        assert_eq!(others.next_message(kind, to).await.content, "to all", "{kind:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_a_room_cannot_be_is_refused() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    world.user(0, "bob").await;
    let direct = alice.open_direct(0, "bob").await;
    let group = alice.make_group(0, "g", &[]).await;
    let long = "x".repeat(101);
    let picture = "/uploads/images/3b241101-e2bb-4255-8caf-4136c566a962.png";
    for (room, body, status, code) in [
        (direct, json!({"name": "x"}), 400, "direct_room"),
        (1, json!({"name": "x"}), 403, "forbidden"),
        (99, json!({"name": "x"}), 404, "room_not_found"),
        (0, json!({"name": "x"}), 404, "room_not_found"),
        (group, json!({"name": ""}), 400, "length"),
        (group, json!({"name": "   "}), 400, "length"),
        (group, json!({"name": long}), 400, "length"),
        (group, json!({"name": "a\u{7}"}), 400, "invalid"),
        (group, json!({"name": 1}), 400, "malformed"),
        (group, json!({"description": "x".repeat(501)}), 400, "length"),
        (group, json!({"slow_mode_secs": 21601}), 400, "invalid"),
        (group, json!({"slow_mode_secs": u64::MAX}), 400, "invalid"),
        (group, json!({"slow_mode_secs": -1}), 400, "malformed"),
        (group, json!({"slow_mode_secs": 1.5}), 400, "malformed"),
        (group, json!({"slow_mode_secs": "5"}), 400, "malformed"),
        (group, json!({"avatar": "https://example.org/cat.png"}), 400, "invalid"),
        (group, json!({"avatar": "javascript:alert(1)"}), 400, "invalid"),
        (group, json!({"avatar": "/uploads/chat/3b241101-e2bb-4255-8caf-4136c566a962.png"}), 400, "invalid"),
        (group, json!({"avatar": format!("{picture}?")}), 400, "invalid"),
        (group, json!({"avatar": picture}), 400, "invalid"), // nobody has uploaded it
        (group, json!({"avatar": format!("https://chat.example{picture}")}), 400, "invalid"),
        (group, json!({"name": "fine", "avatar": "data:,"}), 400, "invalid"),
        (group, json!([]), 400, "malformed"),
    ] {
        let (found, answer) = change(&alice, 0, room, &body).await;
        assert_eq!((found, &answer["code"]), (status, &json!(code)), "{room} {body}");
    }
    assert_eq!(alice.get_json(0, &format!("/api/v1/rooms/{group}")).await["name"], "g", "nothing was changed");
    let picture = upload_picture(&alice, 0).await;
    let (status, room) = change(&alice, 0, group, &json!({"avatar": format!("http://elsewhere{picture}")})).await;
    assert_eq!((status, &room["avatar"]), (200, &json!(world.url(0, &picture))));
    assert_eq!(change(&alice, 0, group, &json!({"avatar": ""})).await.1["avatar"], "");
    assert_eq!(answered(alice.at(0, Method::GET, &format!("/api/v1/rooms/{direct}")).send().await).await.0, 400);
    world.stop().await;
}

/// Sends a text through document 003. Returns the status and the pause that is asked for.
async fn try_send(user: &User<'_>, room: u64) -> (u16, Option<u64>) {
    let answer = user.try_send(0, &room_id(room), "x").await.expect("answered");
    let pause = answer.headers().get("retry-after").map(|secs| secs.to_str().expect("text").parse().expect("a number"));
    (answer.status().as_u16(), pause)
}

#[tokio::test]
async fn slow_mode_makes_members_pause_in_every_document() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    world.user(0, "carol").await;
    let group = alice.make_group(0, "slow", &["bob", "carol"]).await;
    make_admin(&alice, group, 3).await;
    assert_eq!(change(&alice, 0, group, &json!({"slow_mode_secs": 3600})).await.0, 200);
    let carol = world.log_in(0, "carol", "your_strong_password").await;
    assert_eq!(try_send(&bob, group).await, (200, None));
    let (status, pause) = try_send(&bob, group).await;
    assert!(status == 429 && pause.is_some_and(|secs| (3500..=3600).contains(&secs)), "{status} {pause:?}");
    for leader in [&alice, &carol] {
        assert_eq!([try_send(leader, group).await.0, try_send(leader, group).await.0], [200; 2], "{}", leader.name);
    }
    // The pause is per room.
    bob.send(0, "global", "elsewhere").await;

    let id = room_id(group);
    let detail = json!("聊天室已开启慢速模式，请稍后再发");
    let (status, body) = answered(bob.try_send(0, &id, "x").await).await;
    assert_eq!((status, &body["detail"]), (429, &detail));
    let (status, body) =
        bob.ask(0, "/api/v1/chat/message", &json!({"type": "text", "content": "x", "group_id": id})).await;
    assert_eq!((status, &body["code"], &body["error"]), (429, &json!(429), &detail), "{body}");
    let mut webchat = world.webchat(0, &bob, "ext=1").await;
    webchat.send(&json!({"type": "send_message", "payload": {"room_id": group, "content": "x", "ref": "r"}})).await;
    let frame = webchat.next_of("error").await;
    assert_eq!((&frame["payload"]["code"], &frame["payload"]["ref"]), (&json!("slow_mode"), &json!("r")));
    assert!(frame["payload"]["retry_after_ms"].as_u64().is_some_and(|ms| ms <= 3_600_000), "{frame}");
    let mut messenger = world.messenger(0, &bob).await;
    messenger.send(&json!({"type": "chat", "chat_type": "room", "reveiver_id": group, "content": "x"})).await;
    let frame = messenger.next_of("error").await;
    assert_eq!((&frame["code"], &frame["message"]), (&json!(429), &detail));
    let mut imtypes = world.imtypes(0, &bob, "").await;
    imtypes.send(&json!({"type": "text", "content": "x", "receiverId": id})).await;
    assert_eq!(imtypes.next_of("system").await["content"], detail);
    world.stop().await;
}

#[tokio::test]
async fn a_pause_follows_its_setting_and_survives_leaving() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let id = alice.make_room(0, "slow").await;
    let room = number(&id);
    assert_eq!(change(&alice, 0, room, &json!({"slow_mode_secs": 3600})).await.0, 200);
    let body = json!({"message_type": "text", "content": "x", "client_id": "c-1"});
    let send = async || answered(bob.post(0, &format!("send?room_id={id}")).json(&body).send().await).await;
    let first = send().await;
    assert_eq!(first.0, 200, "the first message, which also joins");
    assert_eq!(send().await, first, "a retry is answered, not paused");
    assert_eq!(try_send(&bob, room).await.0, 429);
    ok(bob.post(0, &format!("rooms/{id}/leave")).send().await).await;
    ok(bob.post(0, &format!("rooms/{id}/join")).send().await).await;
    assert_eq!(try_send(&bob, room).await.0, 429);
    change(&alice, 0, room, &json!({"slow_mode_secs": 100})).await;
    let (status, pause) = try_send(&bob, room).await;
    assert!(status == 429 && pause.is_some_and(|secs| secs <= 100), "{status} {pause:?}");
    change(&alice, 0, room, &json!({"slow_mode_secs": 1})).await;
    eventually("the pause ends", async || try_send(&bob, room).await.0 == 200).await;
    change(&alice, 0, room, &json!({"slow_mode_secs": 0})).await;
    assert_eq!([try_send(&bob, room).await.0, try_send(&bob, room).await.0], [200; 2]);
    world.stop().await;
}
