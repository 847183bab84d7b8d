//! Revocation of tokens: one of them, all of them, all but a new one.

use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::bad_input::{claims, sign};
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::{User, World, answered, eventually};

async fn status(user: &User<'_>, node: usize) -> u16 {
    user.get(node, "stats").send().await.expect("answered").status().as_u16()
}

/// Waits until a token is refused on a node.
async fn ends(user: &User<'_>, node: usize) {
    eventually("the token ends", async || status(user, node).await == 401).await;
}

async fn log_out(user: &User<'_>, node: usize, body: Option<Value>) -> (u16, Value) {
    let request = user.at(node, Method::POST, "/api/v1/auth/logout");
    answered(if let Some(body) = body { request.json(&body) } else { request }.send().await).await
}

async fn sessions(user: &User<'_>) -> Vec<Value> {
    user.get_json(0, "/api/v1/me/sessions").await.as_array().expect("a list").clone()
}

pub async fn open(world: &World, node: usize, token: &str) -> RawSocket {
    RawSocket::connect(&world.base(node)).await.open(&format!("/ws?token={token}"), "").await.expect("open")
}

async fn is_closed(socket: &mut RawSocket) -> bool {
    matches!(socket.next().await, Incoming::Close(Some(1008), _))
}

async fn pongs(socket: &mut RawSocket) -> bool {
    socket.send_text(r#"{"type":"ping"}"#).await;
    matches!(socket.next().await, Incoming::Text(frame) if frame["type"] == "pong")
}

#[tokio::test]
async fn a_log_out_ends_one_token_and_its_sockets_on_every_node() {
    let mut world = World::start(2).await;
    let (phone, laptop) =
        (world.user(0, "alice").await.token, world.log_in(0, "alice", "your_strong_password").await.token);
    let (mut here, mut there) = (open(&world, 0, &phone).await, open(&world, 1, &phone).await);
    let mut other = open(&world, 1, &laptop).await;
    let user = |token: &str| User::new(&world, "alice", token);
    assert_eq!(status(&user(&phone), 1).await, 200);

    assert_eq!(log_out(&user(&phone), 0, None).await, (200, json!({"message": "Logged out"})));

    assert_eq!(status(&user(&phone), 0).await, 401, "at once on the node that ended it");
    ends(&user(&phone), 1).await;
    assert!(is_closed(&mut here).await && is_closed(&mut there).await);
    assert!(pongs(&mut other).await);
    assert_eq!((status(&user(&laptop), 0).await, status(&user(&laptop), 1).await), (200, 200));
    let again = log_out(&user(&phone), 1, None).await;
    assert_eq!(again, (401, json!({"error": "Invalid or missing token", "code": "unauthenticated"})));
    world.add_node().await;
    assert_eq!(status(&User::new(&world, "alice", &phone), 2).await, 401, "a node that starts later knows it");
    world.stop().await;
}

#[tokio::test]
async fn a_token_without_an_id_ends_alone_too() {
    let world = World::start(2).await;
    world.user(0, "alice").await;
    let secret = world.config.auth.jwt_secret.expose_secret();
    let sign = |ahead_secs: i64| {
        let mut claims = claims();
        claims["exp"] = (claims["exp"].as_i64().expect("a time") - ahead_secs).into();
        User::new(&world, "alice", &sign(&claims, jsonwebtoken::Algorithm::HS256, secret))
    };
    let (one, other) = (sign(0), sign(1));
    assert_eq!((status(&one, 1).await, status(&other, 1).await), (200, 200));
    assert_eq!(log_out(&one, 0, Some(json!({}))).await.0, 200);
    ends(&one, 1).await;
    assert_eq!(status(&other, 1).await, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_log_out_everywhere_ends_all_tokens_of_the_user_alone() {
    let world = World::start(2).await;
    let (one, other) = (world.user(0, "alice").await, world.log_in(1, "alice", "your_strong_password").await);
    let bob = world.user(0, "bob").await;
    assert_eq!(log_out(&one, 0, Some(json!({"everywhere": true}))).await.0, 200);
    for user in [&one, &other] {
        ends(user, 0).await;
        ends(user, 1).await;
    }
    assert_eq!(status(&bob, 1).await, 200);
    assert_eq!(status(&world.log_in(1, "alice", "your_strong_password").await, 0).await, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_log_out_refuses_what_it_does_not_understand() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    for body in [json!({"everywhere": "yes"}), json!([]), json!("x")] {
        assert_eq!(log_out(&alice, 0, Some(body.clone())).await.0, 400, "{body}");
    }
    for body in [json!({"everywhere": null}), json!({"everywhere": false, "more": 1})] {
        let user = world.log_in(0, "alice", "your_strong_password").await;
        assert_eq!(log_out(&user, 0, Some(body.clone())).await.0, 200, "{body}");
        assert_eq!(status(&user, 0).await, 401);
    }
    assert_eq!(status(&alice, 0).await, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_user_sees_log_ins_and_ends_them() {
    let world = World::start(2).await;
    let (phone, laptop) = (world.user(0, "alice").await, world.log_in(1, "alice", "your_strong_password").await);
    let bob = world.user(0, "bob").await;
    let list = sessions(&laptop).await;
    let flags: Vec<_> = list.iter().map(|it| (it["current"].clone(), it["active"].clone())).collect();
    assert_eq!(flags, [(json!(true), json!(true)), (json!(false), json!(true))]);
    assert!(list.iter().all(|it| it["ip"] == "127.0.0.1" && it["created_at"].is_string()), "{list:?}");

    let end = async |user: &User<'_>, id: &str| {
        let path = format!("/api/v1/me/sessions/{id}");
        answered(user.at(0, Method::DELETE, &path).send().await).await
    };
    let id = list[1]["id"].as_str().expect("an id");
    for id in ["x", "0000000000000000", id] {
        assert_eq!(end(&bob, id).await, (404, json!({"error": "Not found", "code": "not_found"})), "{id}");
    }
    assert_eq!(status(&phone, 0).await, 200);
    assert_eq!(end(&laptop, id).await, (200, json!({"message": "Session ended"})));
    assert_eq!(end(&laptop, id).await.0, 200, "again");
    ends(&phone, 0).await;
    ends(&phone, 1).await;
    let active: Vec<_> = sessions(&laptop).await.iter().map(|it| it["active"].clone()).collect();
    assert_eq!(active, [json!(true), json!(false)]);
    world.stop().await;
}

#[tokio::test]
async fn the_list_of_log_ins_is_bounded() {
    let world = World::start(1).await;
    let mut user = world.user(0, "alice").await;
    for _ in 0..101 {
        user = world.log_in(0, "alice", "your_strong_password").await;
    }
    let list = sessions(&user).await;
    assert_eq!((list.len(), &list[0]["current"]), (100, &json!(true)));
    world.stop().await;
}

#[tokio::test]
async fn a_new_password_ends_all_tokens_and_gives_a_new_one() {
    let world = World::start(2).await;
    let (one, other) = (world.user(0, "alice").await, world.log_in(1, "alice", "your_strong_password").await);
    let change = async |user: &User<'_>, body: Value| {
        answered(user.at(0, Method::PUT, "/api/v1/me/password").json(&body).send().await).await
    };
    let wrong = (403, json!({"error": "Wrong password", "code": "wrong_password"}));
    for old in ["passwort", "", "x", &"x".repeat(100)] {
        assert_eq!(change(&one, json!({"old": old, "new": "new password"})).await, wrong, "{old:?}");
    }
    for (body, field) in [
        (json!({"new": "new password"}), "old"),
        (json!({"old": "your_strong_password"}), "new"),
        (json!({"old": "your_strong_password", "new": null}), "new"),
        (json!({"old": "your_strong_password", "new": "short"}), "password"),
        (json!({"old": "your_strong_password", "new": "x".repeat(72)}), "password"),
    ] {
        let (status, answer) = change(&one, body.clone()).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{body}: {answer}");
    }
    assert_eq!(status(&other, 0).await, 200, "a refusal ends nothing");

    let (code, answer) = change(&one, json!({"old": "your_strong_password", "new": "new password"})).await;
    assert_eq!((code, answer.as_object().map(|it| it.len())), (200, Some(1)), "{answer}");
    let new = User::new(&world, "alice", answer["token"].as_str().expect("a token"));
    assert_eq!((status(&new, 0).await, status(&new, 1).await), (200, 200));
    for user in [&one, &other] {
        ends(user, 0).await;
        ends(user, 1).await;
    }
    assert_eq!((status(&new, 0).await, status(&new, 1).await), (200, 200));
    assert!(sessions(&new).await[0]["current"].as_bool().expect("a flag"));
    let old = json!({"username": "alice", "password": "your_strong_password"});
    let answer = world.client.post(world.url(1, "/api/v1/auth/login")).json(&old).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    world.log_in(1, "alice", "new password").await;
    world.stop().await;
}

#[tokio::test]
async fn of_two_changes_of_a_password_at_once_one_wins() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let change = |number: usize| {
        let body = json!({"old": "your_strong_password", "new": format!("password {number}")});
        alice.at(number % 2, Method::PUT, "/api/v1/me/password").json(&body).send()
    };
    let answers = futures_util::future::join_all((0..6).map(change)).await;
    let statuses: Vec<u16> = answers.iter().map(|it| it.as_ref().expect("answered").status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 401 | 403)), "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 200).expect("one");
    world.log_in(0, "alice", &format!("password {winner}")).await;
    world.stop().await;
}
