//! Limits of what one user makes others receive: messages, announcements of typing, and searches.

use std::time::Duration;

use chinwag::config::Config;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::dialect_clients::{SEND_PATHS, SendPath};
use crate::socket::Socket;
use crate::support::{User, World, room_id, shared_redis};

async fn with_limits(nodes: usize, change: impl FnOnce(&mut Config)) -> World {
    World::start_with(nodes, shared_redis(), change).await
}

/// As an operator gets them who sets nothing.
fn as_by_default(config: &mut Config) {
    config.limits = Config::defaults().limits;
    // Enough to register the users of a test.
    config.limits.sign_ins_burst = 1000;
}

/// Sends texts until one is refused. Returns how many were accepted, and the seconds to wait.
async fn until_refused(user: &User<'_>, node: usize, room: &str) -> (usize, u64) {
    for accepted in 0.. {
        let answer = user.try_send(node, room, "x").await.expect("answered");
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let wait = answer.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
            return (accepted, wait);
        }
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(accepted < 1000, "nothing is ever refused");
    }
    unreachable!("the loop returns")
}

#[tokio::test]
async fn a_newcomer_cannot_push_out_the_history_of_a_room() {
    let world = with_limits(2, as_by_default).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_room(0, "square").await;
    for number in 0..5 {
        alice.send(0, &room, &format!("old {number}")).await;
    }
    // A burst of 30, and five more for each second that the test takes.
    let (accepted, wait) = until_refused(&bob, 1, &room).await;
    assert!((30..500).contains(&accepted), "{accepted}");
    assert_eq!(wait, 1);
    let kept = alice.texts(0, &format!("room_id={room}&limit=100")).await;
    assert!(accepted > 90 || kept.iter().any(|text| text == "old 0"), "{kept:?}");
    world.stop().await;
}

#[tokio::test]
async fn many_rooms_do_not_multiply_what_a_user_may_send() {
    let world = with_limits(1, |config| {
        (config.limits.user_sends_per_sec, config.limits.user_sends_burst) = (1, 12);
    })
    .await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let mut rooms = Vec::new();
    for number in 0..4 {
        rooms.push(alice.make_room(0, &format!("room {number}")).await);
    }
    let mut accepted = 0;
    let refused = loop {
        let answer = alice.try_send(0, &rooms[accepted % rooms.len()], "x").await.expect("answered");
        if answer.status() != StatusCode::OK {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 1000, "nothing is ever refused");
    };
    assert!((12..100).contains(&accepted), "{accepted}");
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().expect("a value")));
    // Others are not concerned.
    bob.send(0, &rooms[0], "fine").await;
    world.stop().await;
}

#[tokio::test]
async fn changes_of_members_count_as_messages() {
    let world = with_limits(1, |config| {
        (config.limits.user_sends_per_sec, config.limits.user_sends_burst) = (1, 6);
    })
    .await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "square").await;
    let mut statuses = Vec::new();
    // Sooner or later: each second lets one more through.
    while statuses.len() < 100 && !statuses.contains(&429) {
        let verb = if statuses.len() % 2 == 0 { "join" } else { "leave" };
        let answer = bob.post(0, &format!("rooms/{room}/{verb}")).send().await.expect("answered");
        statuses.push(answer.status().as_u16());
    }
    assert!(statuses.len() > 6 && statuses.last() == Some(&429), "{statuses:?}");
    world.stop().await;
}

/// What a client of each document receives as the refusal of one message too many.
async fn refusal(world: &World, user: &User<'_>, path: SendPath, room: u64) -> Value {
    let id = room_id(room);
    let enveloped = json!({"type": "text", "content": "x", "group_id": id});
    let over = async |mut socket: Socket, frame: Value, is_refusal: fn(&Value) -> bool| {
        loop {
            socket.send(&frame).await;
            let answer = socket.next().await;
            if is_refusal(&answer) {
                return answer;
            }
        }
    };
    let over_http = async |path: &str, body: &Value| {
        loop {
            let (status, answer) = user.ask(0, path, body).await;
            if status != 200 {
                return json!({"status": status, "body": answer});
            }
        }
    };
    match path {
        SendPath::Webchat => {
            let frame = json!({"type": "send_message", "payload": {"room_id": room, "content": "x"}});
            over(world.webchat(0, user, "").await, frame, |answer| answer["type"] == "error").await
        }
        SendPath::Envelope => over_http("/api/v1/chat/message", &enveloped).await,
        SendPath::EnvelopeSocket => {
            over(world.envelope(0, user).await, enveloped, |answer| answer["code"].is_number()).await
        }
        SendPath::Messenger => {
            let frame = json!({"type": "chat", "chat_type": "room", "receiver_id": room, "content": "x"});
            over(world.messenger(0, user).await, frame, |answer| answer["type"] == "error").await
        }
        SendPath::Chatroom => {
            let body = json!({"message_type": "text", "content": "x"});
            over_http(&format!("/api/chat/send?room_id={id}"), &body).await
        }
        SendPath::Imtypes => {
            let frame = json!({"type": "text", "content": "x", "receiverId": id});
            over(world.imtypes(0, user, "").await, frame, |answer| answer["senderId"] == "0").await
        }
    }
}

#[tokio::test]
async fn every_document_refuses_one_message_too_many_in_its_own_words() {
    let world = with_limits(1, |config| {
        (config.limits.user_sends_per_sec, config.limits.user_sends_burst) = (1, 2);
    })
    .await;
    for (number, path) in SEND_PATHS.into_iter().enumerate() {
        let user = world.user(0, &format!("user {number}")).await;
        let refused = refusal(&world, &user, path, 1).await;
        let expected = match path {
            SendPath::Webchat => json!({"type": "error", "payload": {"message": "Too many requests, try again later"}}),
            SendPath::Envelope => {
                let body = json!({"code": 429, "message": "请求过于频繁", "error": "请稍后再试"});
                json!({"status": 429, "body": body})
            }
            SendPath::EnvelopeSocket => json!({"code": 429, "message": "请求过于频繁", "error": "请稍后再试"}),
            SendPath::Messenger => json!({"type": "error", "code": 429, "message": "请求过于频繁，请稍后再试"}),
            SendPath::Chatroom => json!({"status": 429, "body": {"detail": "请求过于频繁，请稍后再试"}}),
            SendPath::Imtypes => json!("发送过于频繁，请稍后再试"),
        };
        let refused = if path == SendPath::Imtypes { refused["content"].clone() } else { refused };
        assert_eq!(refused, expected, "{path:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_refused_frame_says_how_long_to_wait_and_the_connection_goes_on() {
    let world = with_limits(1, |config| {
        (config.limits.sends_per_sec, config.limits.sends_burst) = (1, 1);
    })
    .await;
    let user = world.user(0, "alice").await;
    let mut socket = world.webchat(0, &user, "ext=1").await;
    let frame = json!({"type": "send_message", "payload": {"room_id": 1, "content": "x", "ref": "1"}});
    let refused = loop {
        socket.send(&frame).await;
        let answer = loop {
            let answer = socket.next().await;
            if answer["payload"]["ref"] == "1" {
                break answer["payload"].clone();
            }
        };
        if answer["code"].is_string() {
            break answer;
        }
    };
    assert_eq!(refused["code"], "rate_limited");
    assert!((1..=1000).contains(&refused["retry_after_ms"].as_u64().expect("a time")), "{refused}");
    socket.assert_quiet().await;
    world.stop().await;
}

#[tokio::test]
async fn a_flood_at_the_limits_closes_no_socket() {
    let world = with_limits(1, as_by_default).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(world.webchat(0, &bob, "").await);
    }
    // Long texts, and readers that read only afterwards.
    let text = "好".repeat(5000);
    let mut accepted = 0;
    while alice.try_send(0, "global", &text).await.expect("answered").status() == StatusCode::OK {
        accepted += 1;
    }
    assert!(accepted >= 30, "{accepted}");
    for socket in &mut sockets {
        for number in 0..accepted {
            let frame = socket.next_or_end().await.unwrap_or_else(|end| panic!("closed with {end:?} after {number}"));
            assert_eq!(frame["type"], "new_message");
        }
    }
    world.stop().await;
}

fn typing(room: u64) -> Value {
    json!({"type": "typing", "payload": {"room_id": room, "ref": "t"}})
}

/// Announces typing through `typist` and waits until that is done.
async fn announce(typist: &mut Socket, room: u64) {
    typist.send(&typing(room)).await;
    let done = typist.next_of("done").await;
    assert_eq!(done["payload"]["ref"], "t", "not an error, whether it is announced or dropped");
}

/// The users whose typing a socket of `?ext=1` hears before a message, which everything sent before precedes.
async fn heard_until_message(socket: &mut Socket) -> usize {
    let mut heard = 0;
    loop {
        let frame = socket.next().await;
        match frame["type"].as_str() {
            Some("typing") => heard += 1,
            Some("new_message") => return heard,
            _ => {}
        }
    }
}

#[tokio::test]
async fn typing_is_announced_once_in_two_seconds_per_user_and_room() {
    let world = with_limits(1, |config| config.limits.typing_secs = 3600).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let rooms = [alice.make_group(0, "a", &["bob"]).await, alice.make_group(0, "b", &["bob"]).await];
    let mut listener = world.webchat(0, &bob, "ext=1").await;
    let mut imtypes = world.imtypes(0, &alice, "ext=1").await;
    // Two sockets of one user count as one.
    let mut typists = [world.webchat(0, &alice, "ext=1").await, world.webchat(0, &alice, "ext=1").await];
    for typist in &mut typists {
        for _ in 0..20 {
            announce(typist, rooms[0]).await;
        }
    }
    imtypes.send(&json!({"type": "typing_indicator", "receiverId": room_id(rooms[0])})).await;
    alice.send(0, &room_id(rooms[0]), "sent").await;
    assert_eq!(heard_until_message(&mut listener).await, 1);
    announce(&mut typists[0], rooms[1]).await;
    let mut other = world.webchat(0, &bob, "ext=1").await;
    announce(&mut other, rooms[1]).await;
    alice.send(0, &room_id(rooms[1]), "sent").await;
    assert_eq!(heard_until_message(&mut listener).await, 2, "another room, and another user");
    world.stop().await;
}

#[tokio::test]
async fn typing_is_announced_again_after_the_interval() {
    let world = with_limits(1, |config| config.limits.typing_secs = 1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "a", &["bob"]).await;
    let mut listener = world.webchat(0, &bob, "ext=1").await;
    let mut typist = world.webchat(0, &alice, "ext=1").await;
    let mut heard = 0;
    while heard < 2 {
        announce(&mut typist, room).await;
        while listener
            .next_within(Duration::from_millis(20))
            .await
            .is_some_and(|frame| frame.expect("the connection is open")["type"] == "typing")
        {
            heard += 1;
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn typing_in_many_rooms_counts_as_sending() {
    let world = with_limits(1, |config| {
        (config.limits.user_sends_per_sec, config.limits.user_sends_burst) = (1, 5);
    })
    .await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let mut rooms = Vec::new();
    for number in 0..40 {
        rooms.push(bob.make_room(0, &number.to_string()).await);
    }
    let mut connection = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    for room in &rooms {
        // Joining would count.
        let number = room.parse::<chinwag::domain::RoomId>().expect("an id").number();
        let key = format!("{}{{r:{number}}}:members", world.config.redis.prefix);
        redis::cmd("ZADD").arg(key).arg(1).arg(1).exec(&mut connection).expect("written");
    }
    let mut listener = world.webchat(0, &bob, "ext=1").await;
    let mut typist = world.webchat(0, &alice, "ext=1").await;
    for room in &rooms {
        announce(&mut typist, u64::from(room.parse::<chinwag::domain::RoomId>().expect("an id").number())).await;
    }
    bob.send(0, &rooms[0], "sent").await;
    let heard = heard_until_message(&mut listener).await;
    assert!((5..30).contains(&heard), "{heard}");
    world.stop().await;
}

#[tokio::test]
async fn nobody_hears_typing_in_a_large_room() {
    let world = with_limits(1, |config| config.limits.typing_members = 2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    world.user(0, "carol").await;
    let small = alice.make_group(0, "small", &["bob"]).await;
    let large = alice.make_group(0, "large", &["bob", "carol"]).await;
    let mut listener = world.webchat(0, &bob, "ext=1").await;
    let mut typist = world.webchat(0, &alice, "ext=1").await;
    for (room, expected) in [(small, 1), (large, 0), (1, 0)] {
        announce(&mut typist, room).await;
        alice.send(0, &room_id(room), "sent").await;
        assert_eq!(heard_until_message(&mut listener).await, expected, "{room}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_stranger_who_types_is_refused_each_time() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "a", &[]).await;
    let mut socket = world.webchat(0, &bob, "ext=1").await;
    for _ in 0..3 {
        socket.send(&typing(room)).await;
        assert_eq!(socket.next_of("error").await["payload"]["code"], "room_not_found");
    }
    // And hears at once that they may, when they become a member.
    assert_eq!(alice.ask(0, &format!("/api/v1/rooms/{room}/members"), &json!({"username": "bob"})).await.0, 201);
    announce(&mut socket, room).await;
    world.stop().await;
}

#[tokio::test]
async fn searches_are_limited_whatever_they_look_for() {
    for kind in ["user&q=a", "room&q=a", "message&room_id=1&q=a"] {
        let world = with_limits(1, |config| {
            (config.limits.searches_per_sec, config.limits.searches_burst) = (1, 3);
        })
        .await;
        let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
        let search = async |user: &User<'_>| {
            let path = format!("/api/v1/search?kind={kind}");
            user.at(0, Method::GET, &path).send().await.expect("answered")
        };
        let mut accepted = 0;
        let refused = loop {
            let answer = search(&alice).await;
            if answer.status() != StatusCode::OK {
                break answer;
            }
            accepted += 1;
            assert!(accepted < 1000, "nothing is ever refused");
        };
        assert!(accepted >= 3, "{accepted}");
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (429, &"1".parse().expect("a value"))
        );
        let body: Value = refused.json().await.expect("JSON");
        assert_eq!(body["code"], "rate_limited");
        assert_eq!(search(&bob).await.status(), StatusCode::OK);
        world.stop().await;
    }
}

#[tokio::test]
async fn without_limits_nothing_of_this_is_refused() {
    let world = with_limits(1, |config| {
        as_by_default(config);
        config.limits.enabled = false;
    })
    .await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "a", &["bob"]).await;
    for _ in 0..150 {
        alice.send(0, "global", "x").await;
        alice.get_json(0, "/api/v1/search?kind=user&q=a").await;
    }
    let mut listener = world.webchat(0, &bob, "ext=1").await;
    let mut typist = world.webchat(0, &alice, "ext=1").await;
    for _ in 0..3 {
        announce(&mut typist, group).await;
    }
    alice.send(0, &room_id(group), "sent").await;
    assert_eq!(heard_until_message(&mut listener).await, 3);
    for _ in 0..30 {
        world.log_in(0, "alice", "your_strong_password").await;
    }
    world.stop().await;
}
