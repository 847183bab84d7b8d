//! What one user may upload, and what stays free of the disk.

use std::io::Write;
use std::net::TcpStream;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{files, upload};
use crate::support::{User, World, bucket, eventually, ok, refused, shared_redis};
use chinwag::conformance::sample;

const MIB: usize = 1024 * 1024;

/// Uploads through documents 003, 000 and 004. Returns the statuses, the waiting times, and the bodies.
async fn refusals(world: &World, user: &User<'_>) -> Vec<(u16, Option<String>, Value)> {
    let mut answers = Vec::new();
    for (path, field) in [("chat/upload", "file"), ("v1/upload/image", "image"), ("v1/upload/file", "file")] {
        let part = Part::bytes(sample("png", 1000)).file_name("a.png");
        let request = world.client.post(world.url(0, &format!("/api/{path}"))).bearer_auth(&user.token);
        let answer = request.multipart(Form::new().part(field, part)).send().await.expect("answered");
        let wait = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        answers.push((answer.status().as_u16(), wait, answer.json().await.expect("JSON")));
    }
    answers
}

#[tokio::test]
async fn a_users_uploads_of_a_day_are_counted_over_all_nodes_and_documents() {
    let world = World::start_with(2, shared_redis(), |config| {
        config.uploads.max_bytes = MIB as u64;
        config.limits.uploads_bytes_per_day = 2 * MIB as u64;
    })
    .await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    ok(upload(&alice, 0, "a.pdf", sample("pdf", 900_000), "global").await).await;
    // What is refused is not counted.
    for _ in 0..5 {
        refused(upload(&alice, 0, "a.pdf", sample("exe", 900_000), "global").await, 415).await;
    }
    ok(upload(&alice, 1, "a.png", sample("png", 900_000), "global").await).await;
    let refusal = refused(upload(&alice, 1, "a.pdf", sample("pdf", 900_000), "global").await, 429).await;
    assert!(refusal.contains("请求过于频繁"), "{refusal}");
    // Files that are small count as well.
    eventually("the day's bytes are used up", async || {
        upload(&alice, 0, "a.txt", b"x".to_vec(), "global").await.expect("answered").status() == 429
    })
    .await;
    for (status, wait, body) in refusals(&world, &alice).await {
        assert_eq!(status, 429, "{body}");
        let wait: u64 = wait.expect("a time to wait").parse().expect("seconds");
        assert!((60..=86_400).contains(&wait), "{wait}");
    }
    ok(upload(&bob, 0, "a.pdf", sample("pdf", 900_000), "global").await).await;
    world.stop().await;
}

/// Begins an upload of a picture of so many bytes and leaves it unfinished.
fn begin(world: &World, user: &User<'_>, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(world.nodes[0].address()).expect("connects");
    let head = format!(
        "POST /api/chat/upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {bytes}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"a.png\"\r\n\r\n\u{fffd}PNG",
        user.token
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

#[tokio::test]
async fn unfinished_uploads_of_one_user_do_not_keep_others_from_uploading() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let unfinished: Vec<TcpStream> = (0..40).map(|_| begin(&world, &alice, 100_000)).collect();
    eventually("three uploads are under way", async || {
        upload(&alice, 0, "a.png", sample("png", 1000), "global").await.expect("answered").status() == 429
    })
    .await;
    for (status, wait, body) in refusals(&world, &alice).await {
        assert_eq!((status, wait.is_some()), (429, true), "{body}");
    }
    ok(upload(&bob, 0, "a.png", sample("png", 1000), "global").await).await;
    drop(unfinished);
    eventually("the user's turns are free again", async || {
        upload(&alice, 0, "a.png", sample("png", 1000), "global").await.expect("answered").status() == 200
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn uploads_of_lost_clients_are_not_counted() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.uploads.max_bytes = MIB as u64;
        config.limits.uploads_bytes_per_day = 3 * MIB as u64;
    })
    .await;
    let alice = world.user(0, "alice").await;
    let lost: Vec<TcpStream> = (0..3).map(|_| begin(&world, &alice, 900_000)).collect();
    eventually("three uploads are under way", async || {
        upload(&alice, 0, "a.png", sample("png", 1000), "global").await.expect("answered").status() == 429
    })
    .await;
    for stream in &lost {
        // Closing it resets the connection.
        socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO)).expect("a time");
    }
    drop(lost);
    eventually("the day's bytes are free again", async || {
        upload(&alice, 0, "a.pdf", sample("pdf", 900_000), "global").await.expect("answered").status() == 200
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn the_last_space_of_the_disk_stays_free() {
    if bucket().is_some() {
        return; // which has no end
    }
    let world = World::start_with(1, shared_redis(), |config| config.uploads.reserve_bytes = u64::MAX / 2).await;
    let user = world.user(0, "alice").await;
    let bodies: Vec<Value> = refusals(&world, &user)
        .await
        .into_iter()
        .map(|(status, _, body)| {
            assert_eq!(status, 507, "{body}");
            body
        })
        .collect();
    let english = json!({"error": "The server has no space left"});
    assert_eq!(bodies, [json!({"detail": "服务器存储空间不足"}), english.clone(), english]);
    assert_eq!(files(&world).await, 0);
    // Everything else goes on.
    user.send(0, "global", "hello").await;
    assert_eq!(user.texts(0, "").await, ["hello"]);
    world.stop().await;
}
