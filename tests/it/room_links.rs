//! Links with which users join a room themselves: who creates them, whom they admit, and for how long.

use reqwest::Method;
use serde_json::{Value, json};

use crate::documents::document_pages;
use crate::support::{User, World, answered, room_id, shared_connection, shared_redis};

/// A request to a path below `/api/v1`. Returns the status, and the body or the code of the error.
async fn call(user: &User<'_>, node: usize, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = user.at(node, method, &format!("/api/v1/{path}")).json(&body).send().await;
    let (status, body) = answered(answer).await;
    if status < 400 { (status, body) } else { (status, body["code"].clone()) }
}

/// Makes a link. Returns its token and its id.
async fn make(user: &User<'_>, node: usize, room: u64, terms: Value) -> (String, String) {
    let (status, link) = call(user, node, Method::POST, &format!("rooms/{room}/links"), terms).await;
    assert_eq!(status, 201, "{link}");
    let text = |field: &str| link[field].as_str().expect("text").to_owned();
    assert!(text("url").ends_with(&format!("/chat?join={}", text("token"))), "{link}");
    (text("token"), text("id"))
}

async fn list(user: &User<'_>, node: usize, room: u64) -> (u16, Value) {
    call(user, node, Method::GET, &format!("rooms/{room}/links"), Value::Null).await
}

async fn open(user: &User<'_>, node: usize, token: &str) -> (u16, Value) {
    call(user, node, Method::POST, "room-links/open", json!({"token": token})).await
}

async fn join(user: &User<'_>, node: usize, token: &str) -> (u16, Value) {
    call(user, node, Method::POST, "room-links/join", json!({"token": token})).await
}

async fn remove(user: &User<'_>, room: u64, member: u64) -> u16 {
    call(user, 0, Method::DELETE, &format!("rooms/{room}/members/{member}"), Value::Null).await.0
}

async fn members(user: &User<'_>, room: u64) -> Vec<String> {
    let list = user.get_json(0, &format!("/api/v1/rooms/{room}/members")).await;
    let names = list.as_array().expect("a list").iter().map(|member| member["username"].as_str());
    names.map(|name| name.expect("text").to_owned()).collect()
}

/// The code of a refusal.
fn code(status: u16, code: &str) -> (u16, Value) {
    (status, json!(code))
}

#[tokio::test]
async fn a_link_lets_a_stranger_join_on_another_node_and_everyone_sees_a_normal_join() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "plans", &[]).await;
    call(&alice, 0, Method::PATCH, &format!("rooms/{room}"), json!({"description": "about plans"})).await;
    let (token, id) = make(&alice, 0, room, json!({})).await;
    assert_eq!(token.len(), 34);

    let mut expected = json!({
        "id": room, "room_id": room_id(room), "kind": "group", "name": "plans", "description": "about plans",
        "avatar": "", "members": 1, "is_member": false
    });
    assert_eq!(open(&bob, 1, &token).await, (200, expected.clone()));
    let mut document = world.webchat(0, &alice, "").await;
    let mut own = world.webchat(1, &bob, "ext=1").await;
    (expected["members"], expected["is_member"]) = (json!(2), json!(true));
    assert_eq!(join(&bob, 1, &format!(" {}", token.to_uppercase())).await, (200, expected.clone()));
    assert_eq!(join(&bob, 0, &token).await, (200, expected), "again");
    assert_eq!(members(&bob, room).await, ["alice", "bob"]);
    let added = own.next_of("member_added").await["payload"].take();
    assert_eq!((&added["room_id"], &added["username"]), (&json!(room), &json!("bob")), "{added}");
    assert_eq!(added["message"]["notice"]["kind"], "joined", "{added}");

    // A client of document 000 hears nothing but what bob writes; the history of document 003 has the notice of a join.
    bob.send(1, &room_id(room), "hello").await;
    let heard = document.next().await;
    assert_eq!((&heard["type"], &heard["payload"]["content"]), (&json!("new_message"), &json!("hello")));
    let pages = document_pages(&alice, 0, room).await;
    assert_eq!(pages[0][1]["content"], "bob 加入了聊天室", "{}", pages[0]);

    let (status, links) = list(&alice, 1, room).await;
    assert_eq!(status, 200);
    let link = &links[0];
    assert_eq!((&link["id"], &link["used"], &link["uses"]), (&json!(id), &json!(1), &Value::Null), "{links}");
    assert_eq!(link["created_by"], json!({"id": 1, "username": "alice"}));
    assert!(!links.to_string().contains(&token), "a list gives no token away");
    world.stop().await;
}

#[tokio::test]
async fn redis_holds_no_token_and_links_vanish_with_their_room() {
    let world = World::start_with(1, shared_redis(), |_| {}).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "plans", &[]).await;
    let (token, id) = make(&alice, 0, room, json!({"days": 1})).await;
    let key = format!("{}{{r:{room}}}:links", world.config.redis.prefix);
    let mut connection = shared_connection(&key);
    let stored: Vec<String> = redis::cmd("HGETALL").arg(&key).query(&mut connection).expect("read");
    assert!(stored[0] == id && !stored.concat().contains(&token[8..]), "{stored:?}");
    let lifetime: i64 = redis::cmd("TTL").arg(&key).query(&mut connection).expect("read");
    assert!((30 * 86_400..=31 * 86_400).contains(&lifetime), "{lifetime} seconds");
    assert_eq!(call(&alice, 0, Method::DELETE, &format!("rooms/{room}"), Value::Null).await.0, 200);
    let exists: bool = redis::cmd("EXISTS").arg(&key).query(&mut connection).expect("read");
    assert!(!exists);
    assert_eq!(join(&alice, 0, &token).await, code(404, "link_invalid"));
    world.stop().await;
}

#[tokio::test]
async fn links_end_when_they_expire_are_used_up_or_revoked() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(1, "carol").await;
    let room = alice.make_group(0, "plans", &[]).await;
    let (once, _) = make(&alice, 0, room, json!({"uses": 1})).await;
    assert_eq!(join(&bob, 1, &once).await.0, 200);
    for answer in [open(&carol, 0, &once).await, join(&carol, 1, &once).await] {
        assert_eq!(answer, code(403, "link_used_up"));
    }
    assert_eq!(open(&bob, 1, &once).await.0, 200, "members go where they are already");

    let (revoked, id) = make(&alice, 0, room, json!({"days": 365, "uses": 1000})).await;
    let path = format!("rooms/{room}/links/{id}");
    assert_eq!(call(&bob, 1, Method::DELETE, &path, Value::Null).await, code(403, "forbidden"));
    assert_eq!(call(&alice, 1, Method::DELETE, &path, Value::Null).await.0, 200);
    assert_eq!(call(&alice, 1, Method::DELETE, &path, Value::Null).await, code(404, "not_found"));
    assert_eq!(join(&carol, 0, &revoked).await, code(404, "link_invalid"));

    // What was stored a day ago.
    let (expired, id) = make(&alice, 0, room, json!({"days": 1})).await;
    let key = format!("{}{{r:{room}}}:links", world.config.redis.prefix);
    let stored = "1761480000000 1 1761566400000 0 0";
    redis::cmd("HSET").arg(&key).arg(&id).arg(stored).exec(&mut shared_connection(&key)).expect("written");
    assert_eq!(join(&carol, 0, &expired).await, code(403, "link_expired"));
    let ids = list(&alice, 0, room).await.1;
    assert_eq!(ids.as_array().map(Vec::len), Some(1), "{ids}");
    assert_eq!(members(&alice, room).await, ["alice", "bob"]);

    let other = format!("{}{}", &once[..8], "a".repeat(26));
    for wrong in ["", "x", &once[1..], &other, &format!("ffffffff{}", "a".repeat(26))] {
        assert_eq!(open(&carol, 0, wrong).await, code(404, "link_invalid"), "{wrong:?}");
    }
    assert_eq!(call(&carol, 0, Method::POST, "room-links/join", json!({})).await, code(400, "missing"));
    world.stop().await;
}

#[tokio::test]
async fn removed_users_do_not_come_back_by_a_link_but_those_who_left_do() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(1, "carol").await;
    let room = alice.make_group(0, "plans", &["bob", "carol"]).await;
    let (token, _) = make(&alice, 0, room, json!({})).await;
    assert_eq!(remove(&alice, room, 2).await, 200);
    for answer in [open(&bob, 0, &token).await, join(&bob, 1, &token).await] {
        assert_eq!(answer, code(403, "removed"));
    }
    assert_eq!(remove(&carol, room, 3).await, 200);
    assert_eq!(join(&carol, 1, &token).await.0, 200);
    let body = json!({"username": "bob"});
    assert_eq!(call(&alice, 0, Method::POST, &format!("rooms/{room}/members"), body).await.0, 201);
    assert_eq!(remove(&bob, room, 2).await, 200);
    assert_eq!(join(&bob, 1, &token).await.0, 200, "who was added again may leave and come back");
    world.stop().await;
}

#[tokio::test]
async fn a_link_works_as_long_as_its_maker_is_owner_or_admin() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(1, "carol").await;
    let room = alice.make_group(0, "plans", &["bob"]).await;
    let path = format!("rooms/{room}/links");
    assert_eq!(call(&bob, 1, Method::POST, &path, json!({})).await, code(403, "forbidden"));
    assert_eq!(list(&bob, 1, room).await, code(403, "forbidden"));
    assert_eq!(list(&carol, 1, room).await, code(404, "room_not_found"), "strangers learn nothing");
    let role = async |role: &str| {
        let path = format!("rooms/{room}/members/2");
        assert_eq!(call(&alice, 0, Method::PUT, &path, json!({"role": role})).await.0, 200);
    };
    role("admin").await;
    let (token, _) = make(&bob, 1, room, json!({})).await;
    assert_eq!(open(&carol, 0, &token).await.0, 200);
    role("member").await;
    assert_eq!(open(&carol, 0, &token).await, code(404, "link_invalid"));
    assert_eq!(join(&carol, 1, &token).await, code(404, "link_invalid"));
    assert_eq!(list(&alice, 1, room).await, (200, json!([])));
    world.stop().await;
}

#[tokio::test]
async fn rooms_have_few_links_and_terms_have_bounds() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "plans", &[]).await;
    let path = format!("rooms/{room}/links");
    for terms in [json!({"days": 0}), json!({"days": 366}), json!({"uses": 0}), json!({"uses": 1001})] {
        assert_eq!(call(&alice, 0, Method::POST, &path, terms.clone()).await, code(400, "invalid"), "{terms}");
    }
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(make(&alice, 0, room, json!({})).await.1);
    }
    assert_eq!(call(&alice, 0, Method::POST, &path, json!({})).await, code(409, "too_many_links"));
    assert_eq!(call(&alice, 0, Method::DELETE, &format!("{path}/{}", ids[0]), Value::Null).await.0, 200);
    make(&alice, 0, room, json!({})).await;

    let direct = alice.open_direct(0, "bob").await;
    let answer = call(&alice, 0, Method::POST, &format!("rooms/{direct}/links"), json!({})).await;
    assert_eq!(answer, code(400, "direct_room"));
    assert_eq!(call(&alice, 0, Method::POST, "rooms/1/links", json!({})).await, code(400, "global_room"));
    world.stop().await;
}

#[tokio::test]
async fn a_link_is_used_no_more_often_than_allowed_and_guesses_are_limited() {
    let world = World::start_with(2, shared_redis(), |config| config.limits.searches_burst = 20).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "plans", &[]).await;
    let (token, _) = make(&alice, 0, room, json!({"uses": 2})).await;
    let mut users = Vec::new();
    for number in 0..6 {
        users.push(world.user(number % 2, &format!("user{number}")).await);
    }
    let joins = users.iter().enumerate().map(|(at, user)| join(user, at % 2, &token));
    let answers = futures_util::future::join_all(joins).await;
    let joined = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(joined, 2, "{answers:?}");
    assert_eq!(members(&alice, room).await.len(), 3);
    let guess = format!("{}{}", &token[..8], "a".repeat(26));
    let guesses = (0..200).map(|_| open(&users[5], 0, &guess));
    let answers = futures_util::future::join_all(guesses).await;
    assert!(answers.contains(&code(429, "rate_limited")), "{:?}", answers.last());
    world.stop().await;
}
