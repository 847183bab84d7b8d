//! A node of another version beside one of this version, as during a rolling upgrade. By hand, like [`super::record`].

use reqwest::Method;
use serde_json::{Value, json};

use super::record::start_old;
use crate::deletion::all_that_is_shown;
use crate::socket::Socket;
use crate::support::{Redis, User, World, eventually, ok, room_id, scratch};

/// The page of a room on the old node, with its tag.
async fn page(user: &User<'_>, base: &str, id: &str) -> (String, Value) {
    let request = reqwest::Client::new().get(format!("{base}/api/chat/messages?room_id={id}")).bearer_auth(&user.token);
    let answer = request.send().await.expect("answered");
    (answer.headers()["etag"].to_str().expect("text").to_owned(), answer.json().await.expect("JSON"))
}

#[tokio::test]
#[ignore = "needs a binary of another version"]
async fn nodes_of_both_versions_run_side_by_side() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.redis.prefix = super::PREFIX.to_owned()).await;
    let old = start_old(&redis.url(), &scratch(), &world.client).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "both", &["bob"]).await;
    let id = room_id(room);
    let mut on_old = Socket::open(&old.base, "/ws?ext=1", Some(&alice.token), None).await.expect("accepted");
    let mut on_new = world.webchat(0, &bob, "ext=1").await;
    let mut sent = Vec::new();
    for number in 0..4 {
        sent.push(alice.send(0, &id, &format!("secret {number}")).await);
        for socket in [&mut on_old, &mut on_new] {
            assert_eq!(socket.next_of("new_message").await["payload"]["content"], format!("secret {number}"));
        }
    }
    // The newest and one before, on either node.
    for (message, base) in [(&sent[3], &old.base), (&sent[2], &world.base(0)), (&sent[0], &world.base(0))] {
        let url = format!("{base}/api/chat/messages/{}?room_id={id}", message["id"].as_str().expect("an id"));
        ok(world.client.request(Method::DELETE, url).bearer_auth(&alice.token).send().await).await;
        let (one, other) = (on_old.next_of("message_deleted").await, on_new.next_of("message_deleted").await);
        assert_eq!(one, other);
        eventually("both answer alike", async || {
            page(&bob, &old.base, &id).await == page(&bob, &world.base(0), &id).await
        })
        .await;
    }
    assert!(page(&bob, &old.base, &id).await.0.ends_with("-3\""));
    let shown = all_that_is_shown(&world, &bob, 0, room).await;
    assert!(shown.contains("secret 1") && !shown.contains("secret 3"), "{shown}");
    let lists = async |base: &str| {
        let request = world.client.get(format!("{base}/api/v1/conversations")).bearer_auth(&bob.token);
        ok(request.send().await).await[0]["last_message"]["content"].clone()
    };
    assert_eq!((lists(&old.base).await, lists(&world.base(0)).await), (json!("secret 1"), json!("secret 1")));
    world.stop().await;
}
