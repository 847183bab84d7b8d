//! Pages of documents 000, 001 and 002 across deleted messages and system messages. Search.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{User, World, answered, ok, room_id};

/// Texts of one page: oldest first in 000, newest first in 001 and 002.
async fn page_000(world: &World, user: &User<'_>, node: usize, payload: Value) -> Vec<String> {
    let mut socket = world.webchat(node, user, "").await;
    socket.send(&json!({"type": "fetch_history", "payload": payload})).await;
    let answer = socket.next().await;
    assert_eq!((&answer["type"], &answer["payload"]["room_id"]), (&json!("message_history"), &payload["room_id"]));
    texts(&answer["payload"]["messages"])
}

async fn page_001(user: &User<'_>, node: usize, query: &str) -> (Vec<String>, u64) {
    let list = user.get_json(node, &format!("/api/v1/chat/messages?{query}")).await;
    (texts(&list["data"]["messages"]), list["data"]["total"].as_u64().expect("a number"))
}

async fn page_002(user: &User<'_>, node: usize, body: Value) -> Vec<String> {
    let (status, page) = user.ask(node, "/api/chat/history/room", &body).await;
    assert_eq!((status, &page["code"], &page["message"]), (200, &json!(200), &json!("success")), "{page}");
    texts(&page["data"])
}

fn texts(list: &Value) -> Vec<String> {
    let messages = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    messages.iter().map(|message| message["content"].as_str().expect("text").to_owned()).collect()
}

async fn delete(user: &User<'_>, node: usize, room: &str, message: &Value) {
    let path = format!("messages/{}?room_id={room}", message["id"].as_str().expect("an id"));
    ok(user.request(node, Method::DELETE, &path).send().await).await;
}

/// Sends 30 texts with system messages between them, and deletes every third. Returns the remaining, oldest first.
async fn fill(world: &World, alice: &User<'_>, room: u64) -> Vec<String> {
    let id = room_id(room);
    let mut left = Vec::new();
    for number in 0..30 {
        let sent = alice.send(number % 2, &id, &number.to_string()).await;
        if number % 3 == 0 {
            delete(alice, 1 - number % 2, &id, &sent).await;
        } else {
            left.push(number.to_string());
        }
        if number % 5 == 0 {
            let name = format!("user{number}");
            world.user(0, &name).await;
            let path = format!("/api/v1/rooms/{room}/members");
            assert_eq!(alice.ask(0, &path, &json!({"username": name})).await.0, 201);
        }
    }
    left
}

#[tokio::test]
async fn pages_are_filled_past_what_is_not_listed() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "pages", &[]).await;
    let left = fill(&world, &alice, room).await;
    let id = room_id(room);
    for size in [1, 3, 7, 20, 1000] {
        let (mut by_000, mut by_001) = (Vec::new(), Vec::new());
        for page in 1..=left.len() / size + 1 {
            let node = page % 2;
            let older = page_000(&world, &alice, node, json!({"room_id": room, "page": page, "page_size": size})).await;
            by_000 = [older, by_000].concat();
            let query = format!("group_id={id}&limit={size}&offset={}", (page - 1) * size);
            let (older, total) = page_001(&alice, node, &query).await;
            assert_eq!(total, left.len() as u64, "what can be listed");
            by_001.extend(older);
        }
        by_001.reverse();
        assert_eq!((&by_000, &by_001), (&left, &left), "pages of {size}");
    }
    assert_eq!(page_000(&world, &alice, 0, json!({"room_id": room})).await, left, "20 when not said otherwise");
    assert_eq!(page_001(&alice, 0, &format!("group_id={id}&limit=&offset=")).await.0.len(), 20);
    // 002 lists system messages as well.
    let mut by_002: Vec<String> = Vec::new();
    for page in 1..=6 {
        by_002.extend(page_002(&alice, page % 2, json!({"room_id": room, "page": page, "page_size": 5})).await);
    }
    let whole = page_002(&alice, 0, json!({"room_id": room, "page_size": 1000})).await;
    assert_eq!(by_002, whole);
    assert_eq!(whole.iter().filter(|text| text.contains("聊天室")).count(), 7);
    by_002.retain(|text| !text.contains("聊天室"));
    by_002.reverse();
    assert_eq!(by_002, left);
    world.stop().await;
}

#[tokio::test]
async fn bad_pages_are_refused() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let huge = "9223372036854775808";
    for bad in ["0", "-1", "1.5", "x", huge] {
        let query = format!("/api/v1/chat/messages?group_id=global&limit={bad}");
        assert_eq!(answered(alice.at(0, Method::GET, &query).send().await).await.0, 400, "limit {bad}");
        if bad != "0" {
            let query = format!("/api/v1/chat/messages?group_id=global&offset={bad}");
            assert_eq!(answered(alice.at(0, Method::GET, &query).send().await).await.0, 400, "offset {bad}");
        }
        let value: Value = serde_json::from_str(bad).unwrap_or(json!(bad));
        for key in ["page", "page_size"] {
            let body = json!({"room_id": 1, key: value});
            let (status, answer) = alice.ask(0, "/api/chat/history/room", &body).await;
            assert_eq!((status, &answer["code"]), (400, &json!(400)), "{body}");
            let (status, _) = alice.ask(0, "/api/chat/history/private", &json!({"user_id": 9, key: value})).await;
            assert_eq!(status, 400, "{body}");
            let mut socket = world.webchat(0, &alice, "").await;
            socket.send(&json!({"type": "fetch_history", "payload": body})).await;
            assert_eq!(socket.next().await["type"], "error", "{body}");
        }
    }
    let far = page_002(&alice, 0, json!({"room_id": 1, "page": i64::MAX, "page_size": 1000})).await;
    assert_eq!(far, Vec::<String>::new());
    let (status, _) = alice.ask(0, "/api/chat/history/private", &json!({"user_id": 9})).await;
    assert_eq!(status, 404);
    world.stop().await;
}

#[tokio::test]
async fn messages_are_found_by_any_part_of_their_text() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "search", &["bob"]).await;
    let id = room_id(room);
    for text in ["今天天气很好", "明天开会，请准时", "Meeting at NOON", "天气预报", "something else"]
    {
        alice.send(0, &id, text).await;
    }
    let secret = alice.send(0, &id, "天气 secret").await;
    delete(&alice, 1, &id, &secret).await;
    let find = async |user: &User<'_>, q: &str| {
        let found = user.at(1, Method::GET, "/api/v1/search").query(&[("kind", "message"), ("q", q)]);
        texts(&ok(found.query(&[("room_id", room)]).send().await).await)
    };
    assert_eq!(find(&bob, "天气").await, ["天气预报", "今天天气很好"], "newest first, without deleted ones");
    assert_eq!(find(&bob, "开会").await, ["明天开会，请准时"]);
    assert_eq!(find(&bob, "noon").await, ["Meeting at NOON"], "whatever the case");
    assert_eq!(find(&bob, "聊天室").await, Vec::<String>::new(), "not what the server says");
    assert_eq!(find(&bob, "secret").await, Vec::<String>::new());
    let status =
        async |query: &str| answered(bob.at(0, Method::GET, &format!("/api/v1/search?{query}")).send().await).await.0;
    for bad in ["kind=message", "q=x", "kind=user", "kind=thing&q=x", "kind=user&q=x&limit=0", "kind=user&q=%20"] {
        assert_eq!(status(bad).await, 400, "{bad}");
    }
    // Searching does not mark as read.
    let list = bob.get_json(0, "/api/v1/conversations").await;
    let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("listed").clone();
    assert_eq!((&entry["unread"], &entry["read_id"]), (&json!(5), &Value::Null));
    world.stop().await;
}

#[tokio::test]
async fn users_and_rooms_are_found_by_the_beginning_of_their_names() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(1, "bob").await);
    world.user(0, "alina").await;
    world.user(0, "李雷").await;
    alice.make_room(0, "Alpha project").await;
    let group = alice.make_group(0, "alps", &[]).await;
    let direct = bob.open_direct(1, "alina").await;
    let names = async |user: &User<'_>, kind: &str, q: &str, key: &str| {
        let found = user.at(1, Method::GET, "/api/v1/search").query(&[("kind", kind), ("q", q)]).send().await;
        let found = ok(found).await;
        let list = found.as_array().expect("a list");
        list.iter().map(|it| it[key].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&bob, "user", "ALI", "username").await, ["Alice", "alina"]);
    assert_eq!(names(&bob, "user", "李", "username").await, ["李雷"]);
    assert_eq!(names(&bob, "user", "lice", "username").await, Vec::<String>::new());
    assert_eq!(names(&bob, "room", "al", "name").await, ["alina", "Alpha project"], "not others' groups");
    let mut of_alice = names(&alice, "room", "al", "name").await;
    of_alice.sort();
    assert_eq!(of_alice, ["Alpha project", "alps"]);
    assert_eq!(names(&bob, "room", "全局", "name").await, ["全局聊天室"]);
    assert_eq!(
        names(&bob, "room", "", "name").await,
        ["Alpha project", "全局聊天室"],
        "without a text all public ones"
    );
    let found = bob.get_json(0, "/api/v1/search?kind=room&q=alina").await;
    let expected =
        json!([{"id": direct, "room_id": room_id(direct), "name": "alina", "kind": "direct", "is_private": true}]);
    assert_eq!(found, expected);
    assert_ne!(group, direct);

    // Finds the new name but not the old one.
    let renaming = alice.at(0, Method::PUT, "/api/v1/user/profile").json(&json!({"username": "Zoe"}));
    assert_eq!(renaming.send().await.expect("answered").status(), 200);
    assert_eq!(names(&bob, "user", "zo", "username").await, ["Zoe"]);
    assert_eq!(names(&bob, "user", "ali", "username").await, ["alina"]);
    world.stop().await;
}
