//! Users who were removed from a public room stay out until somebody adds them, whatever they attempt and through
//! whichever document. Roles count as long as their holder is a member.

use chinwag::domain::RoomId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{Redis, User, World, answered};

/// The text that document 000 has for every room that one may not write to.
const NOT_A_MEMBER: &str = "Room not found or you are not a member.";
const NO_RIGHT: &str = "没有执行该操作的权限";

/// The number of a room.
fn number(room: &str) -> u64 {
    room.parse::<RoomId>().expect("an id").number().into()
}

async fn change(user: &User<'_>, method: Method, room: &str, member: &str, body: Value) -> u16 {
    let path = format!("/api/v1/rooms/{}/members{member}", number(room));
    answered(user.at(0, method, &path).json(&body).send().await).await.0
}

async fn add(user: &User<'_>, room: &str, name: &str) -> u16 {
    change(user, Method::POST, room, "", json!({"username": name})).await
}

async fn remove(user: &User<'_>, room: &str, member: u64) -> u16 {
    change(user, Method::DELETE, room, &format!("/{member}"), Value::Null).await
}

async fn members(user: &User<'_>, room: &str) -> Vec<String> {
    let list = user.get_json(0, &format!("/api/v1/rooms/{}/members", number(room))).await;
    let names = list.as_array().expect("a list").iter().map(|member| member["username"].as_str());
    names.map(|name| name.expect("text").to_owned()).collect()
}

/// Every way to enter a room by oneself, over HTTP: status and body.
async fn entries(user: &User<'_>, node: usize, room: &str) -> Vec<(u16, Value)> {
    let own_name = json!({"username": user.name});
    let own_id = json!({"user_id": "2"});
    let text = json!({"message_type": "text", "content": "x"});
    let enveloped = json!({"type": "text", "content": "x", "group_id": room});
    let form = || reqwest::multipart::Form::new();
    let file = reqwest::multipart::Part::bytes(b"text".to_vec()).file_name("a.txt");
    let upload = form().part("file", file).text("room_id", room.to_owned());
    let requests = [
        user.post(node, &format!("send?room_id={room}")).json(&text),
        user.post(node, &format!("send?room_id={room}")).header("Idempotency-Key", "retried").json(&text),
        user.post(node, "upload").multipart(upload),
        user.post(node, &format!("rooms/{room}/join")),
        user.at(node, Method::POST, "/api/v1/chat/message").json(&enveloped),
        user.at(node, Method::POST, &format!("/api/v1/group/{room}/members")).json(&own_id),
        user.at(node, Method::POST, &format!("/api/v1/rooms/{}/members", number(room))).json(&own_name),
    ];
    let mut answers = Vec::new();
    for request in requests {
        answers.push(answered(request.send().await).await);
    }
    answers
}

/// The refusals of the sockets, each as its reason.
async fn refusals(world: &World, user: &User<'_>, node: usize, room: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut webchat = world.webchat(node, user, "ext=1").await;
    for kind in ["send_message", "join_room"] {
        let payload = json!({"room_id": number(room), "content": "x"});
        webchat.send(&json!({"type": kind, "payload": payload})).await;
        let payload = webchat.next_of("error").await["payload"].take();
        assert_eq!(payload["code"], "removed", "{payload}");
        reasons.push(payload["message"].clone());
    }
    let mut one = async |mut socket: Socket, frame: Value, field: &str| {
        socket.send(&frame).await;
        reasons.push(socket.next().await[field].take());
    };
    let frame = json!({"type": "text", "content": "x", "group_id": room});
    one(world.envelope(node, user).await, frame, "error").await;
    let frame = json!({"type": "chat", "chat_type": "room", "receiver_id": number(room), "content": "x"});
    one(world.messenger(node, user).await, frame, "message").await;
    let frame = json!({"type": "text", "content": "x", "receiverId": room});
    one(world.imtypes(node, user, "").await, frame, "content").await;
    reasons.iter().map(|reason| reason.as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn removed_users_stay_out_of_a_public_room_until_somebody_adds_them() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_room(0, "square").await;
    for user in [&bob, &carol] {
        user.send(1, &room, "joins").await;
    }
    assert_eq!(remove(&alice, &room, 2).await, 200);
    for node in [0, 1] {
        for (status, body) in entries(&bob, node, &room).await {
            assert_eq!(status, 403, "{body}");
        }
        let expected = [NOT_A_MEMBER, NOT_A_MEMBER, NO_RIGHT, NO_RIGHT, NO_RIGHT];
        assert_eq!(refusals(&world, &bob, node, &room).await, expected);
    }
    assert_eq!(members(&alice, &room).await, ["alice", "carol"]);
    assert_eq!(add(&bob, &room, "carol").await, 403, "who is out adds nobody");
    assert_eq!(bob.texts(0, &format!("room_id={room}&limit=1")).await.len(), 1, "but reads what everyone may");
    assert_eq!(remove(&alice, &room, 2).await, 404, "there is nobody to remove any more");

    assert_eq!(add(&carol, &room, "bob").await, 201, "any member brings them back");
    bob.send(1, &room, "back").await;
    bob.post(0, &format!("rooms/{room}/leave")).send().await.expect("answered");
    bob.send(0, &room, "leaving is no removal").await;
    world.stop().await;
}

#[tokio::test]
async fn leaving_first_does_not_avoid_a_removal() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "square").await;
    bob.send(0, &room, "hit").await;
    bob.post(0, &format!("rooms/{room}/leave")).send().await.expect("answered");
    assert_eq!(remove(&bob, &room, 1).await, 403, "only the owner and admins keep others out");
    assert_eq!(remove(&alice, &room, 2).await, 200);
    let before = alice.texts(0, &format!("room_id={room}")).await;
    assert_eq!(bob.try_send(0, &room, "run").await.expect("answered").status(), 403);
    assert_eq!(alice.texts(0, &format!("room_id={room}")).await, before, "a refused message leaves no trace");
    assert_eq!(remove(&alice, &room, 77).await, 404, "there is no such user");
    world.stop().await;
}

#[tokio::test]
async fn a_retry_of_a_message_from_before_the_removal_stores_nothing_again() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "square").await;
    let send = async || {
        let body = json!({"message_type": "text", "content": "once", "client_id": "a"});
        answered(bob.post(0, &format!("send?room_id={room}")).json(&body).send().await).await
    };
    let first = send().await;
    assert_eq!(first.0, 200);
    assert_eq!(remove(&alice, &room, 2).await, 200);
    assert_eq!(send().await, first, "the message is stored, and the answer says so");
    assert_eq!(members(&alice, &room).await, ["alice"]);
    world.stop().await;
}

#[tokio::test]
async fn an_owner_who_left_a_public_room_has_no_power_there() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let carol = world.user(0, "carol").await;
    let room = alice.make_room(0, "square").await;
    let sent = bob.send(0, &room, "hello").await["id"].as_str().expect("an id").to_owned();
    carol.send(0, &room, "hello").await;
    assert_eq!(change(&alice, Method::PUT, &room, "/3", json!({"role": "admin"})).await, 200);
    alice.post(0, &format!("rooms/{room}/leave")).send().await.expect("answered");

    let delete = async |user: &User<'_>| {
        let path = format!("messages/{sent}?room_id={room}");
        user.request(0, Method::DELETE, &path).send().await.expect("answered").status().as_u16()
    };
    assert_eq!(delete(&alice).await, 403);
    assert_eq!(remove(&alice, &room, 2).await, 403);
    assert_eq!(change(&alice, Method::PUT, &room, "/2", json!({"role": "admin"})).await, 403);
    assert_eq!(remove(&carol, &room, 1).await, 403, "an admin does not keep the owner out");
    assert_eq!(members(&bob, &room).await, ["bob", "carol"]);
    // Back as a member, the owner may what the owner may.
    alice.send(0, &room, "back").await;
    assert_eq!(delete(&alice).await, 200);
    assert_eq!(remove(&alice, &room, 3).await, 200);
    world.stop().await;
}

#[tokio::test]
async fn an_admin_who_left_comes_back_as_a_member() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    world.user(0, "carol").await.send(0, "global", "x").await;
    let room = alice.make_room(0, "square").await;
    bob.send(0, &room, "hello").await;
    assert_eq!(change(&alice, Method::PUT, &room, "/2", json!({"role": "admin"})).await, 200);
    bob.post(0, &format!("rooms/{room}/leave")).send().await.expect("answered");
    assert_eq!(remove(&bob, &room, 3).await, 403);
    bob.send(0, &room, "back").await;
    assert_eq!(remove(&bob, &room, 3).await, 403);
    world.stop().await;
}

#[tokio::test]
async fn the_list_of_removed_users_is_bounded() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "square").await;
    bob.send(0, &room, "x").await;
    let key = format!("{}{{r:{}}}:removed", world.config.redis.prefix, number(&room));
    let mut connection = redis.connection();
    let mut fill = redis::cmd("ZADD");
    fill.arg(&key);
    for user in 1000..11_000 {
        fill.arg(user).arg(user);
    }
    fill.exec(&mut connection).expect("written");
    assert_eq!(remove(&alice, &room, 2).await, 200);
    let (count, oldest): (u64, Vec<u64>) = redis::pipe()
        .cmd("ZCARD")
        .arg(&key)
        .cmd("ZRANGE")
        .arg(&key)
        .arg(0)
        .arg(0)
        .query(&mut connection)
        .expect("read");
    assert_eq!((count, oldest), (10_000, vec![1001]));
    world.stop().await;
}

#[tokio::test]
async fn users_who_were_removed_from_a_group_are_strangers_to_it() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "group", &["bob"]).await;
    let room = crate::support::room_id(group);
    assert_eq!(remove(&alice, &room, 2).await, 200);
    for (status, body) in entries(&bob, 0, &room).await {
        assert_eq!(status, 404, "a stranger's answer: {body}");
    }
    assert_eq!(remove(&alice, &room, 2).await, 404, "there is nobody to remove any more");
    world.stop().await;
}
