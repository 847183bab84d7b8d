//! Profiles of document 001: names and addresses stay unique, and a new name takes effect everywhere.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{User, World, eventually};

async fn rename(world: &World, node: usize, user: &User<'_>, name: &str) -> u16 {
    let request = world.client.put(world.url(node, "/api/v1/user/profile")).bearer_auth(&user.token);
    request.json(&json!({"username": name})).send().await.expect("answered").status().as_u16()
}

#[tokio::test]
async fn the_next_message_carries_a_new_name_on_every_node_with_the_old_token() {
    let mut world = World::start(2).await;
    let token = world.user(0, "alice").await.token;
    let said = async |world: &World, node: usize| {
        let url = world.url(node, "/api/chat/send");
        let body = json!({"message_type": "text", "content": "x"});
        let answer = world.client.post(url).bearer_auth(&token).json(&body).send().await.expect("answered");
        let message: Value = answer.json().await.expect("JSON");
        message["sender_name"].as_str().expect("a name").to_owned()
    };
    assert_eq!(said(&world, 1).await, "alice");
    let request = world.client.put(world.url(0, "/api/v1/user/profile")).bearer_auth(&token);
    let answer = request.json(&json!({"username": "爱丽丝 Li"})).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(said(&world, 0).await, "爱丽丝 Li", "at once where it was changed");
    eventually("the other node knows the name", async || said(&world, 1).await == "爱丽丝 Li").await;
    world.add_node().await;
    assert_eq!(said(&world, 2).await, "爱丽丝 Li", "a node that starts later knows it, too");
    let history = world.client.get(world.url(2, "/api/chat/messages?limit=100")).bearer_auth(&token).send().await;
    let history: Value = history.expect("answered").json().await.expect("JSON");
    assert_eq!(history.as_array().expect("a list").last().expect("some")["sender_name"], "alice", "the old ones stay");
    world.stop().await;
}

#[tokio::test]
async fn of_many_who_want_a_new_name_one_gets_it() {
    let world = World::start(2).await;
    let mut users = Vec::new();
    for index in 0..8 {
        users.push(world.user(index % 2, &format!("user{index}")).await);
    }
    let tries = users.iter().enumerate().map(|(index, user)| rename(&world, index % 2, user, "king"));
    let statuses = join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
    world.stop().await;
}

#[tokio::test]
async fn one_who_takes_many_names_at_once_ends_with_one_and_frees_the_rest() {
    let world = World::start(2).await;
    let user = world.user(0, "alice").await;
    let names: Vec<String> = (0..8).map(|index| format!("name{index}")).collect();
    let statuses = join_all(names.iter().enumerate().map(|(index, name)| rename(&world, index % 2, &user, name))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let profile = world.client.get(world.url(0, "/api/v1/user/profile")).bearer_auth(&user.token).send().await;
    let profile: Value = profile.expect("answered").json().await.expect("JSON");
    let last = profile["data"]["username"].as_str().expect("a name").to_owned();
    assert!(names.contains(&last), "{last}");
    for (index, name) in names.iter().chain([&"alice".to_owned()]).filter(|name| **name != last).enumerate() {
        world.user(index % 2, name).await; // free again
    }
    world.log_in(0, &last, "your_strong_password").await;
    world.stop().await;
}

#[tokio::test]
async fn of_many_who_register_an_address_one_gets_it_and_no_name_is_lost() {
    let world = World::start(2).await;
    let tries = (0..10).map(|index| {
        let body = json!({"username": format!("user{index}"), "email": "same@example.com", "password": "your_strong_password"});
        world.client.post(world.url(index % 2, "/api/v1/register")).json(&body).send()
    });
    let statuses: Vec<u16> =
        join_all(tries).await.into_iter().map(|answer| answer.expect("answered").status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    for (index, _) in statuses.iter().enumerate().filter(|(_, status)| **status != 200) {
        world.user(0, &format!("user{index}")).await; // the name was released
    }
    world.stop().await;
}
