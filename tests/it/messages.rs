//! Messages of document 003 over two nodes: order, paging, retries, deletion, polling, retention.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{User, World, eventually, ok, refused, shared_connection, shared_redis};

fn ids(page: &Value) -> Vec<String> {
    page.as_array().expect("a list").iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect()
}

/// A room's whole history, newest first, in pages of `limit`, read from both nodes in turn.
async fn whole_history(user: &User<'_>, room: &str, limit: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let before = all.last().map(|id| format!("&before={id}")).unwrap_or_default();
        let node = all.len() % 2;
        let page = ids(&user.read(node, &format!("messages?room_id={room}&limit={limit}{before}")).await);
        let is_last = page.len() < limit;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

#[tokio::test]
async fn of_1100_messages_from_20_clients_the_newest_1000_remain_in_one_order() {
    let world = World::start(2).await;
    let mut users = Vec::new();
    for index in 0..20 {
        users.push(world.user(index % 2, &format!("user{index}")).await);
    }
    let sends = users.iter().enumerate().map(|(index, user)| async move {
        let mut stored = Vec::new();
        for number in 0..55 {
            let message = user.send((index + number) % 2, "global", &format!("{index}-{number}")).await;
            stored.push(message["id"].as_str().expect("an id").to_owned());
        }
        stored
    });
    let stored: Vec<Vec<String>> = join_all(sends).await;
    let distinct: HashSet<&String> = stored.iter().flatten().collect();
    assert_eq!(distinct.len(), 1100, "every id is another");

    let reader = &users[0];
    let history = whole_history(reader, "global", 100).await;
    assert_eq!(history.len(), 1000);
    for limit in [1, 7, 50] {
        assert_eq!(whole_history(reader, "global", limit).await, history, "pages of {limit}");
    }
    let distinct: HashSet<&String> = history.iter().collect();
    assert_eq!(distinct.len(), 1000, "no repeats");
    // Each client's messages keep the order in which they were acknowledged.
    for sent in &stored {
        let kept: Vec<&String> = history.iter().rev().filter(|id| sent.contains(id)).collect();
        let expected: Vec<&String> = sent.iter().filter(|id| history.contains(id)).collect();
        assert_eq!(kept, expected);
    }
    // Forward from the oldest message that remains: the same messages, oldest first.
    let oldest = history.last().expect("some");
    let mut forward = vec![oldest.clone()];
    loop {
        let after = forward.last().expect("some").clone();
        let page = ids(&reader.read(0, &format!("messages?limit=100&after={after}")).await);
        if page.is_empty() {
            break;
        }
        forward.extend(page);
    }
    forward.reverse();
    assert_eq!(forward, history);
    world.stop().await;
}

#[tokio::test]
async fn a_retry_with_the_same_client_id_stores_once_on_any_node() {
    let world = World::start(2).await;
    let user = world.user(0, "alice").await;
    let body = json!({"message_type": "text", "content": "once", "reply_to": null});
    let send = |node: usize, key: &'static str, body: &Value| {
        user.post(node, "send").header("Idempotency-Key", key).json(body).send()
    };
    let first = ok(send(0, "key-1", &body).await).await;
    let again = ok(send(1, "key-1", &body).await).await;
    assert_eq!(first, again);

    let racing = join_all((0..10).map(|index| send(index % 2, "key-2", &body))).await;
    let mut raced = HashSet::new();
    for answer in racing {
        raced.insert(ok(answer).await["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(raced.len(), 1);

    let other = json!({"message_type": "text", "content": "other", "reply_to": null});
    refused(send(1, "key-1", &other).await, 409).await;
    let with_field = json!({"message_type": "text", "content": "once", "client_id": "key-1"});
    let by_field = ok(user.post(0, "send").json(&with_field).send().await).await;
    assert_eq!(by_field, first, "field and header name the same id");
    assert_eq!(user.texts(0, "").await, ["once", "once"]);
    // The second node counts what it has stored within a second.
    eventually("both are counted", async || user.read(0, "stats").await["total_messages_today"] == 2).await;
    assert!(again == ok(send(0, "key-1", &body).await).await);
    assert_eq!(user.read(0, "stats").await["total_messages_today"], 2, "retries are not counted");
    world.stop().await;
}

#[tokio::test]
async fn a_proxy_may_repeat_a_request_on_another_node_with_the_header_that_the_operator_named() {
    let world = World::start_with(2, shared_redis(), |config| {
        config.server.retry_header = "X-Retry-Id".to_owned();
    })
    .await;
    let user = world.user(0, "alice").await;
    let body = json!({"message_type": "text", "content": "once"});
    let mut stored = HashSet::new();
    for node in [0, 1] {
        let request = user.post(node, "send").header("X-Retry-Id", "4bf92f3577b34da6").json(&body);
        stored.insert(ok(request.send().await).await["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(stored.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_request_id_is_no_key() {
    let trusted = "127.0.0.1".parse().expect("an address");
    let trusting = World::start_with(1, shared_redis(), |config| config.server.trusted_proxies = vec![trusted]).await;
    for world in [World::start(1).await, trusting] {
        let user = world.user(0, "alice").await;
        for text in ["first", "first", "second"] {
            let body = json!({"message_type": "text", "content": text});
            ok(user.post(0, "send").header("X-Request-Id", "4bf92f3577b34da6").json(&body).send().await).await;
        }
        assert_eq!(user.texts(0, "").await, ["second", "first", "first"]);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_deleted_message_is_seen_nowhere() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_room(0, "a").await;
    let secret = bob.send(1, &room, "secret").await;
    let id = secret["id"].as_str().expect("an id");
    let path = format!("messages/{id}?room_id={room}");

    let carol = world.user(0, "carol").await;
    assert_eq!(refused(carol.request(0, Method::DELETE, &path).send().await, 403).await, "没有执行该操作的权限");
    for node in [0, 1] {
        let done = ok(bob.request(node, Method::DELETE, &path).send().await).await;
        assert_eq!(done, json!({"message": "消息删除成功"}));
    }
    for node in [0, 1] {
        for query in ["limit=1", "limit=2", "limit=100"] {
            let texts = alice.texts(node, &format!("room_id={room}&{query}")).await;
            assert!(!texts.contains(&"secret".to_owned()), "{texts:?}");
            assert!(!texts.is_empty(), "pages are filled past deleted messages");
        }
        let rooms = alice.read(node, "rooms").await.to_string();
        assert!(!rooms.contains("secret"), "{rooms}");
    }
    let reply = json!({"message_type": "text", "content": "re", "reply_to": id});
    let answer = alice.post(0, &format!("send?room_id={room}")).json(&reply).send().await;
    assert_eq!(refused(answer, 400).await, "回复的消息不存在");
    // Its id still works as a cursor.
    let after = alice.texts(0, &format!("room_id={room}&after={id}")).await;
    assert_eq!(after, Vec::<String>::new());
    let before = alice.texts(0, &format!("room_id={room}&before={id}")).await;
    assert_eq!(before, ["bob 加入了聊天室", "alice 创建了聊天室"]);
    world.stop().await;
}

#[tokio::test]
async fn owners_and_administrators_delete_what_others_said() {
    let world = World::start(1).await;
    let (owner, bob, admin) = (world.user(0, "owner").await, world.user(0, "bob").await, world.user(0, "chief").await);
    let room = owner.make_room(0, "a").await;
    for user in [&owner, &admin] {
        let message = bob.send(0, &room, "x").await;
        let path = format!("messages/{}?room_id={room}", message["id"].as_str().expect("an id"));
        if user.name == "chief" {
            refused(user.request(0, Method::DELETE, &path).send().await, 403).await;
            world.promote("chief").await;
        }
        ok(user.request(0, Method::DELETE, &path).send().await).await;
    }
    assert!(!bob.texts(0, &format!("room_id={room}")).await.contains(&"x".to_owned()));
    world.stop().await;
}

#[tokio::test]
async fn pages_are_full_when_most_messages_are_deleted() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let mut kept = Vec::new();
    for number in 0..60 {
        let message = user.send(0, "global", &number.to_string()).await;
        match number % 6 {
            0 => kept.push(number.to_string()),
            _ => {
                let path = format!("messages/{}", message["id"].as_str().expect("an id"));
                ok(user.request(0, Method::DELETE, &path).send().await).await;
            }
        }
    }
    kept.reverse();
    assert_eq!(user.texts(0, "limit=10").await, kept);
    assert_eq!(user.texts(0, "limit=4").await, kept[..4]);
    world.stop().await;
}

#[tokio::test]
async fn polling_sees_every_change_and_nothing_else() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let poll = async |etag: &str| {
        let request = bob.get(1, "messages?limit=10").header("If-None-Match", etag);
        let answer = request.send().await.expect("answered");
        let etag = answer.headers()["etag"].to_str().expect("text").to_owned();
        assert_eq!(answer.headers()["cache-control"], "private, no-cache");
        assert!(answer.headers()["vary"].to_str().expect("text").to_ascii_lowercase().contains("authorization"));
        (answer.status(), etag)
    };
    let first = alice.send(0, "global", "one").await;
    let (status, mut etag) = poll("\"nothing\"").await;
    assert_eq!(status, StatusCode::OK);
    // Polls until the node follows the room.
    for _ in 0..20 {
        let (status, same) = poll(&etag).await;
        assert_eq!((status, &same), (StatusCode::NOT_MODIFIED, &etag));
    }
    for text in ["two", "three"] {
        alice.send(0, "global", text).await;
        eventually("the poll sees the message", async || poll(&etag).await.0 == StatusCode::OK).await;
        etag = poll(&etag).await.1;
        assert_eq!(poll(&etag).await.0, StatusCode::NOT_MODIFIED);
    }
    let id = first["id"].as_str().expect("an id");
    ok(alice.request(0, Method::DELETE, &format!("messages/{id}")).send().await).await;
    eventually("the poll sees the deletion", async || poll(&etag).await.0 == StatusCode::OK).await;
    assert_eq!(bob.texts(1, &format!("after={id}")).await, ["two", "three"], "oldest first");
    let last = alice.read(0, "messages?limit=1").await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(bob.texts(1, &format!("after={last}")).await, Vec::<String>::new());
    alice.send(0, "global", "four").await;
    eventually("the poll sees the message", async || bob.texts(1, &format!("after={last}")).await == ["four"]).await;
    world.stop().await;
}

#[tokio::test]
async fn messages_older_than_the_retention_vanish_even_in_a_busy_room() {
    let world = World::start_with(1, shared_redis(), |config| config.messages.retention_secs = 1).await;
    let user = world.user(0, "alice").await;
    user.send(0, "global", "old").await;
    eventually("the old message is gone for readers", async || user.texts(0, "").await.is_empty()).await;
    let rooms = user.read(0, "rooms").await;
    assert_eq!(rooms[0]["last_message"], Value::Null, "nor is it anyone's last message");
    eventually("only what is new is shown", async || {
        user.send(0, "global", "new").await;
        let texts = user.texts(0, "").await;
        !texts.is_empty() && texts.iter().all(|text| text == "new")
    })
    .await;
    let log = format!("{}{{r:1}}:log", world.config.redis.prefix);
    let mut connection = shared_connection(&log);
    eventually("the old entry is gone from the stream", async || {
        user.send(0, "global", "new").await;
        let mut read = redis::pipe();
        read.atomic().cmd("XRANGE").arg(&log).arg(&["-", "+", "COUNT", "1"]).cmd("PTTL").arg(&log);
        let (entries, ttl): (redis::streams::StreamRangeReply, i64) = read.query(&mut connection).expect("read");
        // The log itself expires, perhaps before it was read.
        let Some(first) = entries.ids.first() else { return false };
        assert!((0..=1000).contains(&ttl), "{ttl}");
        !first.id.starts_with("1-")
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn too_many_messages_are_refused_with_the_time_to_wait() {
    let world = World::start_with(2, shared_redis(), |config| {
        config.limits.sends_per_sec = 1;
        config.limits.sends_burst = 3;
    })
    .await;
    let user = world.user(0, "alice").await;
    for node in [0, 1, 0] {
        user.send(node, "global", "fine").await;
    }
    // Each second lets one more through.
    eventually("a message is refused", async || {
        let answer = user.try_send(1, "global", "too much").await.expect("answered");
        if answer.status() == StatusCode::OK {
            return false;
        }
        assert_eq!(answer.headers()["retry-after"], "1");
        refused(Ok(answer), 429).await;
        true
    })
    .await;
    user.send(0, &user.make_room(0, "other").await, "another room is another matter").await;
    eventually("the next is let through", async || {
        user.try_send(0, "global", "fine again").await.expect("answered").status() == StatusCode::OK
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn every_kind_of_content_passes_verbatim() {
    let world = World::start(2).await;
    let user = world.user(0, "alice").await;
    let texts = ["\0", "a\r\nb\ttab", "emoji 👩‍👩‍👧 \u{202e}", "\"quotes\" \\ and {json}", "${jndi:ldap://x}", "<script>"];
    for text in texts {
        let sent = user.send(0, "global", text).await;
        assert_eq!(sent["content"], text);
        assert_eq!(user.texts(1, "limit=1").await, [text]);
    }
    let long = "好".repeat(5000);
    assert_eq!(user.send(0, "global", &long).await["content"], long.as_str());
    world.stop().await;
}

#[tokio::test]
async fn a_system_message_of_a_user_carries_the_user() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let body = json!({"message_type": "system", "content": "notice", "sender_id": 0, "id": "x"});
    let sent = ok(user.post(0, "send").json(&body).send().await).await;
    assert_eq!(
        (&sent["message_type"], &sent["sender_id"], &sent["sender_name"]),
        (&json!("system"), &json!(1), &json!("alice"))
    );
    world.stop().await;
}

#[tokio::test]
async fn a_full_room_of_deleted_messages_is_read_in_two_goes() {
    let world = World::start_with(1, shared_redis(), |config| config.messages.max_per_room = 20).await;
    let user = world.user(0, "alice").await;
    for number in 0..30 {
        let message = user.send(0, "global", &number.to_string()).await;
        if number < 28 {
            let path = format!("messages/{}", message["id"].as_str().expect("an id"));
            ok(user.request(0, Method::DELETE, &path).send().await).await;
        }
    }
    assert_eq!(user.texts(0, "limit=10").await, ["29", "28"]);
    world.stop().await;
}

#[tokio::test]
async fn tombstones_do_not_outgrow_the_log() {
    let world = World::start_with(1, shared_redis(), |config| config.messages.max_per_room = 10).await;
    let user = world.user(0, "alice").await;
    let gone = format!("{}{{r:1}}:gone", world.config.redis.prefix);
    let mut connection = shared_connection(&gone);
    for number in 0..60 {
        let message = user.send(0, "global", &number.to_string()).await;
        let path = format!("messages/{}", message["id"].as_str().expect("an id"));
        ok(user.request(0, Method::DELETE, &path).send().await).await;
        let length: u64 = redis::cmd("HLEN").arg(&gone).query(&mut connection).expect("read");
        // Four amendments for each entry of the log.
        assert!(length <= 41, "{length}");
    }
    assert_eq!(user.texts(0, "").await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn a_retry_does_not_bring_a_deleted_message_back() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let body = json!({"message_type": "text", "content": "secret", "client_id": "once"});
    let sent = ok(user.post(0, "send").json(&body).send().await).await;
    let path = format!("messages/{}", sent["id"].as_str().expect("an id"));
    ok(user.request(0, Method::DELETE, &path).send().await).await;
    assert_eq!(refused(user.post(0, "send").json(&body).send().await, 404).await, "消息不存在");
    world.stop().await;
}

#[tokio::test]
async fn catching_up_in_pages_is_not_cut_short_by_an_etag() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let first = user.send(0, "global", "1").await["id"].as_str().expect("an id").to_owned();
    for number in 2..6 {
        user.send(0, "global", &number.to_string()).await;
    }
    let mut after = first;
    let mut etag = String::new();
    for expected in ["2", "3", "4", "5"] {
        let request = user.get(0, &format!("messages?limit=1&after={after}")).header("If-None-Match", &etag);
        let answer = request.send().await.expect("answered");
        etag = answer.headers()["etag"].to_str().expect("text").to_owned();
        let page = ok(Ok(answer)).await;
        assert_eq!(page[0]["content"], expected);
        after = page[0]["id"].as_str().expect("an id").to_owned();
    }
    let request = user.get(0, &format!("messages?limit=1&after={after}")).header("If-None-Match", &etag);
    assert_eq!(request.send().await.expect("answered").status(), StatusCode::NOT_MODIFIED);
    world.stop().await;
}
