//! Responses that a client does not read: a page of history is cut to a MiB, and a user's sockets together have few of
//! them.

use serde_json::{Value, json};

use crate::bad_frames::Dialect;
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::{User, World, eventually, room_id, shared_redis};

const MIB: usize = 1024 * 1024;
/// Messages of 15 kB each: more than an answer holds.
const MESSAGES: usize = 120;

async fn filled(world: &World, alice: &User<'_>) -> u64 {
    let group = alice.make_group(0, "long", &["bob"]).await;
    for number in 0..MESSAGES {
        alice.send(0, &room_id(group), &format!("{number} {}", "字".repeat(4990))).await;
    }
    assert_eq!(world.nodes.len(), 1);
    group
}

fn fetch(room: u64, page: usize, page_size: usize) -> Value {
    json!({"type": "fetch_history", "payload": {"room_id": room, "page": page, "page_size": page_size}})
}

/// The numbers of the messages of a page, oldest first.
fn numbers(answer: &Value) -> Vec<usize> {
    let messages = answer["payload"]["messages"].as_array().expect("a page");
    let number = |it: &Value| it["content"].as_str().and_then(|text| text.split(' ').next()?.parse().ok());
    messages.iter().filter_map(number).collect()
}

#[tokio::test]
async fn a_page_on_a_socket_is_cut_to_a_mebibyte_and_goes_on() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = filled(&world, &alice).await;
    for query in ["", "ext=1"] {
        let mut socket = world.webchat(0, &bob, query).await;
        socket.send(&fetch(group, 1, 1000)).await;
        let page = socket.next_of("message_history").await;
        let size = page.to_string().len();
        let first = numbers(&page);
        assert!(size <= MIB && size > MIB / 4, "{query}: {size} bytes");
        assert_eq!(first, (MESSAGES - first.len()..MESSAGES).collect::<Vec<_>>(), "the newest are there");
        assert_eq!(page["payload"]["cut"], if query.is_empty() { Value::Null } else { json!(true) });
        // Smaller pages reach what was left out.
        let mut seen = Vec::new();
        for number in 1..=MESSAGES / 10 + 1 {
            socket.send(&fetch(group, number, 10)).await;
            let page = socket.next_of("message_history").await;
            assert_eq!(page["payload"]["cut"], Value::Null);
            seen.splice(0..0, numbers(&page));
        }
        assert_eq!(seen, (0..MESSAGES).collect::<Vec<_>>(), "{query}");
    }
    world.stop().await;
}

#[tokio::test]
async fn only_what_is_in_a_cut_page_counts_as_read() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = filled(&world, &alice).await;
    let mut socket = world.webchat(0, &bob, "").await;
    socket.send(&fetch(group, 1, 1000)).await;
    let read = numbers(&socket.next_of("message_history").await);
    let list = alice.get_json(0, &format!("/api/v1/chat/messages?group_id={}&limit=1000", room_id(group))).await;
    let messages = list["data"]["messages"].as_array().expect("a list");
    for (number, message) in messages.iter().rev().enumerate() {
        let is_read = message["read_by"].as_array().is_some_and(|readers| !readers.is_empty());
        assert_eq!(is_read, read.contains(&number), "{number}");
    }
    world.stop().await;
}

async fn queued_bytes(world: &World) -> usize {
    let answer = world.client.get(world.url(0, "/metrics")).send().await.expect("answered");
    let text = answer.text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix("chinwag_queued_bytes "));
    line.and_then(|bytes| bytes.parse().ok()).expect("a number")
}

#[tokio::test]
async fn sockets_that_do_not_read_hold_little_and_get_their_answers_in_order() {
    const SOCKETS: usize = 10;
    const PAGES: usize = 5;
    /// Four pages and what each socket may have besides.
    const BOUND: usize = 4 * MIB + SOCKETS * 320 * 1024;
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = filled(&world, &alice).await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut raw = Dialect::WebchatExt.open_over(RawSocket::connect_narrow(&world.base(0)).await, &bob.token).await;
        for _ in 0..PAGES {
            raw.send_text(&fetch(group, 1, 1000).to_string()).await;
        }
        sockets.push(raw);
    }
    let held = async || {
        let held = queued_bytes(&world).await;
        assert!(held <= BOUND, "{held} bytes wait");
        held
    };
    eventually("pages wait", async || held().await > MIB).await;
    // A user who reads is not held up by them.
    let mut other = world.webchat(0, &alice, "").await;
    other.send(&fetch(group, 1, 20)).await;
    assert_eq!(numbers(&other.next_of("message_history").await).len(), 20);
    held().await;
    for raw in &mut sockets {
        let mut answered = 0;
        while answered < PAGES {
            let Incoming::Text(frame) = raw.next().await else {
                panic!("the connection ended after {answered} answers")
            };
            match frame["type"].as_str() {
                Some("message_history") => assert!(!numbers(&frame).is_empty()),
                // Too many were under way.
                Some("error") => assert_eq!(frame["payload"]["code"], "rate_limited"),
                _ => continue, // presence, and what is read meanwhile
            }
            answered += 1;
        }
    }
    world.stop().await;
}
