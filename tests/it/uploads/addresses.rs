//! Addresses of uploads in messages: stored as paths, and shown with the host of whoever reads.

use reqwest::Method;
use serde_json::{Value, json};

use super::upload_picture;
use crate::support::{World, ok};

#[tokio::test]
async fn own_addresses_have_the_host_of_the_reader() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let path = upload_picture(&alice, 0).await;
    let sent = format!("https://old.example.org{path}");
    let (here, there) = (world.url(0, &path), world.url(1, &path));
    let room = alice.make_group(0, "pictures", &["bob"]).await;
    let id = crate::support::room_id(room);

    let mut webchat = world.webchat(1, &bob, "ext=1").await;
    let mut plain = world.webchat(0, &alice, "").await;
    let mut envelope = world.envelope(1, &bob).await;
    let mut messenger = world.messenger(1, &bob).await;
    let mut imtypes = world.imtypes(1, &bob, "").await;
    plain.send(&json!({"type": "send_message", "payload": {"room_id": room, "content": sent, "is_image": true}})).await;

    assert_eq!(plain.next().await["payload"]["content"], here);
    let pushed = webchat.next_of("new_message").await;
    let keys = ["content", "text", "file_url"];
    assert_eq!(keys.map(|key| pushed["payload"][key].as_str()), [Some(there.as_str()); 3]);
    assert_eq!(envelope.next().await["content"], there);
    let pushed = messenger.next().await;
    assert_eq!((&pushed["content"], &pushed["file_url"]), (&json!(there), &json!(there)));
    assert_eq!(imtypes.next().await["content"], there);

    for (node, user, url) in [(0, &alice, &here), (1, &bob, &there)] {
        let listed = ok(user.get(node, &format!("messages?room_id={id}")).send().await).await;
        assert_eq!((&listed[0]["content"], &listed[0]["file_url"]), (&json!(url), &json!(url)));
        let rooms = ok(user.get(node, "rooms").send().await).await;
        let card = rooms.as_array().expect("a list").iter().find(|card| card["id"] == id.as_str()).expect("the group");
        assert_eq!(card["last_message"]["content"], *url);
        let listed = user.get_json(node, &format!("/api/v1/chat/messages?group_id={id}")).await;
        assert_eq!(listed["data"]["messages"][0]["content"], *url);
        let (_, listed) = user.ask(node, "/api/chat/history/room", &json!({"room_id": room})).await;
        assert_eq!((&listed["data"][0]["content"], &listed["data"][0]["file_url"]), (&json!(url), &json!(url)));
        let conversations = user.get_json(node, "/api/v1/conversations").await;
        let entry = conversations.as_array().expect("a list").iter().find(|entry| entry["id"] == room).expect("listed");
        assert_eq!(entry["last_message"]["file_url"], *url);
        assert_eq!(world.client.get(url).send().await.expect("answered").status(), 200);
    }
    webchat.send(&json!({"type": "fetch_history", "payload": {"room_id": room, "page": 1, "page_size": 10}})).await;
    let history = webchat.next_of("message_history").await;
    assert_eq!(history["payload"]["messages"].as_array().expect("a list").last().expect("a message")["content"], there);
    world.stop().await;
}

#[tokio::test]
async fn every_way_to_send_an_own_address_stores_its_path() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let path = upload_picture(&alice, 0).await;
    let here = world.url(0, &path);
    let direct = alice.open_direct(0, "bob").await;
    let mut messenger = world.messenger(0, &bob).await;
    let mut imtypes = world.imtypes(0, &alice, "").await;
    for host in ["http://a", "https://b.example:8443", "http://[::1]:9", "http://127.0.0.1:1"] {
        let sent = format!("{host}{path}");
        imtypes.send(&json!({"type": "image", "content": sent, "receiverId": "2"})).await;
        assert_eq!(imtypes.next().await["content"], here, "{host}");
        assert_eq!(messenger.next().await["file_url"], here, "{host}");
        let frame = json!({"type": "chat", "chat_type": "private", "receiver_id": 1, "content": "看", "message_type": "image",
            "file_url": sent});
        messenger.send(&frame).await;
        let pushed = messenger.next().await;
        assert_eq!((&pushed["content"], &pushed["file_url"]), (&json!("看"), &json!(here)), "{host}");
        assert_eq!(imtypes.next().await["content"], here, "{host}");
        let body = json!({"type": "image", "content": sent, "receiver_id": "2"});
        let request = alice.at(0, Method::POST, "/api/v1/chat/message").json(&body);
        assert_eq!(ok(request.send().await).await["data"]["content"], here, "{host}");
        for socket in [&mut messenger, &mut imtypes] {
            socket.next().await;
        }
        let sent =
            ok(alice.post(0, "send").json(&json!({"message_type": "image", "content": sent})).send().await).await;
        assert_eq!((&sent["content"], &sent["file_url"]), (&json!(here), &json!(here)), "{host}");
        for socket in [&mut messenger, &mut imtypes] {
            socket.next().await;
        }
    }
    assert!(direct > 0);
    world.stop().await;
}

#[tokio::test]
async fn other_addresses_and_texts_stay_as_they_are() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let path = upload_picture(&alice, 0).await;
    let foreign = "/uploads/images/0b9e2b5e-4f0c-4c9e-8f43-3f6f2c3d9b11.png";
    for content in [
        path.clone(),
        format!("http://another.example{foreign}"),
        format!("http://a/prefix{path}"),
        format!("http://a{path}?size=1"),
        format!("http://a{path}#x"),
        format!("http://a{}", path.to_uppercase()),
        format!("http://{path}"),
        format!("ftp://a{path}"),
    ] {
        let body = json!({"message_type": "image", "content": content});
        let sent = ok(alice.post(0, "send").json(&body).send().await).await;
        assert_eq!(sent["content"], content);
    }
    let text = format!("http://a{path}");
    let sent = ok(alice.post(0, "send").json(&json!({"message_type": "text", "content": text})).send().await).await;
    assert_eq!((&sent["content"], &sent["file_url"]), (&json!(text), &Value::Null));
    world.stop().await;
}
