//! A partition with a node on the side of the old primary: what that node does until and after it ends.

use chinwag::config::{Durability, RedisMode};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::sentinel_set::SentinelSet;
use crate::support::{User, World, eventually, room_id, unique};

/// The node that is cut off, and the one that is not.
const APART: usize = 1;
const HERE: usize = 0;

/// Two nodes, of which the second can be cut off together with a primary.
async fn world(set: &SentinelSet, durability: Durability) -> World {
    let mut world = World::start_with(1, &set.url(), |config| {
        (config.redis.durability, config.redis.mode) = (durability, RedisMode::Sentinel);
    })
    .await;
    world.config.redis.url = set.url_apart();
    world.add_node().await;
    world
}

/// Sends a text whose client id is the text as well.
async fn send(user: &User<'_>, node: usize, room: &str, text: &str) -> StatusCode {
    let body = json!({"message_type": "text", "content": text, "client_id": text});
    user.post(node, &format!("send?room_id={room}")).json(&body).send().await.expect("answered").status()
}

async fn acknowledged(user: &User<'_>, node: usize, room: &str, text: &str) {
    eventually(text, async || send(user, node, room, text).await == StatusCode::OK).await;
}

/// Cuts the primary and a node off and waits until the other node works with another primary.
async fn split(set: &SentinelSet, user: &User<'_>, room: &str) {
    let old = tokio::task::block_in_place(|| set.primary());
    set.cut_off(old);
    set.promoted(old).await;
    acknowledged(user, HERE, room, "here").await;
}

/// Ends the partition and waits until what is sent through one node is read through the other.
async fn join(set: &SentinelSet, user: &User<'_>, room: &str) {
    set.heal();
    eventually("the nodes have one primary", async || {
        let text = unique("joined");
        send(user, APART, room, &text).await == StatusCode::OK
            && user.texts(HERE, &format!("room_id={room}&limit=100")).await.contains(&text)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_of_a_node_that_was_cut_off_are_told_what_was_lost_and_get_what_was_missed() {
    let set = SentinelSet::start().await;
    let world = world(&set, Durability::Server).await;
    let (alice, bob) = (world.user(HERE, "alice").await, world.user(HERE, "bob").await);
    let number = alice.make_group(HERE, "split", &["bob"]).await;
    let room = room_id(number);
    let (mut told, mut plain) = (world.webchat(APART, &bob, "ext=1").await, world.envelope(APART, &bob).await);
    split(&set, &alice, &room).await;
    assert_eq!(send(&bob, APART, &room, "apart").await, StatusCode::OK, "its primary acknowledges");
    assert_eq!(told.next_of("new_message").await["payload"]["content"], "apart");
    assert_eq!(plain.next().await["content"], "apart");
    join(&set, &alice, &room).await;
    assert_eq!(told.next_of("not_recovered").await["payload"], json!({"room_id": number}));
    assert_eq!(told.next_of("new_message").await["payload"]["content"], "here");
    // What its node sent before it left the old primary may come first.
    while plain.next().await["content"] != "here" {}
    let texts = alice.texts(HERE, &format!("room_id={room}&limit=100")).await;
    assert!(!texts.contains(&"apart".to_owned()), "{texts:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_of_a_node_that_was_cut_off_miss_nothing_acknowledged() {
    let set = SentinelSet::start().await;
    let world = world(&set, Durability::Replicas(1)).await;
    let (alice, bob) = (world.user(HERE, "alice").await, world.user(HERE, "bob").await);
    let room = room_id(alice.make_group(HERE, "split", &["bob"]).await);
    // The connections that wait for replicas are there before the partition.
    acknowledged(&bob, APART, &room, "before").await;
    let mut poll = Poll { user: &bob, room: &room, after: String::new(), texts: Vec::new() };
    poll.read(APART).await;
    let old = tokio::task::block_in_place(|| set.primary());
    set.cut_off(old);
    for text in ["apart-1", "apart-2", "apart-3"] {
        assert_eq!(send(&bob, APART, &room, text).await, StatusCode::SERVICE_UNAVAILABLE);
        poll.read(APART).await;
    }
    set.promoted(old).await;
    for text in ["here-1", "here-2"] {
        acknowledged(&alice, HERE, &room, text).await;
    }
    join(&set, &alice, &room).await;
    acknowledged(&bob, APART, &room, "apart-2").await;
    poll.read(APART).await;
    poll.texts.retain(|text| !text.starts_with("joined"));
    assert_eq!(poll.texts, ["before", "here-1", "here-2", "apart-2"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_resume_at_a_node_that_was_cut_off_miss_nothing_acknowledged() {
    let set = SentinelSet::start().await;
    let world = world(&set, Durability::Replicas(1)).await;
    let (alice, bob) = (world.user(HERE, "alice").await, world.user(HERE, "bob").await);
    let number = alice.make_group(HERE, "split", &["bob"]).await;
    let room = room_id(number);
    let mut socket = world.webchat(HERE, &bob, "ext=1").await;
    acknowledged(&bob, APART, &room, "before").await;
    let token = socket.next_of("new_message").await["payload"]["resume"].clone();
    let old = tokio::task::block_in_place(|| set.primary());
    set.cut_off(old);
    set.promoted(old).await;
    for text in ["here-1", "here-2"] {
        acknowledged(&alice, HERE, &room, text).await;
    }
    // Refused, later, and at the same seqs.
    for text in ["apart-1", "apart-2", "apart-3"] {
        assert_eq!(send(&bob, APART, &room, text).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    // The node begins to follow the room now.
    let mut socket = world.webchat(APART, &bob, "ext=1").await;
    socket.send(&json!({"type": "resume", "payload": {"rooms": {number.to_string(): token}}})).await;
    socket.next_of("resumed").await;
    join(&set, &alice, &room).await;
    for text in ["here-1", "here-2"] {
        assert_eq!(socket.next_of("new_message").await["payload"]["content"], text);
    }
    world.stop().await;
}

/// A client of document 003 that polls a room.
struct Poll<'a> {
    user: &'a User<'a>,
    room: &'a str,
    /// The query that continues behind the last message; empty before the first.
    after: String,
    texts: Vec<String>,
}

impl Poll<'_> {
    async fn read(&mut self, node: usize) {
        let query = format!("messages?room_id={}&limit=100{}", self.room, self.after);
        let page = self.user.read(node, &query).await;
        let mut page: Vec<&Value> = page.as_array().expect("a list").iter().collect();
        if self.after.is_empty() {
            page.reverse(); // the newest came first
        }
        for message in page {
            self.after = format!("&after={}", message["id"].as_str().expect("an id"));
            if message["message_type"] != "system" {
                self.texts.push(message["content"].as_str().expect("text").to_owned());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_wants_replicas_soon_refuses_what_it_would_lose() {
    let set = SentinelSet::start().await;
    let world = world(&set, Durability::Server).await;
    let alice = world.user(HERE, "alice").await;
    for server in &set.servers {
        let settings = redis::cmd("CONFIG").arg("SET").arg(&["min-replicas-to-write", "1"]).to_owned();
        settings.clone().arg(&["min-replicas-max-lag", "1"]).exec(&mut server.connection()).expect("set");
    }
    set.cut_off(tokio::task::block_in_place(|| set.primary()));
    eventually("the old primary refuses", async || {
        send(&alice, APART, "global", &unique("apart")).await == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    acknowledged(&alice, HERE, "global", "here").await;
    join(&set, &alice, "global").await;
    world.stop().await;
}
