//! Accounts and tokens across nodes.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{World, eventually};

#[tokio::test]
async fn a_user_registers_once_and_logs_in_on_any_node() {
    let world = World::start(2).await;
    world.user(0, "张三").await;

    let again = json!({"username": "张三", "password": "your_strong_password"});
    let answer = world.client.post(world.url(1, "/api/v1/auth/register")).json(&again).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({"error": "Username already exists"}));

    let user = world.log_in(1, "张三", "your_strong_password").await;
    user.read(0, "stats").await;
    world.stop().await;
}

#[tokio::test]
async fn one_of_many_who_want_a_name_gets_it() {
    let world = World::start(2).await;
    let tries = (0..20).map(|index| {
        let name = if index % 2 == 0 { "Straße" } else { "STRASSE" };
        let body = json!({"username": name, "password": "your_strong_password"});
        world.client.post(world.url(index % 2, "/api/v1/auth/register")).json(&body).send()
    });
    let answers = futures_util::future::join_all(tries).await;
    let statuses: Vec<u16> = answers.into_iter().map(|answer| answer.expect("answered").status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 19, "{statuses:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_password_change_and_a_ban_end_tokens_on_every_node() {
    let world = World::start(2).await;
    let user = world.user(0, "bob").await;

    world.set_password("BOB", "another password").await.expect("changed");
    for node in 0..2 {
        eventually("the old token is refused", async || {
            let answer = user.get(node, "stats").send().await.expect("answered");
            answer.status() == StatusCode::UNAUTHORIZED
        })
        .await;
    }
    let user = world.log_in(1, "bob", "another password").await;
    user.read(0, "stats").await;
    user.read(1, "stats").await;

    world.set_banned("bob", true).await;
    for node in 0..2 {
        eventually("the banned user is refused", async || {
            let answer = user.get(node, "stats").send().await.expect("answered");
            answer.status() == StatusCode::UNAUTHORIZED
        })
        .await;
    }
    let body = json!({"username": "bob", "password": "another password"});
    let answer = world.client.post(world.url(0, "/api/v1/auth/login")).json(&body).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    world.set_banned("bob", false).await;
    world.log_in(0, "bob", "another password").await.read(1, "stats").await;
    world.stop().await;
}

#[tokio::test]
async fn a_node_that_starts_later_knows_the_revocations() {
    let mut world = World::start(1).await;
    let token = world.user(0, "carol").await.token;
    world.set_banned("carol", true).await;
    world.add_node().await;
    let url = world.url(1, "/api/chat/stats");
    let answer = world.client.get(url).bearer_auth(token).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    world.stop().await;
}
