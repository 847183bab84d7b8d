//! The search for messages over all rooms of a user: order, filters, pages, and who finds what.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{User, World, answered, ok, room_id, shared_redis};

/// A page of a search: the texts or addresses of the messages, and the cursor of the next page.
async fn page(user: &User<'_>, node: usize, query: &str) -> (Vec<String>, Option<String>) {
    let path = format!("/api/v1/search?kind=message&{query}");
    let answer = user.at(node, Method::GET, &path).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK, "{query}");
    let next = answer.headers().get("x-next-cursor").map(|next| next.to_str().expect("visible").to_owned());
    let found: Vec<Value> = answer.json().await.expect("JSON");
    (found.iter().map(|message| message["content"].as_str().expect("text").to_owned()).collect(), next)
}

/// What all pages of a search find.
async fn found(user: &User<'_>, query: &str) -> Vec<String> {
    let (mut all, mut next) = page(user, 0, query).await;
    let mut pages = 1;
    while let Some(cursor) = next {
        let (some, following) = page(user, pages % 2, &format!("{query}&cursor={cursor}")).await;
        all.extend(some);
        next = following;
        pages += 1;
        assert!(pages < 100, "the search ends");
    }
    all
}

async fn id_of(user: &User<'_>) -> u64 {
    user.get_json(0, "/api/v1/me").await["id"].as_u64().expect("a number")
}

#[tokio::test]
async fn pages_of_all_rooms_are_in_the_order_of_time_and_have_each_message_once() {
    let world = World::start_with(2, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let direct = alice.open_direct(0, "bob").await;
    let rooms = [alice.make_group(0, "one", &["bob"]).await, alice.make_group(0, "two", &["bob"]).await, direct];
    let mut wanted = Vec::new();
    for number in 0..180 {
        // Most of the messages are in one room, so that parts of it are read while others wait.
        let room = rooms[if number % 5 < 3 { 0 } else { number % 5 - 2 }];
        let text = if number % 3 == 0 { format!("Tea {number}") } else { format!("coffee {number}") };
        alice.send(number % 2, &room_id(room), &text).await;
        if number % 3 == 0 {
            wanted.insert(0, text);
        }
    }
    for limit in [1, 7, 100] {
        assert_eq!(found(&bob, &format!("q=tEA&limit={limit}")).await, wanted, "{limit}");
    }
    let (first, next) = page(&bob, 1, "q=tea&limit=2").await;
    assert_eq!(first, wanted[..2]);
    bob.send(0, &room_id(direct), "tea for later").await;
    let (second, _) = page(&bob, 0, &format!("q=tea&limit=2&cursor={}", next.expect("more"))).await;
    assert_eq!(second, wanted[2..4], "what is sent meanwhile is on no later page");
    // The cursor works in one room as well.
    let in_one: Vec<String> = found(&bob, &format!("q=tea&limit=4&room_id={}", rooms[0])).await;
    assert!(in_one.len() > 30 && in_one.iter().all(|text| wanted.contains(text)), "{in_one:?}");
    world.stop().await;
}

#[tokio::test]
async fn filters_narrow_a_search_and_strangers_find_nothing() {
    let world = World::start_with(2, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob, carol) = (world.user(0, "alice").await, world.user(1, "bob").await, world.user(0, "carol").await);
    let room = alice.make_group(0, "files", &["bob"]).await;
    let id = room_id(room);
    let early = alice.send(0, &id, "the plan").await;
    bob.send(1, &id, "see https://example.org/plan").await;
    let send = async |kind: &str, content: &str| {
        let body = json!({"type": kind, "content": content, "group_id": id});
        let (status, answer) = alice.ask(0, "/api/v1/chat/message", &body).await;
        assert!((200..300).contains(&status), "{answer}");
    };
    send("image", "https://example.org/plan.png").await;
    send("file", "https://example.org/notes.pdf").await;
    let bob_id = id_of(&bob).await;
    assert_eq!(
        found(&alice, "q=plan").await,
        ["see https://example.org/plan", "the plan"],
        "addresses of files are not text"
    );
    assert_eq!(found(&alice, &format!("q=plan&from={bob_id}")).await, ["see https://example.org/plan"]);
    assert_eq!(found(&alice, &format!("from={bob_id}")).await, ["see https://example.org/plan"]);
    assert_eq!(found(&alice, "q=plan%20see").await, ["see https://example.org/plan"], "words in any order");
    assert_eq!(found(&alice, "q=%22the%20plan%22").await, ["the plan"], "a phrase");
    assert_eq!(found(&alice, "q=%22plan%20the%22").await, Vec::<String>::new());
    assert_eq!(found(&alice, "has=link").await, ["see https://example.org/plan"]);
    assert_eq!(found(&alice, "has=picture").await, ["https://example.org/plan.png"]);
    assert_eq!(found(&alice, &format!("has=file&room_id={room}")).await, ["https://example.org/notes.pdf"]);
    let since = early["timestamp"].as_str().expect("a time");
    assert_eq!(found(&alice, &format!("q=plan&before={since}")).await, Vec::<String>::new());
    assert_eq!(found(&alice, "q=plan&before=2999-01-01T00:00:00Z").await.len(), 2);
    assert_eq!(found(&carol, "q=plan").await, Vec::<String>::new(), "not a member");
    for (query, field) in [
        ("", "q"),
        ("q=%20", "q"),
        ("has=sound", "has"),
        ("q=a&from=bob", "from"),
        ("q=a&before=today", "before"),
        ("q=a&cursor=1-2", "cursor"),
    ] {
        let path = format!("/api/v1/search?kind=message&{query}");
        let (status, body) = answered(alice.at(0, Method::GET, &path).send().await).await;
        assert_eq!((status, body["field"].as_str()), (400, Some(field)), "{query}: {body}");
    }
    alice.send(0, &id, "Im Café Müller in der Straße").await;
    for words in ["cafe", "CAFE%CC%81", "muller%20strasse", "caf%C3%A9%20m%C3%BCller"] {
        assert_eq!(found(&alice, &format!("q={words}")).await, ["Im Café Müller in der Straße"], "{words}");
    }
    // What was found stays out once it is deleted, and nothing counts as read by a search.
    ok(alice
        .request(0, Method::DELETE, &format!("messages/{}?room_id={id}", early["id"].as_str().expect("an id")))
        .send()
        .await)
    .await;
    assert_eq!(found(&bob, "q=plan").await, ["see https://example.org/plan"]);
    let list = bob.get_json(1, "/api/v1/conversations").await;
    let entry = list.as_array().expect("a list").iter().find(|entry| entry["id"] == room).expect("listed");
    assert_eq!(entry["unread"], 3, "the picture, the file and the last text");
    world.stop().await;
}
