//! Names of users: none deceives, those that people have are accepted, and accounts of earlier versions still work.

mod earlier;
mod honest;
mod hostile;

use std::collections::HashMap;

use chinwag::domain::{SYSTEM_NAME, UserName, looks};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unicode_security::skeleton;

use crate::name_search::encoded;
use crate::support::{User, World, answered, unique};

const PASSWORD: &str = "your_strong_password";

async fn register(world: &World, node: usize, name: &str) -> u16 {
    let body = json!({"username": name, "password": PASSWORD});
    answered(world.client.post(world.url(node, "/api/v1/auth/register")).json(&body).send().await).await.0
}

async fn register_001(world: &World, name: &str) -> u16 {
    let body = json!({"username": name, "email": format!("{}@example.com", unique("a")), "password": PASSWORD});
    answered(world.client.post(world.url(0, "/api/v1/register")).json(&body).send().await).await.0
}

async fn rename(world: &World, user: &User<'_>, name: &str) -> (u16, Value) {
    let request = world.client.put(world.url(0, "/api/v1/user/profile")).bearer_auth(&user.token);
    answered(request.json(&json!({"username": name})).send().await).await
}

#[test]
fn no_hostile_name_is_accepted() {
    let mut tried = 0;
    let mut accepted = Vec::new();
    for (class, names) in hostile::tables() {
        assert!(names.len() >= 100, "{class}: {}", names.len());
        tried += names.len();
        let wrongly = names.iter().filter(|name| UserName::parse(name).is_ok_and(|name| !name.is_reserved()));
        accepted.extend(wrongly.map(|name| format!("{class}: {name} {}", name.escape_unicode())));
    }
    assert!(UserName::parse(SYSTEM_NAME).is_ok_and(|name| name.is_reserved()));
    println!("{tried} hostile names, {} wrongly accepted", accepted.len());
    assert_eq!(accepted, [""; 0]);
    assert!(tried >= 5000, "{tried}");
}

#[test]
fn no_look_alike_is_accepted_beside_its_name() {
    let pairs = hostile::look_alikes();
    let is_refused = |(name, like): &&(String, String)| {
        let Ok(like) = UserName::parse(like) else { return true };
        // Some are normalised to another letter, and shown as that.
        let is_other = skeleton(like.as_str()).ne(skeleton(name));
        let taken = looks(name);
        looks(like.as_str()).iter().any(|look| taken.contains(look)) || is_other
    };
    let accepted: Vec<_> = pairs.iter().filter(|pair| !is_refused(pair)).collect();
    println!("{} look-alikes, {} wrongly accepted", pairs.len(), accepted.len());
    assert!(accepted.is_empty(), "{accepted:?}");
    assert!(pairs.len() >= 2000, "{}", pairs.len());
}

#[test]
fn honest_names_are_accepted_and_none_looks_like_another() {
    let names = honest::names();
    assert!(names.len() >= 300, "{}", names.len());
    let mut refused = Vec::new();
    let mut holders: HashMap<String, &str> = HashMap::new();
    for name in &names {
        match UserName::parse(name) {
            Ok(parsed) if parsed.is_reserved() => refused.push(format!("{name} is reserved")),
            Ok(parsed) => {
                for look in looks(parsed.as_str()) {
                    if let Some(other) = holders.insert(look, name).filter(|other| other != name) {
                        refused.push(format!("{name} looks like {other}"));
                    }
                }
            }
            Err(_) => refused.push(format!("{name} {}", name.escape_unicode())),
        }
    }
    assert_eq!(refused, [""; 0]);
}

#[tokio::test]
async fn honest_names_register_and_log_in_and_hostile_ones_do_neither() {
    let world = World::start(1).await;
    for name in honest::names().into_iter().step_by(4) {
        assert_eq!(register(&world, 0, name).await, 201, "{name}");
        world.log_in(0, name, PASSWORD).await;
    }
    for (class, names) in hostile::tables() {
        for name in names.iter().step_by(names.len() / 25) {
            let status = register(&world, 0, name).await;
            assert!(matches!(status, 400 | 409), "{class}: {name} {} {status}", name.escape_unicode());
            assert_eq!(register_001(&world, name).await, 400, "{class}: {name} {}", name.escape_unicode());
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn look_alikes_of_a_user_are_taken_on_every_node_and_for_renames() {
    let world = World::start(2).await;
    world.user(0, "Alice").await;
    let bob = world.user(0, "bob").await;
    let likes = ["AIice", "A1ice", "aIice", "ALlCE", "Alıce", "alice", "A|ice", "Ａlice"];
    for (index, like) in likes.into_iter().enumerate() {
        assert_eq!(register(&world, index % 2, like).await, 409, "{like}");
        assert_eq!(register_001(&world, like).await, 400, "{like}");
        let (status, body) = rename(&world, &bob, like).await;
        assert_eq!((status, &body["error"]), (400, &json!("用户名已存在")), "{like}");
    }
    assert_eq!(register(&world, 0, "ВОВ").await, 409, "Cyrillic BOB");
    assert_eq!(register(&world, 0, "Alicia").await, 201);
    // One's own name may change within its look-alikes.
    assert_eq!(rename(&world, &bob, "Bob").await.0, 200);
    assert_eq!(rename(&world, &bob, "B0B").await.0, 200);
    assert_eq!(register(&world, 1, "bob").await, 409);
    world.stop().await;
}

#[tokio::test]
async fn of_many_look_alikes_at_once_one_is_registered() {
    let world = World::start(2).await;
    for round in 0..5 {
        let names = ["Bill", "BiII", "Bi11", "BilI", "BIll", "BI11", "bi|l", "Bil1"];
        let tries = names.iter().enumerate().map(|(index, name)| {
            let (world, name) = (&world, format!("{name} {round}"));
            async move { register(world, index % 2, &name).await }
        });
        let statuses = join_all(tries).await;
        assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
        assert!(statuses.iter().filter(|status| **status == 201).count() <= 1, "{statuses:?}");
        // Whoever lost left nothing behind: the name is either held or free.
        let is_held = statuses.contains(&201);
        assert_eq!(register(&world, 0, &format!("Bill {round}")).await, if is_held { 409 } else { 201 });
    }
    world.stop().await;
}

#[tokio::test]
async fn a_name_that_is_given_up_is_free_with_all_that_looks_like_it() {
    let world = World::start(1).await;
    let alice = world.user(0, "Alice").await;
    assert_eq!(rename(&world, &alice, "Zoe").await.0, 200);
    assert_eq!(register(&world, 0, "AIice").await, 201);
    assert_eq!(register(&world, 0, "Alice").await, 409);
    assert_eq!(rename(&world, &alice, "Alice").await.0, 400);
    assert_eq!(register(&world, 0, "Z0e").await, 409, "the refused change gave nothing up");
    world.stop().await;
}

#[tokio::test]
async fn spaces_around_a_name_count_nowhere() {
    let world = World::start(1).await;
    assert_eq!(register(&world, 0, " Alice ").await, 201);
    assert_eq!(register(&world, 0, "Alice\u{3000}").await, 409);
    let bob = world.user(0, "bob").await;
    for name in ["Alice ", " alice", "\u{a0}ALICE\u{2003}", "Ａｌｉｃｅ ", "Alice\n"] {
        world.log_in(0, name, PASSWORD).await;
        let body = json!({"email": name, "password": PASSWORD});
        let login = world.client.post(world.url(0, "/api/v1/login")).json(&body).send().await;
        assert_eq!(answered(login).await.0, 200, "{name:?}");
        bob.open_direct(0, name).await;
        bob.make_group(0, "a group", &[name]).await;
        let found: Value = bob.get_json(0, &format!("/api/v1/search?kind=user&q={}", encoded(name))).await;
        assert_eq!(found[0]["username"], "Alice", "{name:?}");
    }
    world.stop().await;
}
