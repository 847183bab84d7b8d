//! Members of groups: permissions, inheritance of ownership, and the messages that new and former members receive.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::{Destination, DialectClients, SOCKET_KINDS};
use crate::support::{User, World, answered, eventually, room_id};

/// Names and roles in the order of joining.
async fn roles(user: &User<'_>, node: usize, room: u64) -> Vec<(String, String)> {
    let members = user.get_json(node, &format!("/api/v1/rooms/{room}/members")).await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    members.as_array().expect("a list").iter().map(|it| (text(&it["username"]), text(&it["role"]))).collect()
}

fn expected(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

async fn add(user: &User<'_>, node: usize, room: u64, name: &str) -> u16 {
    user.ask(node, &format!("/api/v1/rooms/{room}/members"), &json!({"username": name})).await.0
}

async fn remove(user: &User<'_>, node: usize, room: u64, member: u64) -> u16 {
    let path = format!("/api/v1/rooms/{room}/members/{member}");
    answered(user.at(node, Method::DELETE, &path).send().await).await.0
}

async fn set_role(user: &User<'_>, node: usize, room: u64, member: u64, role: &str) -> u16 {
    let path = format!("/api/v1/rooms/{room}/members/{member}");
    answered(user.at(node, Method::PUT, &path).json(&json!({"role": role})).send().await).await.0
}

#[tokio::test]
async fn owner_and_admins_rule_a_group() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let (bob, carol) = (world.user(1, "bob").await, world.user(0, "carol").await);
    world.user(0, "dave").await;
    let room = alice.make_group(0, "Project Alpha", &["bob", "carol"]).await;

    assert_eq!(add(&bob, 1, room, "dave").await, 403, "a member adds nobody");
    assert_eq!(remove(&bob, 1, room, 3).await, 403, "nor removes anyone");
    assert_eq!(set_role(&bob, 1, room, 2, "admin").await, 403, "nor promotes, least themselves");

    assert_eq!(set_role(&alice, 1, room, 2, "admin").await, 200);
    assert_eq!(add(&bob, 1, room, "dave").await, 201, "an admin adds");
    assert_eq!(add(&bob, 0, room, "dave").await, 201, "again is fine");
    let list = expected(&[("alice", "owner"), ("bob", "admin"), ("carol", "member"), ("dave", "member")]);
    assert_eq!(roles(&carol, 1, room).await, list);
    assert_eq!(remove(&bob, 1, room, 4).await, 200, "and removes");
    assert_eq!(remove(&bob, 1, room, 4).await, 404, "only who is there");
    assert_eq!(remove(&bob, 1, room, 1).await, 403, "but not the owner");
    assert_eq!(set_role(&bob, 1, room, 3, "admin").await, 403, "nor promotes");
    assert_eq!(set_role(&alice, 1, room, 3, "admin").await, 200);
    assert_eq!(remove(&bob, 1, room, 3).await, 403, "nor another admin");
    assert_eq!(set_role(&alice, 0, room, 3, "member").await, 200);
    assert_eq!(remove(&bob, 1, room, 3).await, 200);
    assert_eq!(remove(&alice, 0, room, 2).await, 200, "the owner removes admins");
    assert_eq!(roles(&alice, 1, room).await, expected(&[("alice", "owner")]));

    for (body, status) in [(json!({"role": "king"}), 400), (json!({}), 400), (json!({"role": 1}), 400)] {
        let path = format!("/api/v1/rooms/{room}/members/2");
        let answer = alice.at(0, Method::PUT, &path).json(&body).send().await;
        assert_eq!(answered(answer).await.0, status, "{body}");
    }
    assert_eq!(set_role(&alice, 0, room, 2, "admin").await, 404, "no member");
    assert_eq!(set_role(&alice, 0, room, 1, "member").await, 403, "the owner stays the owner");
    assert_eq!(add(&alice, 0, room, "nobody").await, 404);
    world.stop().await;
}

#[tokio::test]
async fn the_oldest_admin_inherits_else_the_oldest_member() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let (bob, carol) = (world.user(1, "bob").await, world.user(0, "carol").await);
    let (dave, eve) = (world.user(1, "dave").await, world.user(0, "eve").await);
    let room = alice.make_group(0, "heirs", &["bob", "carol", "dave", "eve"]).await;
    for admin in [4, 3] {
        assert_eq!(set_role(&alice, 0, room, admin, "admin").await, 200);
    }
    assert_eq!(remove(&alice, 1, room, 1).await, 200, "anyone may leave");
    let list = [("bob", "member"), ("carol", "owner"), ("dave", "admin"), ("eve", "member")];
    assert_eq!(roles(&bob, 0, room).await, expected(&list));
    assert_eq!(set_role(&carol, 0, room, 4, "member").await, 200, "the heir may all");
    assert_eq!(remove(&carol, 0, room, 3).await, 200);
    assert_eq!(roles(&bob, 0, room).await, expected(&[("bob", "owner"), ("dave", "member"), ("eve", "member")]));
    assert_eq!(add(&bob, 0, room, "alice").await, 201);
    let list = [("bob", "owner"), ("dave", "member"), ("eve", "member"), ("alice", "member")];
    assert_eq!(roles(&alice, 1, room).await, expected(&list), "who comes back is the youngest");
    for (user, id) in [(&bob, 2), (&dave, 4), (&eve, 5), (&alice, 1)] {
        assert_eq!(remove(user, 0, room, id).await, 200);
        assert_eq!(remove(user, 1, room, id).await, 404, "they know of it no more");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_former_owner_who_comes_back_is_a_member() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "back", &["bob"]).await;
    assert_eq!(set_role(&alice, 0, room, 2, "admin").await, 200);
    assert_eq!(remove(&bob, 0, room, 2).await, 200);
    assert_eq!(add(&alice, 0, room, "bob").await, 201);
    assert_eq!(roles(&bob, 0, room).await, expected(&[("alice", "owner"), ("bob", "member")]), "a role does not wait");
    world.stop().await;
}

#[tokio::test]
async fn removed_members_hear_nothing_more_and_added_ones_all_from_then_on() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "doors", &[]).await;
    let id = room_id(room);
    alice.send(0, &id, "before").await;
    // Opened before the membership, on both nodes.
    let mut sockets = [world.webchat(0, &bob, "").await, world.webchat(1, &bob, "").await];
    let mut extended = world.webchat(1, &bob, "ext=1").await;
    for node in [0, 1] {
        assert_eq!(add(&alice, node, room, "bob").await, 201);
        let heard = extended.next_of("member_added").await;
        assert_eq!((&heard["payload"]["user_id"], &heard["payload"]["room_id"]), (&json!(2), &json!(room)));
        let text = format!("while a member, {node}");
        alice.send(1 - node, &id, &text).await;
        for socket in &mut sockets {
            let frame = socket.next().await;
            assert_eq!(frame["payload"]["content"], text.as_str(), "{frame}");
        }
        assert_eq!(remove(&alice, 1 - node, room, 2).await, 200);
        let heard = extended.next_of("member_removed").await;
        assert_eq!(heard["payload"]["user_id"], 2);
        alice.send(node, &id, "not for bob").await;
    }
    // A message to everyone comes after the one that must not reach them.
    alice.send(0, "global", "for all").await;
    for socket in &mut sockets {
        assert_eq!(socket.next().await["payload"]["content"], "for all");
    }
    assert_eq!(extended.next_of("new_message").await["payload"]["room_id"], 1);
    assert_eq!(bob.get_json(0, "/api/v1/rooms").await.as_array().expect("a list").len(), 1);
    assert_eq!(bob.try_send(0, &id, "x").await.expect("answered").status(), 404);
    world.stop().await;
}

#[tokio::test]
async fn all_four_sockets_follow_a_membership() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = room_id(alice.make_group(0, "doors", &[]).await);
    let mut bobs = DialectClients::open(&world, 1, &bob, 2).await;
    let (status, added) = alice.ask(0, &format!("/api/v1/group/{room}/members"), &json!({"user_id": "2"})).await;
    assert_eq!((status, &added["data"]), (200, &json!({"group_id": room, "user_id": "2"})));
    alice.send(0, &room, "hello").await;
    let number = room.parse::<chinwag::domain::RoomId>().expect("an id").number().into();
    let to = Destination { room: number, other: None };
    for kind in SOCKET_KINDS {
        assert_eq!(bobs.next_message(kind, to).await.content, "hello", "{kind:?}");
    }
    let (status, body) = answered(bob.post(1, &format!("rooms/{room}/leave")).send().await).await;
    assert_eq!((status, body), (200, json!({"message": "成功离开聊天室"})));
    alice.send(0, &room, "not for bob").await;
    alice.send(0, "global", "for all").await;
    for kind in SOCKET_KINDS {
        // The system message about the removal may arrive.
        let frame = loop {
            let frame = bobs.socket(kind).next().await;
            if !frame.to_string().contains("离开了聊天室") {
                break frame;
            }
        };
        assert!(frame.to_string().contains("for all"), "{kind:?}: {frame}");
    }
    world.stop().await;
}

#[tokio::test]
async fn membership_stays_whole_when_two_nodes_change_it_at_once() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "tug of war", &[]).await;
    let id = room_id(room);
    let mut socket = world.webchat(1, &bob, "").await;
    for round in 0..40 {
        tokio::join!(add(&alice, 0, room, "bob"), remove(&alice, 1, room, 2), add(&alice, 1, room, "bob"));
        let is_member = roles(&alice, 0, room).await.len() == 2;
        let rooms = bob.get_json(1, "/api/v1/rooms").await;
        let is_listed = rooms.as_array().expect("a list").iter().any(|it| it["id"] == room);
        assert_eq!(is_listed, is_member, "round {round}");
        let text = format!("round {round}");
        alice.send(0, &id, &text).await;
        alice.send(0, "global", &text).await;
        // While a socket catches up in one room, it receives from the others; messages of earlier rounds may be repeated.
        let mut missing: Vec<u64> = if is_member { vec![room, 1] } else { vec![1] };
        while !missing.is_empty() {
            let payload = socket.next().await["payload"].take();
            let of = payload["room_id"].as_u64().expect("a number");
            if payload["content"] == text.as_str() {
                assert!(of == 1 || is_member, "round {round}: {payload}");
                missing.retain(|room| *room != of);
            }
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_new_name_is_on_the_next_message_over_an_open_socket() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = alice.make_group(0, "names", &["bob"]).await;
    let direct = alice.open_direct(0, "bob").await;
    let mut of_alice = world.webchat(1, &alice, "").await;
    let mut of_bob = world.webchat(0, &bob, "").await;
    let mut say = async |text: &str| {
        let payload = json!({"room_id": group, "content": text, "is_image": false});
        of_alice.send(&json!({"type": "send_message", "payload": payload})).await;
        of_bob.next().await["payload"]["username"].clone()
    };
    assert_eq!(say("before").await, "alice");
    let renaming = alice.at(0, Method::PUT, "/api/v1/user/profile").json(&json!({"username": "爱丽丝"}));
    assert_eq!(renaming.send().await.expect("answered").status(), 200);
    eventually("the other node's socket knows the name", async || say("after").await == "爱丽丝").await;
    for node in [0, 1] {
        let rooms = bob.get_json(node, "/api/v1/rooms").await;
        let room = rooms.as_array().expect("a list").iter().find(|it| it["id"] == direct).expect("listed").clone();
        assert_eq!(
            room,
            json!({"id": direct, "name": "爱丽丝", "is_private": true}),
            "direct rooms show the present name"
        );
        let list = bob.get_json(node, "/api/v1/conversations").await;
        let room = list.as_array().expect("a list").iter().find(|it| it["id"] == direct).expect("listed").clone();
        assert_eq!((&room["name"], &room["user_id"]), (&json!("爱丽丝"), &json!(1)));
    }
    let texts = bob.read(0, &format!("messages?room_id={}&limit=100", room_id(group))).await;
    let first = texts.as_array().expect("a list").iter().find(|it| it["content"] == "before").expect("listed").clone();
    assert_eq!(first["sender_name"], "alice", "messages keep the name at sending");
    world.stop().await;
}
