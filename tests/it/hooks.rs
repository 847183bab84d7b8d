//! Webhooks: what others post, and what is sent to others.

mod crashes;
mod makers;
mod receiver;
mod rooms;
mod traces;
mod turns;

use reqwest::Method;
use serde_json::{Value, json};

use self::receiver::{Receiver, expected_signature};
use crate::support::{User, World, answered, client, eventually, ok, room_id, shared_redis};

async fn world(nodes: usize) -> World {
    World::start_with(nodes, shared_redis(), |config| {
        config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
        config.outbound.timeout_secs = 1;
    })
    .await
}

/// Makes a webhook: its answer.
async fn make(user: &User<'_>, room: u64, body: Value) -> Value {
    let (status, made) = user.ask(0, &format!("/api/v1/rooms/{room}/hooks"), &body).await;
    assert_eq!(status, 201, "{made}");
    made
}

async fn hooks(user: &User<'_>, room: u64) -> Value {
    user.get_json(0, &format!("/api/v1/rooms/{room}/hooks")).await
}

#[tokio::test]
async fn others_post_under_the_name_of_a_hook() {
    let world = world(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "builds", &["bob"]).await;
    let path = format!("/api/v1/rooms/{room}/hooks");
    let made = make(&alice, room, json!({"kind": "incoming", "name": "Build"})).await;
    let url = made["url"].as_str().expect("an address");
    let token = url.rsplit('/').next().expect("a token");

    let slack = ok_text(client().post(url).json(&json!({"text": "a &lt;b&gt; &amp; c"}))).await;
    let on_other_node = world.url(1, &format!("/api/v1/hooks/{token}"));
    let form = client().post(&on_other_node).form_payload(r#"{"text":"from a form","channel":"x"}"#);
    assert_eq!((slack.as_str(), ok_text(form).await.as_str()), ("ok", "ok"));
    let own = json!({"content": "a &lt; b", "client_id": "build-7"});
    let first = answered(client().post(url).json(&own).send().await).await;
    let again = answered(client().post(&on_other_node).json(&own).send().await).await;
    assert_eq!((first.0, again.0), (201, 201));
    assert_eq!((&first.1["id"], &first.1["username"]), (&again.1["id"], &json!("Build")));
    let texts = bob.texts(1, &format!("room_id={}&limit=3", room_id(room))).await;
    assert_eq!(texts, ["a &lt; b", "from a form", "a <b> & c"]);

    let listed = hooks(&alice, room).await;
    assert_eq!((&listed[0]["kind"], &listed[0]["name"]), (&json!("incoming"), &json!("Build")));
    assert!(listed[0]["used_at"].is_string() && !listed.to_string().contains(token), "{listed}");
    for (body, expected) in [
        (json!({}), 400),
        (json!({"kind": "incoming"}), 400),
        (json!({"kind": "sideways", "name": "x"}), 400),
        (json!({"kind": "incoming", "name": "bob"}), 409),
        (json!({"kind": "outgoing", "url": "ftp://example.org"}), 400),
        (json!({"kind": "outgoing", "url": "http://10.0.0.1/"}), 400),
        (json!({"kind": "outgoing", "url": "http://[::ffff:169.254.169.254]/"}), 400),
    ] {
        assert_eq!(alice.ask(0, &path, &body).await.0, expected, "{body}");
    }
    assert_eq!(bob.ask(0, &path, &json!({"kind": "incoming", "name": "x"})).await.0, 403);
    assert_eq!(answered(bob.at(0, Method::GET, &path).send().await).await.0, 403);
    assert_eq!(answered(client().post(url).json(&json!({"text": ""})).send().await).await.0, 400);

    let of_hook = format!("{path}/{}", made["id"].as_str().expect("an id"));
    assert_eq!(answered(bob.at(0, Method::DELETE, &of_hook).send().await).await.0, 403);
    ok(alice.at(1, Method::DELETE, &of_hook).send().await).await;
    assert_eq!(answered(client().post(url).json(&json!({"text": "x"})).send().await).await.0, 404);
    assert_eq!(answered(alice.at(1, Method::DELETE, &of_hook).send().await).await.0, 404);
    world.stop().await;
}

#[tokio::test]
async fn messages_are_sent_signed_and_again_until_they_are_taken() {
    let world = world(2).await;
    let alice = world.user(0, "alice").await;
    let (room, other) = (alice.make_group(0, "a", &[]).await, alice.make_group(0, "b", &[]).await);
    alice.send(0, &room_id(room), "before").await;
    let receiver = Receiver::start().await;
    receiver.set_broken(true);
    let made = make(&alice, room, json!({"kind": "outgoing", "url": receiver.url})).await;
    let secret = made["secret"].as_str().expect("a secret");
    alice.send(1, &room_id(room), "one").await;
    alice.send(0, &room_id(other), "elsewhere").await;
    eventually("a request fails", async || receiver.requests() > 0).await;
    eventually("the list says so", async || hooks(&alice, room).await[0]["state"] == "failing").await;
    let deleted = alice.send(0, &room_id(room), "deleted").await["id"].as_str().expect("an id").to_owned();
    let path = format!("messages/{deleted}?room_id={}", room_id(room));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    alice.send(1, &room_id(room), "two").await;
    receiver.set_broken(false);
    eventually("the messages arrive", async || receiver.taken().len() == 2).await;
    let taken = receiver.taken();
    for (taken, content) in taken.iter().zip(["one", "two"]) {
        let body = taken.json();
        assert_eq!((&body["event"], &body["room_id"]), (&json!("message"), &json!(room)));
        assert_eq!((&body["message"]["content"], &body["message"]["username"]), (&json!(content), &json!("alice")));
        assert_eq!(taken.id, body["message"]["id"].to_string());
        assert_eq!(taken.signature, expected_signature(secret, taken));
    }
    eventually("the list says that it works", async || hooks(&alice, room).await[0]["state"] == "ok").await;
    let listed = hooks(&alice, room).await;
    assert!(listed[0]["used_at"].is_string() && !listed.to_string().contains(secret), "{listed}");
    world.stop().await;
}

/// Form and text, which the client library needs features for.
trait Form {
    fn form_payload(self, json: &str) -> Self;
}

impl Form for reqwest::RequestBuilder {
    fn form_payload(self, json: &str) -> Self {
        let encoded: String = json.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.header("content-type", "application/x-www-form-urlencoded").body(format!("payload={encoded}"))
    }
}

async fn ok_text(request: reqwest::RequestBuilder) -> String {
    let answer = request.send().await.expect("answered");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    assert_eq!(status, 200, "{text}");
    text
}
