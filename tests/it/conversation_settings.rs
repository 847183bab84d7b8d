//! What users set for their conversations: stored per user, listed and announced on every node.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{User, World, answered, ok, room_id, shared_connection};
use crate::unread_numbers::listed;

async fn set(user: &User<'_>, node: usize, room: u64, body: &Value) -> (u16, Value) {
    answered(user.at(node, Method::PUT, &format!("/api/v1/rooms/{room}/settings")).json(body).send().await).await
}

fn settings(notify: &str, pinned: bool, hidden: bool) -> Value {
    json!({"notify": notify, "pinned": pinned, "hidden": hidden})
}

/// The settings that the list of conversations has.
async fn listed_settings(user: &User<'_>, node: usize, room: u64) -> Value {
    let entry = listed(user, node, room).await.expect("listed");
    json!({"notify": entry["notify"], "pinned": entry["pinned"], "hidden": entry["hidden"]})
}

/// The rooms for which something is kept of a user.
fn kept(world: &World, user: u64) -> Vec<u64> {
    let key = format!("{}{{u:{user}}}:settings", world.config.redis.prefix);
    redis::cmd("HKEYS").arg(&key).query(&mut shared_connection(&key)).expect("read")
}

#[tokio::test]
async fn each_member_has_settings_of_their_own_on_every_node() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = alice.make_group(0, "settings", &["bob"]).await;
    let direct = alice.open_direct(0, "bob").await;
    let mut told = [world.webchat(0, &alice, "ext=1").await, world.webchat(1, &alice, "ext=1").await];
    let mut others = [world.webchat(1, &bob, "ext=1").await, world.webchat(1, &alice, "").await];
    for room in [group, direct, 1] {
        assert_eq!(listed_settings(&alice, 0, room).await, settings("all", false, false));
        let after = settings("none", true, false);
        assert_eq!(set(&alice, 0, room, &json!({"notify": "none", "pinned": true})).await, (200, after.clone()));
        assert_eq!(set(&alice, 1, room, &json!({})).await, (200, after.clone()));
        assert_eq!(set(&alice, 1, room, &json!({"notify": null, "pinned": null})).await, (200, after.clone()));
        for node in [0, 1] {
            assert_eq!(listed_settings(&alice, node, room).await, after);
            assert_eq!(listed_settings(&bob, node, room).await, settings("all", false, false));
            let mut expected = after.clone();
            expected["room_id"] = json!(room);
            assert_eq!(told[node].next_of("settings_changed").await["payload"], expected);
        }
    }
    let sent = alice.send(0, &room_id(group), "the next").await;
    for socket in &mut others {
        let mut frame = socket.next().await;
        while frame["type"] == "presence" {
            frame = socket.next().await;
        }
        assert_eq!(frame["payload"]["content"], sent["content"], "{frame}");
    }
    // As by default: nothing is kept.
    assert_eq!(kept(&world, 1).len(), 3);
    for room in [group, direct, 1] {
        let by_default = settings("all", false, false);
        assert_eq!(set(&alice, 0, room, &by_default).await, (200, by_default));
    }
    assert_eq!(kept(&world, 1), Vec::<u64>::new());
    world.stop().await;
}

#[tokio::test]
async fn changes_of_different_fields_at_once_all_last() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    for _ in 0..5 {
        let changes = [json!({"notify": "none"}), json!({"pinned": true}), json!({"hidden": true})];
        let changing = changes.iter().enumerate().map(|(node, change)| set(&alice, node % 2, 1, change));
        assert!(join_all(changing).await.iter().all(|(status, _)| *status == 200));
        assert_eq!(listed_settings(&alice, 0, 1).await, settings("none", true, true));
        set(&alice, 0, 1, &settings("all", false, false)).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn settings_end_with_the_membership() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let left = alice.make_group(0, "left", &["bob"]).await;
    let removed = alice.make_group(0, "removed", &["bob"]).await;
    let public = alice.make_room(0, "square").await.parse::<chinwag::domain::RoomId>().expect("an id").number();
    for (room, status) in [(left, 200), (removed, 200), (1, 200), (public.into(), 404), (999, 404), (0, 404)] {
        assert_eq!(set(&bob, 0, room, &json!({"notify": "none"})).await.0, status, "{room}");
    }
    let path = format!("/api/v1/rooms/{left}/members/2");
    ok(bob.at(0, Method::DELETE, &path).send().await).await;
    ok(alice.at(0, Method::DELETE, &format!("/api/v1/rooms/{removed}")).send().await).await;
    assert_eq!(kept(&world, 2), [1]);
    assert_eq!(set(&bob, 0, left, &json!({"notify": "none"})).await.0, 404);
    let path = format!("/api/v1/rooms/{left}/members");
    let added = alice.at(0, Method::POST, &path).json(&json!({"username": "bob"})).send().await;
    assert_eq!(answered(added).await.0, 201);
    assert_eq!(listed_settings(&bob, 0, left).await, settings("all", false, false));
    let body = json!({"password": "your_strong_password"});
    ok(bob.at(0, Method::DELETE, "/api/v1/me").json(&body).send().await).await;
    assert_eq!(kept(&world, 2), Vec::<u64>::new());
    world.stop().await;
}
