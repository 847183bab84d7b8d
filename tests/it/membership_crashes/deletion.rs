//! Deletions of accounts that end half-way: the account is either as it was or, once a node has done its housekeeping, gone.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DOOMED, SURVIVOR, Setting};
use crate::support::{User, World, administration, answered, eventually, ok, room_id};

async fn sign_in(world: &World, path: &str, name: &str) -> u16 {
    let body = json!({"username": name, "password": "your_strong_password"});
    let url = world.url(SURVIVOR, &format!("/api/v1/auth/{path}"));
    world.client.post(url).json(&body).send().await.expect("answered").status().as_u16()
}

async fn status(user: &User<'_>) -> u16 {
    user.get(SURVIVOR, "stats").send().await.expect("answered").status().as_u16()
}

/// The user's number.
async fn number(user: &User<'_>) -> u64 {
    user.get_json(SURVIVOR, "/api/v1/me").await["id"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_survives_every_crash() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let alice = world.user(SURVIVOR, "alice").await;
    let mut config = world.config.clone();
    config.redis.url = setting.redis.url();
    let administration = administration(&config).await;
    let public = alice.make_room(SURVIVOR, "public").await;
    let public_number = public.parse::<chinwag::domain::RoomId>().expect("an id").number().into();
    let mut crashes = 0;
    loop {
        let name = format!("bob{crashes}");
        let bob = world.user(SURVIVOR, &name).await;
        let id = number(&bob).await;
        let group = alice.make_group(SURVIVOR, &name, &[&name]).await;
        let direct = bob.open_direct(SURVIVOR, "alice").await;
        ok(bob.post(SURVIVOR, &format!("rooms/{public}/join")).send().await).await;
        bob.send(SURVIVOR, &room_id(group), "hello").await;

        setting.crash_after(crashes).await;
        let request = bob.at(DOOMED, Method::DELETE, "/api/v1/me").json(&json!({"password": "your_strong_password"}));
        let (answer, _): (u16, Value) = answered(request.send().await).await;
        let has_crashed = setting.proxy.restore().await;
        println!("cut after {crashes} commands: {answer}, {has_crashed}");
        assert!(answer == 200 || has_crashed, "{answer}");

        // What is noted counts as old.
        let noted: Vec<u64> = redis::cmd("ZRANGE")
            .arg(setting.key("deleting"))
            .arg(0)
            .arg(-1)
            .query(&mut setting.redis.connection())
            .expect("a set");
        for user in noted {
            setting.run(redis::cmd("ZADD").arg(setting.key("deleting")).arg(1).arg(user));
        }
        administration.accounts().housekeeping().await.expect("done");
        let left: u64 =
            redis::cmd("EXISTS").arg(setting.key("deleting")).query(&mut setting.redis.connection()).expect("a number");
        assert_eq!(left, 0, "no note is left");

        let is_alive = sign_in(world, "login", &name).await == 200;
        for room in [group, direct, public_number, 1] {
            assert_eq!(setting.is_member(room, id), is_alive, "room {room} after {crashes} commands");
        }
        assert_eq!(sign_in(world, "register", &name).await, 409, "the name stays taken");
        if is_alive {
            assert_eq!(status(&bob).await, 200);
        } else {
            eventually("the token ends", async || status(&bob).await == 401).await;
            let page = format!("messages?room_id={}&limit=100", room_id(group));
            eventually("the name is replaced", async || !alice.read(SURVIVOR, &page).await.to_string().contains(&name))
                .await;
        }
        if !has_crashed {
            assert!(!is_alive);
            break;
        }
        assert!(is_alive || crashes > 0, "nothing was done");
        crashes += 1;
    }
    assert!(crashes > 10, "{crashes}");
    setting.world.stop().await;
}
