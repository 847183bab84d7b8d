//! How long files are kept: with their message, or after their last use.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{files, is_stored, upload, upload_picture};
use crate::support::{User, World, bucket, eventually, ok, shared_redis};
use chinwag::conformance::sample;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

async fn start(nodes: usize) -> World {
    World::start_with(nodes, shared_redis(), |config| {
        config.uploads.check_secs = 1;
        config.messages.max_per_room = 3;
    })
    .await
}

async fn status(world: &World, path: &str) -> StatusCode {
    world.client.get(world.url(0, path)).send().await.expect("answered").status()
}

fn key(world: &World, name: &str) -> String {
    format!("{}{{uploads}}:{name}", world.config.redis.prefix)
}

fn redis() -> redis::Connection {
    redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("Redis answers")
}

/// Makes a file look as if it was used so many days ago.
fn age(world: &World, path: &str, days: u64) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let member = path.trim_start_matches("/uploads/");
    let changed: u64 = redis::cmd("ZADD")
        .arg(key(world, "used"))
        .arg("XX")
        .arg("CH")
        .arg(now - days * DAY_MS)
        .arg(member)
        .query(&mut redis())
        .expect("answered");
    assert_eq!(changed, 1, "{path} is known");
}

fn on_disk(world: &World, path: &str) -> PathBuf {
    world.folder().join(path.trim_start_matches('/'))
}

#[tokio::test]
async fn a_file_is_gone_as_soon_as_its_message_is_trimmed() {
    let world = World::start_with(2, shared_redis(), |config| config.messages.max_per_room = 3).await;
    let user = world.user(0, "alice").await;
    let message = ok(upload(&user, 0, "a.pdf", sample("pdf", 1000), "global").await).await;
    let path = message["file_url"].as_str().expect("an address").to_owned();
    assert_eq!(status(&world, &path).await, StatusCode::OK);
    for text in ["1", "2"] {
        user.send(1, "global", text).await;
    }
    assert_eq!(status(&world, &path).await, StatusCode::OK);
    user.send(1, "global", "3").await;
    assert_eq!(status(&world, &path).await, StatusCode::NOT_FOUND);
    eventually("the file is removed from the disk", async || files(&world).await == 0).await;
    world.stop().await;
}

#[tokio::test]
async fn files_of_trimmed_messages_are_removed_without_being_asked_for() {
    let world = start(2).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "files").await;
    for _ in 0..3 {
        ok(upload(&user, 0, "a.pdf", sample("pdf", 1000), "global").await).await;
        ok(upload(&user, 1, "a.png", sample("png", 1000), &room).await).await;
    }
    // The log of a public room begins with what the server says.
    assert_eq!(files(&world).await, 6);
    for text in ["1", "2", "3"] {
        user.send(0, "global", text).await;
    }
    eventually("the files of one room are removed", async || files(&world).await == 3).await;
    for message in ok(user.get(0, &format!("messages?room_id={room}")).send().await).await.as_array().expect("a list") {
        let path = message["file_url"].as_str().expect("an address");
        assert_eq!(status(&world, path).await, StatusCode::OK);
    }
    let known: u64 = redis::cmd("HLEN").arg(key(&world, "about")).query(&mut redis()).expect("answered");
    assert_eq!(known, 3, "nothing is remembered of removed files");
    world.stop().await;
}

#[tokio::test]
async fn unused_files_are_removed_and_used_ones_are_kept() {
    let world = start(2).await;
    let user = world.user(0, "alice").await;
    let (unused, young, used) =
        (upload_picture(&user, 0).await, upload_picture(&user, 0).await, upload_picture(&user, 0).await);
    age(&world, &used, 7);
    ok(user.post(1, "send").json(&json!({"message_type": "image", "content": used})).send().await).await;
    age(&world, &young, 7);
    age(&world, &unused, 9);
    eventually("the unused file is removed", async || !is_stored(&world, &unused).await).await;
    assert_eq!(status(&world, &unused).await, StatusCode::NOT_FOUND);
    assert!(last_use(&world, &used) > last_use(&world, &young) + 6 * DAY_MS, "a message renews its file");
    for path in [&young, &used] {
        assert_eq!(status(&world, path).await, StatusCode::OK);
    }
    world.stop().await;
}

#[tokio::test]
async fn files_that_redis_does_not_know_are_served_and_looked_after() {
    if bucket().is_some() {
        return; // where no file can be made older than it is
    }
    let world = start(1).await;
    let user = world.user(0, "alice").await;
    let image = upload_picture(&user, 0).await;
    let message = ok(upload(&user, 0, "a.pdf", sample("pdf", 1000), "global").await).await;
    let recent = message["file_url"].as_str().expect("an address").to_owned();
    let old = "/uploads/chat/0b9e2b5e-4f0c-4c9e-8f43-3f6f2c3d9b11.pdf";
    let written = SystemTime::now() - Duration::from_millis(9 * DAY_MS);
    File::create(on_disk(&world, old)).and_then(|file| file.set_modified(written)).expect("written");
    assert_eq!(status(&world, old).await, StatusCode::OK);
    let mut connection = redis();
    for name in ["used", "sent", "about", "listed"] {
        redis::cmd("DEL").arg(key(&world, name)).exec(&mut connection).expect("answered");
    }
    eventually("the old file is removed", async || !is_stored(&world, old).await).await;
    eventually("the others are looked after", async || {
        redis::cmd("ZCARD").arg(key(&world, "used")).query::<u64>(&mut redis()).expect("answered") == 1
    })
    .await;
    for path in [&image, &recent] {
        assert_eq!(status(&world, path).await, StatusCode::OK);
    }
    world.stop().await;
}

/// When a file was last used, ms.
fn last_use(world: &World, path: &str) -> u64 {
    let member = path.trim_start_matches("/uploads/");
    redis::cmd("ZSCORE").arg(key(world, "used")).arg(member).query::<f64>(&mut redis()).expect("listed") as u64
}

/// Changes a user's picture through document 001, or through the routes beside document 000.
async fn set_avatar(user: &User<'_>, (method, path): (Method, &str), address: &str) {
    ok(user.at(1, method, path).json(&json!({"avatar": address})).send().await).await;
}

#[tokio::test]
async fn pictures_of_users_are_kept_until_the_last_user_has_another() {
    let world = start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let picture = upload_picture(&alice, 0).await;
    let (put, patch) = (|| (Method::PUT, "/api/v1/user/profile"), || (Method::PATCH, "/api/v1/me"));
    let elsewhere = format!("https://chat.example{picture}");
    set_avatar(&alice, patch(), &elsewhere).await;
    set_avatar(&bob, put(), &elsewhere).await;
    set_avatar(&alice, patch(), "").await;
    let score = || last_use(&world, &picture);
    let always = score();
    assert!(always > 1 << 52, "bob still has it");
    ok(bob.post(1, "send").json(&json!({"message_type": "image", "content": picture})).send().await).await;
    assert_eq!(score(), always, "a message that shows it changes nothing");
    set_avatar(&bob, put(), "https://elsewhere.example/a.png").await;
    assert!(score() < 1 << 52);
    age(&world, &picture, 9);
    eventually("nobody has it any more", async || !is_stored(&world, &picture).await).await;
    world.stop().await;
}

#[tokio::test]
async fn the_picture_of_a_group_is_kept_until_its_last_member_leaves() {
    let world = start(1).await;
    let alice = world.user(0, "alice").await;
    let picture = upload_picture(&alice, 0).await;
    let group = json!({"name": "pictured", "description": "", "avatar": picture});
    ok(alice.at(0, Method::POST, "/api/v1/group").json(&group).send().await).await;
    assert!(last_use(&world, &picture) > 1 << 52);
    // As if Redis had lost the time of its use, and found the file again.
    age(&world, &picture, 9);
    eventually("it is kept all the same", async || last_use(&world, &picture) > 1 << 52).await;
    assert_eq!(status(&world, &picture).await, StatusCode::OK);
    ok(alice.at(0, Method::DELETE, "/api/v1/rooms/2/members/1").send().await).await;
    assert!(last_use(&world, &picture) < 1 << 52);
    world.stop().await;
}

#[tokio::test]
async fn of_pictures_chosen_at_once_the_one_that_stays_is_kept() {
    let world = start(2).await;
    let alice = world.user(0, "alice").await;
    let group = alice.make_group(0, "g", &[]).await;
    let mut pictures = Vec::new();
    for _ in 0..6 {
        pictures.push(upload_picture(&alice, 0).await);
    }
    for (path, owner) in [("/api/v1/me".to_owned(), "u:1"), (format!("/api/v1/rooms/{group}"), "r:2")] {
        for _ in 0..10 {
            let choose = |(node, picture)| {
                let request = alice.at(node % 2, Method::PATCH, &path).json(&json!({"avatar": picture}));
                async { ok(request.send().await).await }
            };
            join_all(pictures.iter().enumerate().map(choose)).await;
            let avatar = alice.get_json(0, &path).await["avatar"].as_str().expect("an address").to_owned();
            let kept: String =
                redis::cmd("HGET").arg(key(&world, "pictures")).arg(owner).query(&mut redis()).expect("one");
            assert!(avatar.ends_with(&format!("/uploads/{kept}")), "{owner}: {avatar} {kept}");
        }
    }
    world.stop().await;
}
