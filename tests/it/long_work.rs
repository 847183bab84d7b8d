//! No request holds a worker for long: others are answered in between.

use futures_util::future::{Either, join_all, select};
use serde_json::json;

use crate::support::{World, ok, room_id, shared_redis};

/// Messages of the longest kind.
const MESSAGES: usize = 150;

#[tokio::test]
async fn heartbeats_are_answered_while_messages_are_searched() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "long", &["bob"]).await;
    for _ in 0..MESSAGES {
        alice.send(0, &room_id(group), &"ж".repeat(5000)).await;
    }
    let path = format!("/api/v1/search?kind=message&q=absent&room_id={group}");
    let searches = join_all((0..4).map(|_| alice.get_json(0, &path)));
    let mut searches = Box::pin(searches);
    let mut heartbeats = 0;
    let found = loop {
        let heartbeat = Box::pin(async { ok(bob.post(0, "heartbeat").send().await).await });
        match select(searches, heartbeat).await {
            Either::Left((found, _)) => break found,
            Either::Right((_, rest)) => {
                heartbeats += 1;
                searches = rest;
            }
        }
    };
    assert!(found.iter().all(|found| *found == json!([])));
    // Each search gives way once for each of the messages. One that did not would let about one heartbeat pass.
    assert!(heartbeats > 12, "only {heartbeats} heartbeats were answered during four searches");
    world.stop().await;
}

#[tokio::test]
async fn long_pages_are_whole_in_every_document() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let alice = world.user(0, "alice").await;
    let group = alice.make_group(0, "long", &[]).await;
    let id = room_id(group);
    let texts: Vec<String> = (0..MESSAGES).map(|number| format!("{number} {}", "字".repeat(1000))).collect();
    for text in &texts {
        alice.send(0, &id, text).await;
    }
    let newest_first: Vec<&str> = texts.iter().rev().map(String::as_str).collect();
    let contents = |list: &serde_json::Value| -> Vec<String> {
        let list = list.as_array().expect("a list").iter().filter_map(|it| it["content"].as_str());
        list.filter(|text| text.contains('字')).map(str::to_owned).collect()
    };
    let (_, page) = alice.ask(0, "/api/chat/history/room", &json!({"room_id": group, "page_size": 1000})).await;
    assert_eq!(contents(&page["data"]), newest_first);
    let page = alice.get_json(0, &format!("/api/v1/chat/messages?group_id={id}&limit=1000")).await;
    assert_eq!(contents(&page["data"]["messages"]), newest_first);
    assert_eq!(page["data"]["total"], MESSAGES);
    let page = alice.get_json(0, &format!("/api/v1/chat/messages?group_id={id}&limit=30&offset=110")).await;
    assert_eq!(contents(&page["data"]["messages"]), newest_first[110..140]);
    assert_eq!(page["data"]["total"], MESSAGES);
    assert_eq!(contents(&alice.read(0, &format!("messages?room_id={id}&limit=100")).await), newest_first[..100]);
    let found = alice.get_json(0, &format!("/api/v1/search?kind=message&q=1&limit=100&room_id={group}")).await;
    let wanted: Vec<&str> = newest_first.iter().copied().filter(|text| text.contains('1')).collect();
    assert_eq!(contents(&found), wanted[..wanted.len().min(100)]);
    world.stop().await;
}

#[tokio::test]
async fn a_page_is_filled_past_deleted_messages_in_pieces() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let alice = world.user(0, "alice").await;
    let group = alice.make_group(0, "gaps", &[]).await;
    let id = room_id(group);
    for number in 0..260 {
        let sent = alice.send(0, &id, &number.to_string()).await;
        if number >= 20 {
            let path = format!("messages/{}?room_id={id}", sent["id"].as_str().expect("an id"));
            ok(alice.request(0, reqwest::Method::DELETE, &path).send().await).await;
        }
    }
    let wanted: Vec<String> = (10..20).rev().map(|number| number.to_string()).collect();
    assert_eq!(alice.texts(0, &format!("room_id={id}&limit=10")).await, wanted);
    let page = alice.get_json(0, &format!("/api/v1/chat/messages?group_id={id}&limit=5&offset=15")).await;
    let texts: Vec<&str> =
        page["data"]["messages"].as_array().expect("a list").iter().filter_map(|it| it["content"].as_str()).collect();
    assert_eq!(texts, ["4", "3", "2", "1", "0"]);
    assert_eq!(page["data"]["total"], 20);
    world.stop().await;
}
