//! A user's own profile: changed through document 001 or through the routes beside document 000, seen by others.

use reqwest::Method;
use serde_json::{Value, json};

use crate::budgets::only;
use crate::command_log::LoggedRedis;
use crate::dialect_clients::{Destination, DialectClients, SOCKET_KINDS};
use crate::support::{User, World, answered, eventually, ok, shared_redis};
use crate::uploads::upload_picture;

async fn change(user: &User<'_>, node: usize, body: &Value) -> (u16, Value) {
    answered(user.at(node, Method::PATCH, "/api/v1/me").json(body).send().await).await
}

async fn put_profile(user: &User<'_>, node: usize, body: &Value) -> Value {
    ok(user.at(node, Method::PUT, "/api/v1/user/profile").json(body).send().await).await["data"].clone()
}

/// The entry of a list whose field has this value.
fn entry(list: &Value, field: &str, value: u64) -> Value {
    let list = list.as_array().expect("a list");
    list.iter().find(|entry| entry[field] == value).unwrap_or_else(|| panic!("no {value} in {list:?}")).clone()
}

#[tokio::test]
async fn a_profile_is_seen_in_every_list_with_the_host_of_the_reader() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = alice.make_group(0, "g", &["bob"]).await;
    let direct = alice.open_direct(0, "bob").await;
    let (picture, of_room) = (upload_picture(&alice, 0).await, upload_picture(&alice, 0).await);
    let (status, me) = change(&alice, 0, &json!({"avatar": world.url(0, &picture), "status_text": "At lunch"})).await;
    assert_eq!((status, &me["avatar"], &me["status_text"]), (200, &json!(world.url(0, &picture)), &json!("At lunch")));
    let settings = alice.at(0, Method::PATCH, &format!("/api/v1/rooms/{group}")).json(&json!({"avatar": of_room}));
    ok(settings.send().await).await;

    let there = world.url(1, &picture);
    let rooms = bob.get_json(1, "/api/v1/conversations").await;
    assert_eq!(entry(&rooms, "id", direct)["avatar"], there);
    assert_eq!(entry(&rooms, "id", group)["avatar"], world.url(1, &of_room));
    assert_eq!(entry(&rooms, "id", 1)["avatar"], "", "the global room has none");
    for room in [group, 1] {
        let members = bob.get_json(1, &format!("/api/v1/rooms/{room}/members")).await;
        let member = entry(&members, "user_id", 1);
        assert_eq!((&member["avatar"], &member["status_text"]), (&json!(there), &json!("At lunch")), "{room}");
        assert_eq!(entry(&members, "user_id", 2)["avatar"], "");
    }
    let cards = bob.get_json(1, "/api/v1/users?ids=2,77,1").await;
    let expected = json!([
        {"id": 2, "username": "bob", "avatar": "", "status_text": ""},
        {"id": 1, "username": "alice", "avatar": there, "status_text": "At lunch"}
    ]);
    assert_eq!(cards, expected);
    assert_eq!(bob.get_json(1, "/api/v1/users/1").await, cards[1]);
    assert_eq!(bob.get_json(1, "/api/v1/users?q=AL").await, json!([cards[1]]), "by the beginning of the name");
    for (path, status) in [("/77", 404), ("/x", 404), ("?q=", 400), ("?q=a&limit=0", 400), ("", 400)] {
        let answer = bob.at(1, Method::GET, &format!("/api/v1/users{path}")).send().await;
        assert_eq!(answered(answer).await.0, status, "{path:?}");
    }
    let of_document = bob.get_json(1, "/api/v1/rooms").await;
    assert_eq!(entry(&of_document, "id", direct), json!({"id": direct, "name": "alice", "is_private": true}));

    // Document 001 shows the same picture, and takes its address from any host.
    let profile = alice.get_json(1, "/api/v1/user/profile").await;
    assert_eq!(profile["data"]["avatar"], there);
    let elsewhere = format!("https://old.example{of_room}");
    assert_eq!(put_profile(&alice, 1, &json!({"avatar": elsewhere})).await["avatar"], world.url(1, &of_room));
    assert_eq!(alice.get_json(0, "/api/v1/me").await["avatar"], world.url(0, &of_room));
    let not_ours = json!({"avatar": "https://old.example/uploads/images/3b241101-e2bb-4255-8caf-4136c566a962.png"});
    assert_eq!(put_profile(&alice, 1, &not_ours).await["avatar"], not_ours["avatar"]);
    assert_eq!(alice.get_json(0, "/api/v1/me").await["status_text"], "At lunch", "document 001 leaves it alone");
    let (_, me) = change(&alice, 1, &json!({"avatar": "", "status_text": " "})).await;
    assert_eq!((&me["avatar"], &me["status_text"]), (&json!(""), &json!("")));
    world.stop().await;
}

#[tokio::test]
async fn a_new_name_is_that_of_document_001() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let (status, me) = change(&alice, 0, &json!({"username": " Ａnna  Lee "})).await;
    assert_eq!((status, &me["username"]), (200, &json!("Anna Lee")));
    assert_eq!(alice.get_json(1, "/api/v1/user/profile").await["data"]["username"], "Anna Lee");
    let sender = async |node| alice.send(node, "global", "x").await["sender_name"].clone();
    assert_eq!(sender(0).await, "Anna Lee", "at once where it was changed, with the old token");
    eventually("the other node knows the name", async || sender(1).await == "Anna Lee").await;
    world.log_in(1, "anna lee", "your_strong_password").await;
    let found = bob.get_json(1, "/api/v1/search?kind=user&q=lee").await;
    assert_eq!(found[0]["id"], 1);
    world.user(1, "alice").await; // free again
    assert_eq!(change(&alice, 1, &json!({"username": "Anna Lee"})).await.0, 200, "the present name");
    for (body, status, code) in [
        (json!({"username": "anna lee"}), 409, "name_taken"),
        (json!({"username": "Anna Iee"}), 409, "name_taken"), // looks like it
        (json!({"username": "ADMIN"}), 409, "name_taken"),
        (json!({"username": "系统"}), 409, "name_taken"),
        (json!({"username": ""}), 400, "length"),
        (json!({"username": "x".repeat(33)}), 400, "length"),
        (json!({"username": "b\u{43e}b"}), 400, "invalid"),
        (json!({"username": "b\u{200b}ob"}), 400, "invalid"),
        (json!({"username": 7}), 400, "malformed"),
        (json!({"username": ["x"]}), 400, "malformed"),
        (json!([]), 400, "malformed"),
    ] {
        let (found, answer) = change(&bob, 1, &body).await;
        assert_eq!((found, &answer["code"]), (status, &json!(code)), "{body}");
    }
    assert_eq!(bob.get_json(0, "/api/v1/me").await["username"], "bob", "nothing was changed");
    world.stop().await;
}

#[tokio::test]
async fn pictures_must_be_uploads_that_exist_and_texts_must_be_visible() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let picture = upload_picture(&user, 0).await;
    let gone = picture.replace(|c: char| c.is_ascii_digit(), "0");
    let in_chat = ok(crate::uploads::upload(&user, 0, "a.png", crate::uploads::png(), "global").await).await;
    let long = "字".repeat(101);
    for (field, value, code) in [
        ("avatar", gone.as_str(), "invalid"),
        ("avatar", &format!("https://chat.example{gone}"), "invalid"),
        ("avatar", in_chat["file_url"].as_str().expect("an address"), "invalid"), // goes with its message
        ("avatar", &format!("{picture}?x"), "invalid"),
        ("avatar", &picture.to_uppercase(), "invalid"),
        ("avatar", &picture.replace("/uploads", "/uploads/../uploads"), "invalid"),
        ("avatar", &picture.replace("/uploads/", ""), "invalid"),
        ("avatar", &format!("file://host{picture}"), "invalid"),
        ("avatar", "https://example.com/a.png", "invalid"),
        ("avatar", "javascript:alert(1)", "invalid"),
        ("avatar", "data:image/png;base64,AAAA", "invalid"),
        ("avatar", " ", "invalid"),
        ("status_text", &long, "length"),
        ("status_text", "two\nlines", "invalid"),
        ("status_text", "a\u{202e}b", "invalid"),
        ("status_text", "\u{200b}", "invalid"),
        ("status_text", "\u{1b}[0m", "invalid"),
    ] {
        let (status, answer) = change(&user, 0, &json!({field: value, "username": "changed"})).await;
        assert_eq!(
            (status, &answer["code"], &answer["field"]),
            (400, &json!(code), &json!(field)),
            "{field} {value:?}"
        );
    }
    let me = user.get_json(0, "/api/v1/me").await;
    assert_eq!((&me["username"], &me["avatar"], &me["status_text"]), (&json!("alice"), &json!(""), &json!("")));
    let (status, me) = change(&user, 0, &json!({"avatar": picture, "status_text": "🌴 休假中"})).await;
    assert_eq!((status, &me["avatar"], &me["status_text"]), (200, &json!(world.url(0, &picture)), &json!("🌴 休假中")));
    let (_, same) = change(&user, 0, &json!({"username": null, "avatar": null, "status_text": null, "id": 7})).await;
    assert_eq!(same, me, "what is absent stays");
    world.stop().await;
}

#[tokio::test]
async fn sockets_with_extensions_are_told_and_no_others() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    alice.make_group(0, "g", &["bob"]).await;
    let mut own = [world.webchat(0, &alice, "ext=1").await, world.webchat(1, &alice, "ext=1").await];
    let mut plain = world.webchat(1, &alice, "").await;
    let mut others = DialectClients::open(&world, 1, &alice, 1).await;
    let mut foreign = world.webchat(0, &bob, "ext=1").await;
    let picture = upload_picture(&alice, 0).await;
    change(&alice, 0, &json!({"username": "anna", "status_text": "x"})).await;
    put_profile(&alice, 1, &json!({"phone": "123"})).await;
    put_profile(&alice, 1, &json!({"username": "anna", "avatar": picture, "phone": ""})).await;
    change(&alice, 1, &json!({})).await;
    for (node, socket) in own.iter_mut().enumerate() {
        let told = [json!({"username": "anna", "status_text": "x"}), json!({"avatar": world.url(node, &picture)})];
        for payload in told {
            assert_eq!(socket.next_of("me_changed").await["payload"], payload);
        }
    }
    // What others see of it comes once a second, so in one frame or several.
    let seen = json!({"user_id": 1, "username": "anna", "status_text": "x", "avatar": world.url(0, &picture)});
    let mut known = json!({});
    while known != seen {
        let users = foreign.next_of("profiles_changed").await["payload"]["users"].take();
        let user = users.as_array().filter(|users| users.len() == 1).and_then(|users| users[0].as_object());
        known.as_object_mut().expect("an object").extend(user.expect("one user").clone());
    }
    bob.send(0, "global", "to all").await;
    for socket in own.iter_mut().chain([&mut plain, &mut foreign]) {
        let frame = loop {
            let frame = socket.next().await;
            if frame["type"] != "presence" {
                break frame;
            }
        };
        assert_eq!(frame["payload"]["content"], "to all", "{frame}");
    }
    for kind in SOCKET_KINDS {
        assert_eq!(others.next_message(kind, Destination { room: 1, other: None }).await.content, "to all", "{kind:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn changes_are_limited_through_both_routes() {
    let world = World::start_with(1, shared_redis(), |config| {
        (config.limits.user_sends_per_sec, config.limits.user_sends_burst) = (1, 4);
    })
    .await;
    let user = world.user(0, "alice").await;
    let mut refused = 0;
    for round in 0..4 {
        let put = user.at(0, Method::PUT, "/api/v1/user/profile").json(&json!({"phone": "1"}));
        let patch = user.at(0, Method::PATCH, "/api/v1/me").json(&json!({"status_text": "x"}));
        for request in [put, patch] {
            let answer = request.send().await.expect("answered");
            let is_limited = answer.status() == 429;
            assert!(is_limited || answer.status() == 200, "{}", answer.status());
            assert!(round > 0 || !is_limited, "the burst is free");
            assert!(!is_limited || answer.headers().contains_key("retry-after"));
            refused += usize::from(is_limited);
        }
    }
    assert!(refused > 0);
    world.stop().await;
}

#[tokio::test]
async fn cards_cost_one_round_trip() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    for name in ["bob", "carol"] {
        world.user(0, name).await;
    }
    let cost = redis.cost(&user, async || drop(user.get_json(0, "/api/v1/users?ids=1,2,3,4").await)).await;
    assert_eq!((cost.commands, cost.round_trips), (only(&[("hmget", 4)]), 1));
    let many = vec!["1"; 101].join(",");
    for bad in ["", "?ids=", "?ids=x", "?ids=1,", "?ids=1,,2", "?ids=-1", &format!("?ids={many}")] {
        let (status, answer) = answered(user.at(0, Method::GET, &format!("/api/v1/users{bad}")).send().await).await;
        assert_eq!((status, &answer["field"]), (400, &json!("ids")), "{bad}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_deleted_user_shows_nothing_any_more() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let direct = alice.open_direct(0, "bob").await;
    let picture = upload_picture(&alice, 0).await;
    change(&alice, 0, &json!({"avatar": picture, "status_text": "x"})).await;
    let deletion = alice.at(0, Method::DELETE, "/api/v1/me").json(&json!({"password": "your_strong_password"}));
    ok(deletion.send().await).await;
    let card = json!([{"id": 1, "username": "已注销", "avatar": "", "status_text": ""}]);
    assert_eq!(bob.get_json(1, "/api/v1/users?ids=1").await, card);
    assert_eq!(entry(&bob.get_json(1, "/api/v1/conversations").await, "id", direct)["avatar"], "");
    world.stop().await;
}
