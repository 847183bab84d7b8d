//! WebSockets across nodes: delivery and order.

use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_message_reaches_all_members_on_all_nodes() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(1, "Bob").await);
    let room = alice.make_group(0, "Project Alpha", &["Bob"]).await;
    let mut on_first = world.webchat(0, &alice, "").await;
    let mut on_second = world.webchat(1, &bob, "").await;
    for number in 0..20 {
        let content = format!("Hello everyone! {number}");
        let payload = json!({"room_id": room, "content": content, "is_image": false});
        on_first.send(&json!({"type": "send_message", "payload": payload})).await;
        for socket in [&mut on_first, &mut on_second] {
            let frame = socket.next().await;
            assert_eq!(frame["type"], "new_message", "{frame}");
            assert_eq!(frame["payload"]["content"], content);
        }
    }
    on_first.assert_quiet().await;
    on_second.assert_quiet().await;
    world.stop().await;
}

#[tokio::test]
async fn frames_of_one_connection_are_stored_in_their_order() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(0, "Bob").await);
    let room = alice.make_group(0, "order", &["Bob"]).await;
    let mut sender = world.webchat(0, &alice, "").await;
    let mut reader = world.webchat(1, &bob, "").await;
    for number in 0..500 {
        let payload = json!({"room_id": room, "content": number.to_string()});
        sender.send(&json!({"type": "send_message", "payload": payload})).await;
    }
    for number in 0..500 {
        assert_eq!(reader.next().await["payload"]["content"], number.to_string());
        assert_eq!(sender.next().await["payload"]["content"], number.to_string());
    }
    world.stop().await;
}

#[tokio::test]
async fn a_first_private_message_reaches_an_open_socket() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(0, "Bob").await);
    let mut to_bob = world.imtypes(1, &bob, "").await;
    let mut of_alice = world.messenger(0, &alice).await;
    of_alice.send(&json!({"type": "chat", "chat_type": "private", "reveiver_id": 2, "content": "你好"})).await;
    let own: Value = of_alice.next().await;
    assert_eq!((&own["sender_id"], &own["receiver_id"], &own["content"]), (&json!(1), &json!(2), &json!("你好")));
    let pushed = to_bob.next().await;
    assert_eq!(
        (&pushed["receiverId"], &pushed["senderId"], &pushed["content"]),
        (&json!("2"), &json!("1"), &json!("你好"))
    );
    assert_eq!(pushed["id"], own["message_id"].to_string());
    world.stop().await;
}
