//! A sixth dialect takes one folder ([`echo`]) and one line in the registry.

pub mod echo;

use chinwag::dialects;
use chinwag::node::Node;
use serde_json::json;

use crate::socket::Socket;
use crate::support::World;

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
