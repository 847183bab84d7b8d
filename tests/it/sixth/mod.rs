//! A sixth dialect takes one folder ([`echo`]) and one line in the registry.

pub mod echo;

use chinwag::config::Config;
use chinwag::dialects;
use chinwag::node::Node;
use reqwest::header::RETRY_AFTER;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;

use crate::socket::Socket;
use crate::support::{World, shared_redis};

#[tokio::test]
async fn a_dialect_more_is_a_folder_and_a_line() {
    let mut world = World::start(1).await;
    let mut spoken = dialects::ALL.to_vec();
    spoken.insert(0, echo::DIALECT);
    let node = Node::start_with_dialects(world.config.clone(), spoken).await.expect("starts");
    world.nodes.push(node);
    world.wait_ready(1).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(1, "Bob").await);

    let path = world.url(1, "/api/echo/global");
    let answer = world.client.post(path).bearer_auth(&bob.token).json(&json!({"say": "hi"})).send().await;
    assert_eq!(answer.expect("answered").text().await.expect("text"), "Bob: hi");
    assert_eq!(alice.texts(0, "limit=1").await, ["hi"]);

    let mut of_bob = Socket::open(&world.base(1), "/api/echo", Some(&bob.token), None).await.expect("accepted");
    let mut of_alice = world.webchat(0, &alice, "").await;
    of_alice.send(&json!({"type": "send_message", "payload": {"room_id": 1, "content": "hello"}})).await;
    assert_eq!(of_bob.next().await, json!("Alice: hello"));
    of_alice.next().await;
    of_bob.send(&json!({"say": "good day"})).await;
    assert_eq!(of_bob.next().await, json!("Bob: good day"));
    assert_eq!(of_alice.next().await["payload"]["content"], "good day");
    of_bob.send(&json!({"sing": "la"})).await;
    assert_eq!(of_bob.next().await, json!("I do not understand"));

    let answer =
        world.client.post(world.url(1, "/api/echo/nowhere")).bearer_auth(&bob.token).json(&json!({"say": "x"}));
    let answer = answer.send().await.expect("answered");
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.text().await.expect("text"), "no: room not found");
    world.stop().await;
}

#[tokio::test]
async fn a_dialect_cannot_forget_the_limits() {
    let few = |config: &mut Config| {
        let limits = &mut config.limits;
        (limits.sends_per_sec, limits.sends_burst) = (1, 3);
        (limits.rooms_per_sec, limits.rooms_burst) = (1, 3);
        (limits.uploads_per_sec, limits.uploads_burst) = (1, 3);
    };
    let mut world = World::start_with(1, shared_redis(), few).await;
    let mut spoken = dialects::ALL.to_vec();
    spoken.insert(0, echo::DIALECT);
    world.nodes.push(Node::start_with_dialects(world.config.clone(), spoken).await.expect("starts"));
    world.wait_ready(1).await;
    let bob = world.user(1, "Bob").await;
    let post = |path: &str| world.client.post(world.url(1, path)).bearer_auth(&bob.token);
    let say = json!({"say": "once more"});
    let file = || Form::new().part("file", Part::text("a text").file_name("a.txt"));
    until_limited(|| post("/api/echo/global").json(&say)).await;
    until_limited(|| post("/api/echo/rooms").json(&say)).await;
    until_limited(|| post("/api/echo/files").multipart(file())).await;

    let mut socket = Socket::open(&world.base(1), "/api/echo", Some(&bob.token), None).await.expect("accepted");
    for _ in 0..20 {
        socket.send(&say).await;
    }
    while socket.next().await != json!("I do not understand") {}
    world.stop().await;
}

/// Repeats a request until it is refused for being one too many: some succeed first, and a few suffice.
async fn until_limited(request: impl Fn() -> RequestBuilder) {
    for number in 1..=20 {
        let answer = request().send().await.expect("answered");
        if answer.status() == StatusCode::TOO_MANY_REQUESTS && number > 3 {
            assert!(answer.headers().contains_key(RETRY_AFTER));
            return;
        }
        assert_eq!(answer.status(), StatusCode::OK, "request {number}");
    }
    panic!("twenty requests at once, and none is refused");
}
