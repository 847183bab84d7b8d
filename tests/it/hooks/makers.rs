//! Webhooks whose makers may have none any more.

use chinwag::domain::{Role, RoomId};
use reqwest::Method;
use serde_json::json;

use super::receiver::{Receiver, Taken};
use super::{hooks, make, world};
use crate::support::{User, client, eventually, ok, room_id};

async fn set_role(owner: &User<'_>, room: u64, user: u64, role: &str) {
    let path = format!("/api/v1/rooms/{room}/members/{user}");
    ok(owner.at(0, Method::PUT, &path).json(&json!({"role": role})).send().await).await;
}

/// The states of all webhooks of a room.
async fn states(user: &User<'_>, room: u64) -> Vec<String> {
    let all = hooks(user, room).await;
    all.as_array().expect("a list").iter().map(|hook| hook["state"].as_str().expect("text").to_owned()).collect()
}

async fn post(url: &str, text: &str) -> u16 {
    client().post(url).json(&json!({"text": text})).send().await.expect("answered").status().as_u16()
}

fn texts(receiver: &Receiver) -> Vec<String> {
    let text = |taken: &Taken| taken.json()["message"]["content"].as_str().expect("text").to_owned();
    receiver.taken().iter().map(text).collect()
}

#[tokio::test]
async fn the_webhooks_of_an_admin_pause_without_the_role() {
    let world = world(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "team", &["bob"]).await;
    set_role(&alice, room, 2, "admin").await;
    let (of_bob, of_alice) = (Receiver::start().await, Receiver::start().await);
    make(&bob, room, json!({"kind": "outgoing", "url": of_bob.url})).await;
    make(&alice, room, json!({"kind": "outgoing", "url": of_alice.url})).await;
    let incoming = make(&bob, room, json!({"kind": "incoming", "name": "Build"})).await;
    let url = incoming["url"].as_str().expect("an address");
    alice.send(1, &room_id(room), "one").await;
    eventually("it arrives", async || texts(&of_bob) == ["one"]).await;

    set_role(&alice, room, 2, "member").await;
    alice.send(0, &room_id(room), "two").await;
    assert_eq!(post(url, "from outside").await, 403);
    eventually("others have it", async || texts(&of_alice) == ["one", "two"]).await;
    let mut found = states(&alice, room).await;
    found.sort();
    assert_eq!(found, ["ok", "paused", "paused"]);
    assert_eq!(texts(&of_bob), ["one"]);

    set_role(&alice, room, 2, "admin").await;
    eventually("it goes on", async || texts(&of_bob) == ["one", "two"]).await;
    assert_eq!(states(&alice, room).await, ["ok", "ok", "ok"]);
    assert_eq!(post(url, "from outside").await, 200);

    ok(alice.at(0, Method::DELETE, &format!("/api/v1/rooms/{room}/members/2")).send().await).await;
    assert_eq!(post(url, "from outside").await, 403);
    world.stop().await;
}

async fn both_pause(owner: &User<'_>, room: u64, url: &str) {
    eventually("both pause", async || states(owner, room).await == ["paused", "paused"]).await;
    assert_eq!(post(url, "from outside").await, 403);
}

#[tokio::test]
async fn administrators_have_webhooks_in_public_rooms_until_they_are_none_or_banned() {
    let world = world(1).await;
    let (alice, carol) = (world.user(0, "alice").await, world.user(0, "carol").await);
    let public = alice.make_room(0, "lobby").await;
    let room = u64::from(public.parse::<RoomId>().expect("an id").number());
    world.promote("carol").await;
    let receiver = Receiver::start().await;
    make(&carol, room, json!({"kind": "outgoing", "url": receiver.url})).await;
    let incoming = make(&carol, room, json!({"kind": "incoming", "name": "Build"})).await;
    let url = incoming["url"].as_str().expect("an address");
    alice.send(0, &public, "one").await;
    eventually("it arrives", async || texts(&receiver) == ["one"]).await;
    assert_eq!(post(url, "from outside").await, 200);

    world.set_role("carol", Role::User).await;
    both_pause(&alice, room, url).await;
    world.promote("carol").await;
    eventually("both go on", async || states(&alice, room).await == ["ok", "ok"]).await;
    world.set_banned("carol", true).await;
    both_pause(&alice, room, url).await;
    world.stop().await;
}
