//! Blocked users, and who may add whom to a room.

use chinwag::config::Adding;
use reqwest::Method;
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::socket::Socket;
use crate::support::{User, World, answered, ok, refused, room_id, shared_redis};

const ALICE: u64 = 1;
const BOB: u64 = 2;

async fn block(user: &User<'_>, node: usize, other: &str) -> (u16, Value) {
    answered(user.at(node, Method::PUT, &format!("/api/v1/me/blocks/{other}")).send().await).await
}

async fn unblock(user: &User<'_>, node: usize, other: u64) -> (u16, Value) {
    answered(user.at(node, Method::DELETE, &format!("/api/v1/me/blocks/{other}")).send().await).await
}

/// Sockets of all documents on which a user sends direct messages to alice.
struct Senders {
    webchat: Socket,
    envelope: Socket,
    messenger: Socket,
    imtypes: Socket,
}

impl Senders {
    async fn open(world: &World, user: &User<'_>) -> Self {
        Self {
            webchat: world.webchat(1, user, "ext=1").await,
            envelope: world.envelope(1, user).await,
            messenger: world.messenger(1, user).await,
            imtypes: world.imtypes(1, user, "").await,
        }
    }

    /// Sends alice a message on every path, by user and by room where the document has both. Each must be refused.
    async fn are_refused(&mut self, user: &User<'_>, room: Option<u64>) {
        let by_user = json!({"type": "text", "content": "x", "receiver_id": "1"});
        let (status, body) = user.ask(1, "/api/v1/chat/message", &by_user).await;
        assert_eq!((status, body["code"].as_u64()), (403, Some(403)), "{body}");
        assert_eq!((&body["message"], &body["error"]), (&json!("权限不足"), &json!("对方已将你屏蔽")));
        self.envelope.send(&by_user).await;
        let frame = self.envelope.next().await;
        assert_eq!((&frame["code"], &frame["error"]), (&json!(403), &json!("对方已将你屏蔽")), "{frame}");
        let private = json!({
            "type": "chat", "chat_type": "private", "reveiver_id": ALICE, "message_type": "text", "content": "x", "file_url": null
        });
        self.messenger.send(&private).await;
        let frame = self.messenger.next().await;
        let (code, message) = (json!(403), json!("对方已将你屏蔽"));
        assert_eq!((&frame["type"], &frame["code"], &frame["message"]), (&json!("error"), &code, &message), "{frame}");
        self.imtypes.send(&json!({"type": "text", "id": "c-1", "content": "x", "receiverId": "1"})).await;
        let frame = self.imtypes.next().await;
        assert_eq!((&frame["type"], &frame["content"]), (&json!("system"), &message), "{frame}");
        if let Some(room) = room {
            self.by_room_are_refused(user, room).await;
        }
    }

    async fn by_room_are_refused(&mut self, user: &User<'_>, room: u64) {
        let id = room_id(room);
        assert_eq!(refused(user.try_send(1, &id, "x").await, 403).await, "对方已将你屏蔽");
        let file = reqwest::multipart::Part::text("text").file_name("a.txt");
        let form = reqwest::multipart::Form::new().text("room_id", id.clone()).part("file", file);
        assert_eq!(refused(user.post(1, "upload").multipart(form).send().await, 403).await, "对方已将你屏蔽");
        let (status, _) =
            user.ask(1, "/api/v1/chat/message", &json!({"type": "text", "content": "x", "group_id": id})).await;
        assert_ne!(status, 200);
        let payload = json!({"room_id": room, "content": "x", "is_image": false, "client_id": "c-1"});
        self.webchat.send(&json!({"type": "send_message", "payload": payload})).await;
        let frame = self.webchat.next_of("error").await;
        assert_eq!((&frame["payload"]["code"], &frame["payload"]["client_id"]), (&json!("blocked"), &json!("c-1")));
        self.imtypes.send(&json!({"type": "text", "content": "x", "receiverId": id})).await;
        assert_eq!(self.imtypes.next().await["content"], "对方已将你屏蔽");
    }
}

#[tokio::test]
async fn a_blocked_user_sends_no_direct_message_through_any_document() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.open_direct(0, "bob").await;
    bob.send(1, &room_id(room), "before").await;
    assert_eq!(block(&alice, 0, "2").await, (200, json!({"message": "User blocked"})));
    assert_eq!(block(&alice, 1, "2").await.0, 200, "again is fine");
    assert_eq!(alice.get_json(1, "/api/v1/me/blocks").await, json!([{"user_id": 2, "username": "bob"}]));
    let mut senders = Senders::open(&world, &bob).await;
    senders.are_refused(&bob, Some(room)).await;

    // The history stays, the other direction and all other rooms are as before.
    assert_eq!(bob.texts(1, &format!("room_id={}", room_id(room))).await, ["before"]);
    alice.send(0, &room_id(room), "from alice").await;
    let group = alice.make_group(0, "both", &["bob"]).await;
    bob.send(1, &room_id(group), "in a group").await;
    bob.send(1, "global", "to all").await;
    assert_eq!(alice.texts(0, &format!("room_id={}", room_id(room))).await, ["from alice", "before"]);

    assert_eq!(unblock(&alice, 0, BOB).await, (200, json!({"message": "User unblocked"})));
    assert_eq!(unblock(&alice, 0, BOB).await.0, 200, "again is fine");
    bob.send(1, &room_id(room), "after").await;
    assert_eq!(alice.get_json(0, "/api/v1/me/blocks").await, json!([]));
    world.stop().await;
}

#[tokio::test]
async fn a_block_before_the_first_message_holds() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    assert_eq!(block(&alice, 0, "2").await.0, 200);
    Senders::open(&world, &bob).await.are_refused(&bob, None).await;
    let (status, body) = bob.ask(1, "/api/v1/rooms", &json!({"is_private": true, "username": "alice"})).await;
    assert_eq!((status, body), (403, json!({"error": "This user has blocked you"})));
    assert_eq!(alice.get_json(0, "/api/v1/rooms").await.as_array().expect("a list").len(), 1, "no room was made");
    // The user who blocks may open it, and stays protected there.
    let room = alice.open_direct(0, "bob").await;
    alice.send(0, &room_id(room), "hello").await;
    Senders::open(&world, &bob).await.are_refused(&bob, Some(room)).await;
    world.stop().await;
}

#[tokio::test]
async fn both_may_block_each_other_and_lift_it_apart() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = room_id(alice.open_direct(0, "bob").await);
    let are_open = async || {
        let mut open = [false; 2];
        for (user, open) in [&alice, &bob].into_iter().zip(&mut open) {
            *open = user.try_send(0, &room, "x").await.expect("answered").status() == 200;
        }
        open
    };
    assert_eq!(block(&alice, 0, "2").await.0, 200);
    assert_eq!(are_open().await, [true, false]);
    assert_eq!(block(&bob, 1, "1").await.0, 200);
    assert_eq!(are_open().await, [false, false]);
    assert_eq!(unblock(&alice, 1, BOB).await.0, 200);
    assert_eq!(are_open().await, [false, true]);
    assert_eq!(unblock(&bob, 0, ALICE).await.0, 200);
    assert_eq!(are_open().await, [true, true]);
    world.stop().await;
}

#[tokio::test]
async fn a_message_of_before_the_block_is_still_answered_to_its_retry() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = room_id(alice.open_direct(0, "bob").await);
    let send = async |id: &str| {
        let body = json!({"message_type": "text", "content": "x", "client_id": id});
        answered(bob.post(0, &format!("send?room_id={room}")).json(&body).send().await).await
    };
    let (status, first) = send("first").await;
    assert_eq!(status, 200);
    block(&alice, 0, "2").await;
    assert_eq!(send("first").await, (200, first));
    assert_eq!(send("second").await.0, 403);
    world.stop().await;
}

#[tokio::test]
async fn a_block_that_ended_half_way_is_finished_by_its_retry_and_by_the_next_use_of_the_room() {
    let mut world = World::start(1).await;
    let room = {
        let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
        let room = alice.open_direct(0, "bob").await;
        // The node failed behind its first write: the room has no copy.
        let key = format!("{}{{u:1}}:blocks", world.config.redis.prefix);
        let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
        redis::cmd("ZADD").arg(key).arg(1).arg(2).exec(&mut redis).expect("added");
        assert_eq!(bob.try_send(0, &room_id(room), "x").await.expect("answered").status(), 200);
        assert_eq!(block(&alice, 0, "2").await.0, 200);
        assert_eq!(bob.try_send(0, &room_id(room), "x").await.expect("answered").status(), 403);
        let key = format!("{}{{r:{room}}}", world.config.redis.prefix);
        redis::cmd("HDEL").arg(key).arg("blocked:2").exec(&mut redis).expect("removed");
        room
    };
    world.add_node().await;
    let bob = world.log_in(1, "bob", "your_strong_password").await;
    // By its users, which makes a node look the room up.
    assert_eq!(
        bob.ask(1, "/api/v1/chat/message", &json!({"type": "text", "content": "x", "receiver_id": "1"})).await.0,
        403
    );
    assert_eq!(bob.try_send(1, &room_id(room), "x").await.expect("answered").status(), 403);
    world.stop().await;
}

#[tokio::test]
async fn a_blocked_user_adds_to_no_room_and_is_not_seen_typing() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let direct = alice.open_direct(0, "bob").await;
    let group = bob.make_group(1, "trap", &[]).await;
    let public = bob.make_room(1, "open trap").await;
    block(&alice, 0, "2").await;
    let path = format!("/api/v1/rooms/{group}/members");
    let (status, body) = bob.ask(1, &path, &json!({"username": "alice"})).await;
    assert_eq!((status, body), (403, json!({"error": "This user has blocked you", "code": "blocked"})));
    let (status, body) =
        bob.ask(1, &format!("/api/v1/group/{}/members", room_id(group)), &json!({"user_id": "1"})).await;
    assert_eq!((status, &body["error"]), (403, &json!("对方已将你屏蔽")), "{body}");
    let number = public.parse::<chinwag::domain::RoomId>().expect("an id").number();
    assert_eq!(bob.ask(1, &format!("/api/v1/rooms/{number}/members"), &json!({"username": "alice"})).await.0, 403);
    // Whoever is not blocked may.
    let carol = world.user(0, "carol").await;
    let (status, _) = bob.ask(1, &path, &json!({"username": "carol"})).await;
    assert_eq!(status, 201);
    bob.at(1, Method::PUT, &format!("{path}/3")).json(&json!({"role": "admin"})).send().await.expect("answered");
    assert_eq!(carol.ask(0, &path, &json!({"username": "alice"})).await.0, 201);

    let mut heard = world.webchat(0, &alice, "ext=1").await;
    let mut typist = world.webchat(1, &bob, "ext=1").await;
    for room in [direct, group] {
        typist.send(&json!({"type": "typing", "payload": {"room_id": room, "ref": "r"}})).await;
        typist.next_of("done").await;
    }
    assert_eq!(heard.next_of("typing").await["payload"]["room_id"], group, "not the direct room");
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_blocked_is_refused() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    for (other, status, code) in [
        ("1", 400, "invalid"),
        ("0", 404, "user_not_found"),
        ("77", 404, "user_not_found"),
        ("-1", 404, "user_not_found"),
        ("bob", 404, "user_not_found"),
        ("18446744073709551616", 404, "user_not_found"),
    ] {
        let (found, body) = block(&alice, 0, other).await;
        assert_eq!((found, &body["code"]), (status, &json!(code)), "{other}");
    }
    // To unblock somebody who is not blocked succeeds, but these are no ids of users.
    for nobody in ["-1", "bob", "9223372036854775808", "18446744073709551615", "18446744073709551616"] {
        let path = format!("/api/v1/me/blocks/{nobody}");
        let (status, body) = answered(alice.at(0, Method::DELETE, &path).send().await).await;
        assert_eq!((status, &body["code"]), (404, &json!("user_not_found")), "{nobody}");
    }
    let key = format!("{}{{u:1}}:blocks", world.config.redis.prefix);
    let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    let mut command = redis::cmd("ZADD");
    command.arg(key);
    for user in 1000..2000 {
        command.arg(1).arg(user);
    }
    command.exec(&mut redis).expect("added");
    world.user(0, "bob").await;
    let (status, body) = block(&alice, 0, "2").await;
    assert_eq!((status, &body["code"]), (409, &json!("too_many_blocked")));
    world.stop().await;
}

#[tokio::test]
async fn strangers_add_nobody_where_only_acquaintances_may() {
    let known = |config: &mut chinwag::config::Config| config.privacy.adding = Adding::Known;
    let world = World::start_with(2, shared_redis(), known).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = bob.make_group(1, "a", &[]).await;
    let add = async || bob.ask(1, &format!("/api/v1/rooms/{group}/members"), &json!({"username": "alice"})).await;
    let (status, body) = add().await;
    assert_eq!((status, &body["code"]), (403, &json!("unacquainted")), "the global room does not count");
    let direct = bob.open_direct(1, "alice").await;
    bob.send(1, &room_id(direct), "hello").await;
    assert_eq!(add().await.0, 403, "nor does a direct room that the other has not written in");
    alice.send(0, &room_id(direct), "who are you?").await;
    assert_eq!(add().await.0, 201);

    let carol = world.user(0, "carol").await;
    let other = carol.make_group(0, "b", &[]).await;
    let path = format!("/api/v1/rooms/{other}/members");
    assert_eq!(carol.ask(0, &path, &json!({"username": "alice"})).await.0, 403);
    let public = alice.make_room(0, "lobby").await;
    ok(carol.post(0, &format!("rooms/{public}/join")).send().await).await;
    assert_eq!(carol.ask(0, &path, &json!({"username": "alice"})).await.0, 201);
    block(&alice, 0, "3").await;
    assert_eq!(carol.ask(0, &path, &json!({"username": "alice"})).await.0, 403);
    world.stop().await;
}

#[tokio::test]
async fn blocks_cost_sends_nothing() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = room_id(alice.open_direct(0, "bob").await);
    block(&bob, 0, "1").await;
    let mut cost = redis.cost(&bob, async || drop(bob.send(0, &room, "x").await)).await;
    assert!(cost.commands.remove("pexpire").unwrap_or(0) <= 1);
    let inside =
        [("hmget", 1), ("time", 1), ("get", 1), ("set", 1), ("zscore", 1), ("xadd", 1), ("hset", 1), ("publish", 1)];
    let mut expected = crate::budgets::only(&inside);
    expected.extend(crate::budgets::only(&[("evalsha", 1)]));
    assert_eq!((cost.commands, cost.round_trips), (expected, 1));
    world.stop().await;
}
