//! Deletion of accounts: what is removed, what stays, and that it is completed whatever fails.

use reqwest::Method;
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{Redis, User, World, administration, answered, eventually, refused, room_id};

const BOB: u64 = 2;

async fn delete(user: &User<'_>, node: usize, body: Value) -> (u16, Value) {
    answered(user.at(node, Method::DELETE, "/api/v1/me").json(&body).send().await).await
}

async fn log_in(world: &World, node: usize, name: &str) -> u16 {
    let body = json!({"username": name, "password": "your_strong_password"});
    let url = world.url(node, "/api/v1/auth/login");
    world.client.post(url).json(&body).send().await.expect("answered").status().as_u16()
}

async fn register(world: &World, name: &str) -> u16 {
    let body = json!({"username": name, "password": "your_strong_password"});
    let url = world.url(0, "/api/v1/auth/register");
    world.client.post(url).json(&body).send().await.expect("answered").status().as_u16()
}

async fn register_001(world: &World, name: &str, email: &str) -> u16 {
    let body = json!({"username": name, "email": email, "password": "your_strong_password"});
    let url = world.url(0, "/api/v1/register");
    world.client.post(url).json(&body).send().await.expect("answered").status().as_u16()
}

/// The senders of a room's messages as document 003 lists them, newest first.
async fn senders(user: &User<'_>, node: usize, room: &str) -> Vec<String> {
    let page = user.read(node, &format!("messages?room_id={room}&limit=100")).await;
    let messages = page.as_array().expect("a list");
    messages.iter().map(|it| it["sender_name"].as_str().expect("a name").to_owned()).collect()
}

async fn closed_with(socket: &mut Socket) -> Option<u16> {
    loop {
        if let Err(end) = socket.next_or_end().await {
            return end;
        }
    }
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_messages_stay() {
    let mut world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await.token, world.user(0, "Bob").await.token);
    {
        let (alice, bob) = (User::new(&world, "alice", &alice), User::new(&world, "Bob", &bob));
        let public = alice.make_room(0, "public").await;
        let group = alice.make_group(0, "group", &["Bob"]).await;
        let direct = bob.open_direct(1, "alice").await;
        for room in [&public, &room_id(group), &room_id(direct), "global"] {
            bob.send(1, room, "hello").await;
        }
        let mut sockets = [world.webchat(0, &bob, "ext=1").await, world.webchat(1, &bob, "").await];
        let mut of_alice = world.webchat(1, &alice, "ext=1").await;

        assert_eq!(delete(&bob, 0, json!({})).await.0, 400);
        for wrong in ["passwort", ""] {
            let expected = (403, json!({"error": "Wrong password", "code": "wrong_password"}));
            assert_eq!(delete(&bob, 0, json!({"password": wrong})).await, expected);
        }
        assert_eq!(
            delete(&bob, 0, json!({"password": "your_strong_password"})).await,
            (200, json!({"message": "Account deleted"}))
        );

        assert_eq!(delete(&bob, 0, json!({"password": "your_strong_password"})).await.0, 401, "again");
        eventually("the other node knows it", async || {
            bob.get(1, "stats").send().await.expect("answered").status().as_u16() == 401
        })
        .await;
        for socket in &mut sockets {
            assert_eq!(closed_with(socket).await, Some(1008));
        }
        let left = of_alice.next_of("member_removed").await;
        assert_eq!((&left["payload"]["user_id"], &left["payload"]["username"]), (&json!(BOB), &json!("已注销")));
        assert_eq!((log_in(&world, 0, "bob").await, log_in(&world, 1, "bob").await), (401, 401));

        for node in [0, 1] {
            for room in [&public, &room_id(group), &room_id(direct), "global"] {
                eventually("the name is replaced", async || {
                    senders(&alice, node, room).await.iter().all(|name| name != "Bob" && name != "bob")
                })
                .await;
                assert!(senders(&alice, node, room).await.contains(&"已注销".to_owned()), "{room}");
            }
            let history = alice.read(node, &format!("messages?room_id={}&limit=100", room_id(group))).await;
            assert!(!history.to_string().contains("Bob"), "notices name nobody either: {history}");
            let conversations = alice.get_json(node, "/api/v1/conversations").await;
            assert!(!conversations.to_string().contains("Bob"), "{conversations}");
            let of_bob = conversations.as_array().expect("a list").iter().find(|it| it["id"] == direct).cloned();
            assert_eq!(of_bob.expect("the direct room stays")["name"], "已注销");
            let members = alice.get_json(node, &format!("/api/v1/rooms/{group}/members")).await;
            assert_eq!(members.as_array().expect("a list").len(), 1, "{members}");
            let online = alice.read(node, "online-users").await;
            assert!(!online.to_string().contains("Bob"), "{online}");
            let found = alice.get_json(node, "/api/v1/search?kind=user&q=bo").await;
            assert_eq!(found, json!([]));
            refused(alice.get(node, &format!("user-ip/{BOB}")).send().await, 404).await;
        }
        // Nobody writes to the number, adds it or opens a room with it.
        let (status, _) = alice.ask(0, "/api/v1/rooms", &json!({"is_private": true, "username": "已注销"})).await;
        assert_eq!(status, 404);
        let path = format!("/api/v1/group/{}/members", room_id(group));
        assert_eq!(alice.ask(0, &path, &json!({"user_id": BOB.to_string()})).await.0, 404);
        assert_eq!(register(&world, "已注销").await, 409);
        assert_eq!(register(&world, "bob").await, 409, "reserved as long as messages of before are there");
    }
    world.add_node().await;
    let alice = User::new(&world, "alice", &alice);
    assert!(!senders(&alice, 2, "global").await.contains(&"Bob".to_owned()), "a node that starts later knows it");
    world.stop().await;
}

#[tokio::test]
async fn a_deleted_account_frees_its_address_at_once_and_its_name_later() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    assert_eq!(register_001(&world, "bob", "bob@example.org").await, 200);
    let bob = world.log_in(0, "bob", "your_strong_password").await;
    assert_eq!(register_001(&world, "carol", "BOB@example.org").await, 400);
    assert_eq!(delete(&bob, 0, json!({"password": "your_strong_password"})).await.0, 200);
    assert_eq!(register_001(&world, "carol", "BOB@example.org").await, 200);
    let key = format!("{}name:bob", world.config.redis.prefix);
    let ttl: u64 = redis::cmd("TTL").arg(&key).query(&mut redis.connection()).expect("a time");
    assert!((691_000..=691_200).contains(&ttl), "eight days: {ttl}");
    redis::cmd("DEL").arg(&key).exec(&mut redis.connection()).expect("removed");
    assert_eq!(register(&world, "bob").await, 201);
    let new = world.log_in(0, "bob", "your_strong_password").await;
    assert_ne!(new.get_json(0, "/api/v1/me").await["id"], 1);
    world.stop().await;
}

#[tokio::test]
async fn the_rooms_of_a_deleted_owner_pass_on() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = bob.make_group(0, "group", &["alice"]).await;
    let alone = bob.make_group(0, "alone", &[]).await;
    assert_eq!(delete(&bob, 0, json!({"password": "your_strong_password"})).await.0, 200);
    let members = alice.get_json(0, &format!("/api/v1/rooms/{group}/members")).await;
    let alice_alone = json!([{"user_id": 1, "username": "alice", "role": "owner", "avatar": "", "status_text": ""}]);
    assert_eq!(members, alice_alone);
    refused(alice.get(0, &format!("messages?room_id={}", room_id(alone))).send().await, 404).await;
    world.stop().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_deleted_account() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.redis.prefix = "p:".to_owned()).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let direct = bob.open_direct(0, "alice").await;
    bob.send(0, &room_id(direct), "hello").await;
    alice.send(0, &room_id(direct), "hello").await;
    bob.read(0, &format!("messages?room_id={}", room_id(direct))).await;
    assert_eq!(delete(&bob, 0, json!({"password": "your_strong_password"})).await.0, 200);
    let mut connection = redis.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("p:{u:2}*").query(&mut connection).expect("keys");
    assert_eq!(keys, ["p:{u:2}"]);
    let fields: Vec<String> = redis::cmd("HKEYS").arg("p:{u:2}").query(&mut connection).expect("fields");
    let mut fields = fields;
    fields.sort_unstable();
    assert_eq!(fields, ["deleted", "epoch", "name"]);
    for key in ["p:{r:1}:members", &format!("p:{{r:{direct}}}:members"), "p:online:2", "p:connected:2"] {
        let score: Option<f64> = redis::cmd("ZSCORE").arg(key).arg(BOB).query(&mut connection).expect("a score");
        assert_eq!(score, None, "{key}");
    }
    // The direct room goes with the second of its users.
    assert_eq!(delete(&alice, 0, json!({"password": "your_strong_password"})).await.0, 200);
    let ttl: i64 = redis::cmd("TTL").arg(format!("p:{{r:{direct}}}")).query(&mut connection).expect("a time");
    assert!(ttl > 0, "{ttl}");
    world.stop().await;
}

#[tokio::test]
async fn another_node_finishes_a_deletion_that_ended_half_way() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.redis.prefix = "p:".to_owned()).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "group", &["bob"]).await;
    bob.send(0, &room_id(group), "hello").await;
    let administration = administration(&world.config).await;
    let mut connection = redis.connection();
    let mut note = |user: u64, age_secs: u64| {
        let at_ms = chinwag::domain::now_ms() - age_secs * 1000;
        redis::cmd("ZADD").arg("p:deleting").arg(at_ms).arg(user).exec(&mut connection).expect("noted");
    };
    // A note alone deletes nothing, and goes after a while.
    note(1, 60);
    note(BOB, 3600);
    administration.accounts().housekeeping().await.expect("done");
    let noted = |redis: &Redis| -> Vec<u64> {
        redis::cmd("ZRANGE").arg("p:deleting").arg(0).arg(-1).query(&mut redis.connection()).expect("a set")
    };
    assert_eq!(noted(&redis), [1]);
    assert_eq!(log_in(&world, 0, "bob").await, 200);

    // As the node leaves it that fails right behind the script.
    let script = include_str!("../../src/store/lua/delete_account.lua");
    note(BOB, 60);
    redis::cmd("EVAL")
        .arg(script)
        .arg(1)
        .arg("p:{u:2}")
        .arg("")
        .arg("已注销")
        .exec(&mut redis.connection())
        .expect("deleted");
    assert_eq!(log_in(&world, 0, "bob").await, 401);
    for _ in 0..2 {
        administration.accounts().housekeeping().await.expect("done");
        assert_eq!(noted(&redis), [1]);
        let members = alice.get_json(0, &format!("/api/v1/rooms/{group}/members")).await;
        assert_eq!(members.as_array().expect("a list").len(), 1, "{members}");
        eventually("the token ends", async || {
            bob.get(0, "stats").send().await.expect("answered").status().as_u16() == 401
        })
        .await;
        assert_eq!(register(&world, "bob").await, 409);
        note(BOB, 60);
    }
    eventually("the name is replaced", async || {
        senders(&alice, 0, &room_id(group)).await.iter().all(|name| name != "bob")
    })
    .await;
    world.stop().await;
}
