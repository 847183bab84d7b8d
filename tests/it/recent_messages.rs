//! Histories from the memory of a node: the same as from Redis, whatever other nodes have just done.

mod checker;

use chinwag::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{Redis, User, World, eventually, ok, refused, room_id, shared_connection, shared_redis};

/// A counter of a node.
async fn counted(world: &World, node: usize, name: &str) -> u64 {
    let answer = world.client.get(world.url(node, "/metrics")).send().await.expect("answered");
    let text = answer.text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
    line.expect("counted").parse().expect("a number")
}

/// How many pages a node has answered from memory.
pub async fn from_memory(world: &World, node: usize) -> u64 {
    counted(world, node, "chinwag_pages_from_memory_total").await
}

/// Opens a socket, by which the node follows the user's rooms, and waits until this page comes from memory.
pub async fn follow(world: &World, node: usize, user: &User<'_>, page: &str) -> Socket {
    let socket = world.webchat(node, user, "ext=1").await;
    eventually("the page comes from memory", async || is_from_memory(world, node, user, page).await).await;
    socket
}

async fn is_from_memory(world: &World, node: usize, user: &User<'_>, page: &str) -> bool {
    let before = from_memory(world, node).await;
    user.read(node, page).await;
    from_memory(world, node).await > before
}

async fn delete(user: &User<'_>, node: usize, room: &str, message: &Value) {
    let path = format!("messages/{}?room_id={room}", message["id"].as_str().expect("an id"));
    ok(user.request(node, Method::DELETE, &path).send().await).await;
}

async fn start(redis: &Redis, change: impl FnOnce(&mut Config)) -> World {
    World::start_with(2, &redis.url(), change).await
}

#[tokio::test]
async fn pages_from_memory_are_those_of_redis_in_every_document() {
    let world = World::start(2).await;
    let (alice, _bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let number = alice.make_group(0, "a", &["bob"]).await;
    let room = room_id(number);
    let mut sent = Vec::new();
    for count in 0..30 {
        sent.push(alice.send(1, &room, &count.to_string()).await);
    }
    delete(&alice, 1, &room, &sent[20]).await;
    let id = |index: usize| sent[index]["id"].as_str().expect("an id");
    // Only node 0 follows the room.
    let mut socket = follow(&world, 0, &alice, &format!("messages?room_id={room}")).await;
    for query in [
        String::new(),
        "&limit=5".to_owned(),
        "&limit=12".to_owned(),
        "&limit=100".to_owned(),
        format!("&before={}&limit=7", id(25)),
        format!("&before={}", id(0)),
        format!("&after={}", id(18)),
        format!("&after={}&limit=3", id(18)),
    ] {
        let page = format!("messages?room_id={room}{query}");
        let before = from_memory(&world, 0).await;
        let kept = alice.read(0, &page).await;
        assert_eq!(from_memory(&world, 0).await, before + 1, "{query}");
        assert_eq!(kept, alice.read(1, &page).await, "{query}");
    }
    let before = from_memory(&world, 0).await;
    let history = json!({"room_id": number, "page": 2, "page_size": 4});
    let of_002 = alice.ask(0, "/api/chat/history/room", &history).await;
    assert_eq!(of_002, alice.ask(1, "/api/chat/history/room", &history).await);
    let of_001 = format!("/api/v1/chat/messages?group_id={room}&limit=3");
    assert_eq!(alice.get_json(0, &of_001).await, alice.get_json(1, &of_001).await);
    let mut other = world.webchat(1, &alice, "").await;
    let mut plain = world.webchat(0, &alice, "").await;
    let mut pages = Vec::new();
    for socket in [&mut plain, &mut other] {
        socket.send(&json!({"type": "fetch_history", "payload": {"room_id": number, "page": 2, "page_size": 4}})).await;
        pages.push(socket.next_of("message_history").await);
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(from_memory(&world, 0).await, before + 3);
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn what_another_node_has_acknowledged_is_in_the_next_page() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let mut socket = follow(&world, 0, &alice, "messages").await;
    let before = from_memory(&world, 0).await;
    for number in 0..50 {
        let text = number.to_string();
        let sent = alice.send(1, "global", &text).await;
        assert_eq!(alice.texts(0, "limit=5").await.first(), Some(&text));
        if number % 3 == 0 {
            delete(&alice, 1, "global", &sent).await;
            assert!(!alice.texts(0, "limit=5").await.contains(&text), "{text} was deleted");
        }
    }
    assert!(is_from_memory(&world, 0, &alice, "messages").await, "nothing was missed");
    assert!(from_memory(&world, 0).await > before + 1);
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_removed_member_is_refused_although_the_node_has_the_messages() {
    let world = World::start(2).await;
    let (alice, bob, eve) = (world.user(0, "alice").await, world.user(0, "bob").await, world.user(0, "eve").await);
    let number = alice.make_group(0, "a", &["bob"]).await;
    let room = room_id(number);
    let page = format!("messages?room_id={room}");
    alice.send(0, &room, "secret").await;
    let mut socket = follow(&world, 0, &alice, &page).await;
    assert!(is_from_memory(&world, 0, &bob, &page).await);
    refused(eve.get(0, &page).send().await, 404).await;
    let member = alice.at(1, Method::DELETE, &format!("/api/v1/rooms/{number}/members/2"));
    ok(member.send().await).await;
    refused(bob.get(0, &page).send().await, 404).await;
    // Also once the node has heard of it, and has a page that tells of it.
    eventually("the room's news are kept", async || is_from_memory(&world, 0, &alice, &page).await).await;
    refused(bob.get(0, &page).send().await, 404).await;
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_removed_room_is_gone() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let number = alice.make_group(0, "a", &[]).await;
    let page = format!("messages?room_id={}", room_id(number));
    let mut socket = follow(&world, 0, &alice, &page).await;
    let removed = alice.at(1, Method::DELETE, &format!("/api/v1/rooms/{number}")).send().await.expect("answered");
    assert!(removed.status().is_success(), "{}", removed.status());
    refused(alice.get(0, &page).send().await, 404).await;
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_lost_subscription_drops_what_is_kept() {
    let redis = Redis::start(&[]);
    let world = start(&redis, |_| {}).await;
    let alice = world.user(0, "alice").await;
    let first = alice.send(1, "global", "first").await;
    let mut socket = follow(&world, 0, &alice, "messages").await;
    let kill = || redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut redis.connection());
    kill().expect("killed");
    alice.send(1, "global", "unheard").await;
    delete(&alice, 1, "global", &first).await;
    assert_eq!(alice.texts(0, "").await, ["unheard"]);
    assert_eq!(socket.next_of("new_message").await["payload"]["content"], "unheard");
    eventually("pages come from memory again", async || is_from_memory(&world, 0, &alice, "messages").await).await;
    assert_eq!(alice.texts(0, "").await, ["unheard"]);

    kill().expect("killed");
    alice.send(1, "global", "repaired").await;
    assert_eq!(socket.next_of("new_message").await["payload"]["content"], "repaired");
    assert!(!is_from_memory(&world, 0, &alice, "messages").await, "nothing of before is kept");
    assert_eq!(alice.texts(0, "").await, ["repaired", "unheard"]);
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_log_that_went_back_is_read_again() {
    let redis = Redis::start(&[]);
    let world = start(&redis, |_| {}).await;
    let alice = world.user(0, "alice").await;
    let (_, last) = (alice.send(1, "global", "kept").await, alice.send(1, "global", "lost").await);
    let mut socket = follow(&world, 0, &alice, "messages").await;
    assert_eq!(alice.texts(0, "").await, ["lost", "kept"]);

    // Redis has lost the last message, and nobody was told.
    let (key, log) = room_keys(&world);
    let mut connection = redis.connection();
    let ids: Vec<(String, Vec<String>)> =
        redis::cmd("XREVRANGE").arg(&log).arg(&["+", "-"]).query(&mut connection).expect("a log");
    let [(lost, _), (kept, _)] = ids.as_slice() else { panic!("two messages: {ids:?}") };
    let (seq, ms) = kept.split_once('-').expect("an id");
    redis::cmd("XDEL").arg(&log).arg(lost).exec(&mut connection).expect("taken out");
    redis::cmd("HSET").arg(&key).arg(&["seq", seq, "ms", ms]).exec(&mut connection).expect("set back");
    assert_eq!(alice.texts(0, "").await, ["kept"]);
    // Its seq is given again, on a node that has not seen the first.
    let again = alice.send(1, "global", "again").await;
    assert_ne!(again["id"], last["id"]);
    assert_eq!(alice.texts(0, "").await, ["again", "kept"]);
    eventually("pages come from memory again", async || is_from_memory(&world, 0, &alice, "messages").await).await;
    assert_eq!(alice.texts(0, "").await, ["again", "kept"]);

    redis::cmd("DEL").arg(&[&key, &log]).exec(&mut connection).expect("lost as a whole");
    // There is no such room until a node makes it again, which takes less than a second.
    let answer = alice.get(0, "messages").send().await.expect("answered").text().await.expect("text");
    assert!(!answer.contains("again") && !answer.contains("kept"), "{answer}");
    socket.close().await;
    world.stop().await;
}

/// The keys of `global` and of its log.
fn room_keys(world: &World) -> (String, String) {
    let room = format!("{}{{r:1}}", world.config.redis.prefix);
    (room.clone(), format!("{room}:log"))
}

#[tokio::test]
async fn retention_is_that_of_redis() {
    let world = World::start_with(2, shared_redis(), |config| config.messages.max_per_room = 5).await;
    let alice = world.user(0, "alice").await;
    let mut socket = follow(&world, 0, &alice, "messages?limit=3").await;
    for number in 0..12 {
        let sent = alice.send(1, "global", &number.to_string()).await;
        if number % 4 == 0 {
            delete(&alice, 1, "global", &sent).await;
        }
        for page in ["", "limit=3", "limit=5"] {
            assert_eq!(alice.texts(0, page).await, alice.texts(1, page).await, "{number}, {page:?}");
        }
    }
    eventually("pages come from memory", async || is_from_memory(&world, 0, &alice, "messages?limit=3").await).await;
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn expired_messages_are_not_shown() {
    let world = World::start_with(1, shared_redis(), |config| config.messages.retention_secs = 2).await;
    let alice = world.user(0, "alice").await;
    alice.send(0, "global", "old").await;
    let mut socket = follow(&world, 0, &alice, "messages").await;
    eventually("it expires", async || alice.texts(0, "").await.is_empty()).await;
    assert!(is_from_memory(&world, 0, &alice, "messages").await);
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn an_account_that_was_deleted_loses_its_name_in_what_is_kept() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    bob.send(1, "global", "x").await;
    let mut socket = follow(&world, 0, &alice, "messages").await;
    let password = json!({"password": "your_strong_password"});
    let left = bob.at(1, Method::DELETE, "/api/v1/me").json(&password).send().await.expect("answered");
    assert!(left.status().is_success(), "{}", left.status());
    eventually("the name is gone", async || alice.read(0, "messages").await.to_string().contains("已注销")).await;
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn without_memory_every_page_comes_from_redis() {
    let world = World::start_with(1, shared_redis(), |config| config.messages.tail_bytes = 0).await;
    let alice = world.user(0, "alice").await;
    let mut socket = world.webchat(0, &alice, "").await;
    alice.send(0, "global", "x").await;
    socket.next_of("new_message").await;
    for _ in 0..3 {
        assert_eq!(alice.texts(0, "").await, ["x"]);
    }
    assert_eq!(from_memory(&world, 0).await, 0);
    assert_eq!(counted(&world, 0, "chinwag_pages_outdated_total").await, 0);
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn what_the_node_has_not_heard_of_yet_is_on_the_page() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    alice.send(0, "global", "x").await;
    let mut socket = follow(&world, 0, &alice, "messages").await;
    let (key, log) = room_keys(&world);
    let mut connection = shared_connection(&key);
    let outdated = async || counted(&world, 0, "chinwag_pages_outdated_total").await;
    let before = outdated().await;

    // A message and a deletion as a node stores them, but their announcements never arrive.
    let last: Vec<(String, Vec<String>)> =
        redis::cmd("XREVRANGE").arg(&log).arg(&["+", "-"]).query(&mut connection).expect("a log");
    let (id, record) = &last[0];
    let (seq, ms) = id.split_once('-').expect("an id");
    let next = seq.parse::<u64>().expect("a number") + 1;
    let entry = format!("{next}-{ms}");
    redis::cmd("XADD").arg(&log).arg(entry).arg(record).exec(&mut connection).expect("stored");
    redis::cmd("HSET").arg(&key).arg("seq").arg(next).exec(&mut connection).expect("stored");
    assert_eq!(alice.texts(0, "").await, ["x", "x"]);
    redis::cmd("HSET").arg(format!("{key}:gone")).arg(seq).arg("1 1").exec(&mut connection).expect("deleted");
    redis::cmd("HINCRBY").arg(&key).arg("gone").arg(1).exec(&mut connection).expect("deleted");
    for page in ["", "limit=1"] {
        assert_eq!(alice.texts(0, page).await, ["x"], "{page:?}");
    }
    assert_eq!(outdated().await, before + 3);
    socket.close().await;
    world.stop().await;
}
