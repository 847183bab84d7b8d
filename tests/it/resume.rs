//! Resumption: missed messages follow completely, in order and once, or the client learns that it must refetch.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::room_and_seq;
use crate::socket::Socket;
use crate::support::{PATIENCE, User, World, ok, room_id, shared_redis};

/// The resume token of a message of document 003.
fn token(message: &Value) -> String {
    let id = message["id"].as_str().expect("text").parse().expect("a UUID");
    chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").entry.to_string()
}

fn seq_of(frame: &Value) -> u64 {
    let id = match &frame["payload"]["id"] {
        Value::Null => frame["id"].as_str().and_then(|id| id.parse().ok()),
        id => id.as_u64(),
    };
    room_and_seq(id.unwrap_or_else(|| panic!("no message: {frame}"))).1
}

async fn resume(socket: &mut Socket, room: u64, token: &str) {
    socket.send(&json!({"type": "resume", "payload": {"rooms": {room.to_string(): token}}})).await;
}

/// The frames up to the one that ends the resumption, without presence.
async fn resumption(socket: &mut Socket) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if frame["type"] != "presence" {
            frames.push(frame);
        }
        if matches!(frames.last().map(|it| it["type"].as_str()), Some(Some("resumed" | "not_recovered"))) {
            return frames;
        }
    }
}

fn contents(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter_map(|frame| frame["payload"]["content"].as_str().or(frame["content"].as_str())).collect()
}

#[tokio::test]
async fn what_was_missed_follows_in_order() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "resume", &["bob"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "first").await;
    let mut missed = Vec::new();
    for number in 0..150 {
        alice.send(number % 2, &id, &number.to_string()).await;
        missed.push(number.to_string());
    }
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    resume(&mut socket, room, &token(&first)).await;
    let frames = resumption(&mut socket).await;
    assert_eq!(contents(&frames), missed);
    assert_eq!(frames.last().expect("some"), &json!({"type": "resumed", "payload": {"room_id": room}}));
    let mut socket = world.imtypes(0, &bob, &format!("ext=1&since={id}:{}", token(&first))).await;
    for text in &missed {
        assert_eq!(socket.next_of("text").await["content"], *text);
    }
    let last = alice.send(0, &id, "live").await;
    assert_eq!(socket.next_of("text").await["resume"], token(&last));
    // From the last message, only the end of the resumption follows.
    let mut socket = world.webchat(0, &bob, "ext=1").await;
    resume(&mut socket, room, &token(&last)).await;
    assert_eq!(resumption(&mut socket).await.len(), 1);
    // Without `ext=1` there is no such frame.
    let mut socket = world.webchat(0, &bob, "").await;
    resume(&mut socket, room, &token(&first)).await;
    assert_eq!(socket.next().await["type"], "error");
    world.stop().await;
}

/// Sends `count` numbered messages through both nodes.
async fn chatter(user: &User<'_>, room: &str, count: usize) {
    for number in 0..count {
        user.send(number % 2, room, &number.to_string()).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_or_repeated_while_others_go_on() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "busy", &["bob"]).await;
    let id = room_id(room);
    let mut last = alice.send(0, &id, "first").await;
    let begin = crate::dialect_clients::room_and_seq_of_uuid(&last["id"]).1;
    let (count, mut at) = (600, begin);
    let mut known = token(&last);
    let listening = async {
        let mut visits = 0;
        while at < begin + count as u64 {
            visits += 1;
            let query = format!("ext=1&since={id}:{known}");
            let mut socket = world.imtypes(visits % 2, &bob, &query).await;
            // Receives a few messages, then disconnects again.
            for _ in 0..7 {
                let frame = socket.next_of("text").await;
                let seq = seq_of(&frame);
                assert_eq!(seq, at + 1, "visit {visits}: {frame}");
                at = seq;
                known = frame["resume"].as_str().expect("a token").to_owned();
                if at == begin + count as u64 {
                    break;
                }
            }
        }
        visits
    };
    let (visits, ()) = tokio::join!(listening, chatter(&alice, &id, count));
    assert!(visits > 20, "{visits}");
    last = alice.send(0, &id, "last").await;
    assert_eq!(crate::dialect_clients::room_and_seq_of_uuid(&last["id"]).1, at + 1);
    world.stop().await;
}

#[tokio::test]
async fn a_resumption_by_frame_is_whole_while_others_go_on() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "busy", &["bob"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "first").await;
    let (begin, known) = (crate::dialect_clients::room_and_seq_of_uuid(&first["id"]).1, token(&first));
    let count = 300;
    let listening = async {
        for visit in 0..20 {
            let mut socket = world.webchat(visit % 2, &bob, "ext=1").await;
            resume(&mut socket, room, &known).await;
            let frames = resumption(&mut socket).await;
            let mut seqs: Vec<u64> = frames[..frames.len() - 1].iter().map(seq_of).collect();
            // Messages pushed before the server read the frame are repeated in order.
            if let Some(start) = seqs.iter().rposition(|seq| *seq == begin + 1) {
                seqs.drain(..start);
            }
            let expected: Vec<u64> = (begin + 1..).take(seqs.len()).collect();
            assert_eq!(seqs, expected, "visit {visit}");
            let mut at = begin + seqs.len() as u64;
            for _ in 0..5 {
                if at == begin + count as u64 {
                    break;
                }
                at += 1;
                assert_eq!(seq_of(&socket.next_of("new_message").await), at, "visit {visit}: live goes on from there");
            }
        }
    };
    tokio::join!(listening, chatter(&alice, &id, count));
    world.stop().await;
}

#[tokio::test]
async fn a_resumption_by_handshake_repeats_nothing_while_others_go_on() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "busy", &["bob"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "first").await;
    let begin = crate::dialect_clients::room_and_seq_of_uuid(&first["id"]).1;
    let (count, mut at, mut known) = (300, begin, token(&first));
    let listening = async {
        for visit in 0..20 {
            let mut socket = world.webchat(visit % 2, &bob, &format!("ext=1&since={room}:{known}")).await;
            let mut frames = resumption(&mut socket).await;
            assert_eq!(frames.pop().expect("the end")["type"], "resumed", "visit {visit}");
            // Events of the room come after it.
            for _ in 0..5.min(begin + count - at - frames.len() as u64) {
                frames.push(socket.next_of("new_message").await);
            }
            for frame in frames {
                at += 1;
                assert_eq!((seq_of(&frame), &frame["type"]), (at, &json!("new_message")), "visit {visit}");
                known = frame["payload"]["resume"].as_str().expect("a token").to_owned();
            }
        }
    };
    tokio::join!(listening, chatter(&alice, &id, count as usize));
    // Without `ext=1` the parameter is ignored, and so is what is no token.
    for query in [format!("since={room}:{}", token(&first)), format!("ext=1&since={room}:x&since=x:1-1&since=")] {
        let mut socket = world.webchat(0, &bob, &query).await;
        socket.send(&json!({"type": "ping"})).await;
        socket.next_of("pong").await;
    }
    world.stop().await;
}

#[tokio::test]
async fn stale_forged_and_foreign_tokens_are_not_recovered() {
    let world = World::start_with(2, shared_redis(), |config| config.messages.max_per_room = 30).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "tokens", &["bob"]).await;
    let foreign = alice.make_group(0, "foreign", &[]).await;
    let id = room_id(room);
    let stale = alice.send(0, &id, "stale").await;
    chatter(&alice, &id, 35).await;
    let kept = alice.send(0, &id, "kept").await;
    let last = alice.send(0, &id, "last").await;
    let (seq, ms) = token(&kept).split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a token");
    let ms: u64 = ms.parse().expect("a number");
    let forged = format!("{seq}-{}", ms + 1);
    let of_foreign = token(&alice.send(0, &room_id(foreign), "hers").await);
    let (last_seq, last_ms) = (crate::dialect_clients::room_and_seq_of_uuid(&last["id"]).1, ms);
    let future = format!("{}-{last_ms}", last_seq + 5);
    let cases = [
        (room, token(&stale)),
        (room, forged),
        (room, future),
        (room, "0-0".to_owned()),
        (foreign, of_foreign),
        (77_777, "1-1".to_owned()),
    ];
    for (node, (number, token)) in cases.iter().enumerate().map(|(index, case)| (index % 2, case)) {
        let mut socket = world.webchat(node, &bob, "ext=1").await;
        resume(&mut socket, *number, token).await;
        let lost = json!({"type": "not_recovered", "payload": {"room_id": number}});
        assert_eq!(resumption(&mut socket).await, [lost], "{number} {token}");
        let mut flat = world.imtypes(node, &bob, &format!("ext=1&since={}:{token}", room_id(*number))).await;
        let lost = flat.next().await;
        assert_eq!((&lost["type"], &lost["conversationId"]), (&json!("not_recovered"), &json!(room_id(*number))));
        // New messages follow.
        let text = format!("after {token}");
        alice.send(node, &id, &text).await;
        assert_eq!(socket.next_of("new_message").await["payload"]["content"], text.as_str());
        assert_eq!(flat.next_of("text").await["content"], text.as_str());
    }
    for bad in ["x", "1", "1-", "-1", "1-x", "18446744073709551616-1"] {
        let mut socket = world.webchat(0, &bob, "ext=1").await;
        resume(&mut socket, room, bad).await;
        assert_eq!(socket.next_of("error").await["payload"]["message"], "Page is not valid", "{bad}");
    }
    world.stop().await;
}

#[tokio::test]
async fn of_1000_kept_messages_all_are_recovered_and_of_more_none() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "many", &["bob"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "first").await;
    chatter(&alice, &id, 1000).await;
    // The token's own message is trimmed; the following ones are complete.
    let mut socket = world.webchat(0, &bob, "ext=1").await;
    resume(&mut socket, room, &token(&first)).await;
    let frames = resumption(&mut socket).await;
    let expected: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    assert_eq!(contents(&frames), expected);
    alice.send(0, &id, "one more").await;
    let mut socket = world.webchat(0, &bob, "ext=1").await;
    resume(&mut socket, room, &token(&first)).await;
    assert_eq!(resumption(&mut socket).await.last().expect("some")["type"], "not_recovered");
    world.stop().await;
}

#[tokio::test]
async fn deletions_that_were_missed_are_told() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "deletions", &["bob"]).await;
    let id = room_id(room);
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(alice.send(0, &id, &number.to_string()).await);
    }
    for index in [1, 4] {
        let path = format!("messages/{}?room_id={id}", sent[index]["id"].as_str().expect("an id"));
        ok(alice.request(0, Method::DELETE, &path).send().await).await;
    }
    let mut socket = world.webchat(1, &bob, "ext=1").await;
    resume(&mut socket, room, &token(&sent[2])).await;
    let frames = resumption(&mut socket).await;
    let kinds: Vec<&str> = frames.iter().filter_map(|frame| frame["type"].as_str()).collect();
    assert_eq!(kinds, ["message_deleted", "new_message", "resumed"], "the fifth was never known: {frames:?}");
    assert_eq!(seq_of(&frames[0]), crate::dialect_clients::room_and_seq_of_uuid(&sent[1]["id"]).1);
    assert_eq!(frames[1]["payload"]["content"], "3");
    let mut flat = world.imtypes(0, &bob, &format!("ext=1&since={id}:{}", token(&sent[2]))).await;
    assert_eq!(flat.next().await["type"], "message_deleted");
    assert_eq!(flat.next().await["content"], "3");

    // From a deleted message, too.
    let mut socket = world.webchat(0, &bob, "ext=1").await;
    resume(&mut socket, room, &token(&sent[1])).await;
    let frames = resumption(&mut socket).await;
    assert_eq!(contents(&frames), ["2", "3"]);
    assert_eq!(frames[0]["type"], "message_deleted");
    world.stop().await;
}

#[tokio::test]
async fn several_rooms_are_resumed_at_once_in_one_handshake() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let mut query = "ext=1".to_owned();
    let mut rooms = Vec::new();
    for name in ["one", "two", "three"] {
        let id = room_id(alice.make_group(0, name, &["bob"]).await);
        let first = alice.send(0, &id, "first").await;
        alice.send(1, &id, name).await;
        query.push_str(&format!("&since={id}:{}", token(&first)));
        rooms.push(id);
    }
    let mut socket = world.imtypes(1, &bob, &query).await;
    let mut heard = Vec::new();
    let started = Instant::now();
    while heard.len() < rooms.len() {
        assert!(started.elapsed() < PATIENCE);
        let frame = socket.next().await;
        heard.push((frame["conversationId"].as_str().expect("text").to_owned(), frame["content"].clone()));
    }
    heard.sort_by_key(|(id, _)| rooms.iter().position(|room| room == id));
    let expected: Vec<_> = rooms.into_iter().zip([json!("one"), json!("two"), json!("three")]).collect();
    assert_eq!(heard, expected);
    world.stop().await;
}
