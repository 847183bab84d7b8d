//! Uploads: stored, served, and removed with their message.

mod addresses;
mod kinds;
mod names;
mod quotas;
mod s3;
mod stored;
mod upkeep;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{User, World, answered, ok, refused};
use chinwag::conformance::sample;
use stored::{files, is_stored};

/// A PNG of 2 × 1 pixels with a text chunk that names a place.
pub fn png() -> Vec<u8> {
    fn chunk(kind: &[u8; 4], contents: &[u8], into: &mut Vec<u8>) {
        into.extend((contents.len() as u32).to_be_bytes());
        let checked = [&kind[..], contents].concat();
        into.extend(&checked);
        let crc = checked.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        });
        into.extend((!crc).to_be_bytes());
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0], &mut png);
    chunk(b"tEXt", b"Comment\0GPS 39.9N", &mut png);
    chunk(b"IDAT", &[1, 2, 3], &mut png);
    chunk(b"IEND", &[], &mut png);
    png
}

pub async fn upload(
    user: &User<'_>,
    node: usize,
    name: &str,
    bytes: Vec<u8>,
    room: &str,
) -> reqwest::Result<reqwest::Response> {
    let part = Part::bytes(bytes).file_name(name.to_owned());
    let form = Form::new().part("file", part).text("room_id", room.to_owned());
    user.post(node, "upload").multipart(form).send().await
}

/// Uploads a picture that belongs to no message. Returns its path.
pub async fn upload_picture(user: &User<'_>, node: usize) -> String {
    let part = Part::bytes(sample("png", 1000)).file_name("a.png");
    let request = user.at(node, Method::POST, "/api/v1/upload/image").multipart(Form::new().part("image", part));
    let (status, body) = answered(request.send().await).await;
    assert_eq!(status, 201, "{body}");
    let url = body["url"].as_str().expect("an address");
    url[url.find("/uploads/").expect("a path")..].to_owned()
}

#[tokio::test]
async fn a_picture_is_served_without_its_secrets_and_goes_with_its_message() {
    let world = World::start(2).await;
    let user = world.user(0, "张三").await;
    let message = ok(upload(&user, 0, "photo.png", png(), "global").await).await;
    assert_eq!(message["message_type"], "image");
    assert_eq!(message["content"], "发送了文件: photo.png");
    assert_eq!(message["file_name"], "photo.png");
    let path = message["file_url"].as_str().expect("an address");

    let answer = world.client.get(world.url(1, path)).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
    assert_eq!(header("content-type").as_deref(), Some("image/png"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert!(header("content-security-policy").expect("a policy").contains("sandbox"));
    assert_eq!(header("content-disposition").as_deref(), Some("inline; filename*=UTF-8''photo.png"));
    let etag = header("etag").expect("a version");
    let bytes = answer.bytes().await.expect("a body");
    assert_eq!(message["file_size"], bytes.len());
    assert!(!bytes.windows(3).any(|window| window == b"GPS"));

    let again = world.client.get(world.url(0, path)).header("if-none-match", etag).send().await.expect("answered");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    let path_of_message = format!("messages/{}", message["id"].as_str().expect("an id"));
    ok(user.request(1, Method::DELETE, &path_of_message).send().await).await;
    let gone = world.client.get(world.url(0, path)).send().await.expect("answered");
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert_eq!(gone.json::<Value>().await.expect("JSON"), json!({"error": "not found"}));
    assert_eq!(files(&world).await, 0);
    world.stop().await;
}

#[tokio::test]
async fn a_document_is_offered_for_saving_in_parts() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let text = "0123456789".repeat(100_000);
    let message = ok(upload(&user, 0, "报告.TXT", text.clone().into_bytes(), "global").await).await;
    assert_eq!((&message["message_type"], &message["file_size"]), (&json!("file"), &json!(1_000_000)));
    let url = world.url(0, message["file_url"].as_str().expect("an address"));

    let whole = world.client.get(&url).send().await.expect("answered");
    assert_eq!(whole.headers()["content-disposition"], "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.TXT");
    assert_eq!(whole.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.text().await.expect("a body"), text);

    let cases = [
        ("bytes=5-9", "bytes 5-9/1000000", "56789"),
        ("bytes=999998-", "bytes 999998-999999/1000000", "89"),
        ("bytes=-3", "bytes 999997-999999/1000000", "789"),
    ];
    for (range, content_range, expected) in cases {
        let part = world.client.get(&url).header("range", range).send().await.expect("answered");
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(part.headers()["content-range"], content_range);
        assert_eq!(part.text().await.expect("a body"), expected);
    }
    let outside = world.client.get(&url).header("range", "bytes=2000000-").send().await.expect("answered");
    assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let head = world.client.head(&url).send().await.expect("answered");
    assert_eq!((head.status(), head.headers()["content-length"].to_str().expect("text")), (StatusCode::OK, "1000000"));
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_become_a_message_leaves_nothing_behind() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    refused(upload(&user, 0, "photo.png", png(), "room_deadbeef").await, 404).await;
    refused(upload(&user, 0, "photo.jpg", b"%PDF-1.7".to_vec(), "global").await, 415).await;
    refused(upload(&user, 0, "a.exe", b"MZ".to_vec(), "global").await, 415).await;
    refused(upload(&user, 0, "a.txt", vec![b'x'; 10 * 1024 * 1024 + 1], "global").await, 413).await;
    refused(upload(&user, 0, "a.png", [png(), vec![0; 11 * 1024 * 1024]].concat(), "global").await, 413).await;
    let mut late = vec![b'x'; 200_000];
    late.push(0);
    refused(upload(&user, 0, "a.txt", late, "global").await, 415).await;
    assert_eq!(files(&world).await, 0);
    assert_eq!(user.texts(0, "").await, Vec::<String>::new());
    ok(upload(&user, 0, "a.txt", vec![b'x'; 10 * 1024 * 1024], "global").await).await;
    world.stop().await;
}

#[tokio::test]
async fn naming_a_file_of_someone_else_does_not_take_it_along() {
    let world = World::start(1).await;
    let (alice, mallory) = (world.user(0, "alice").await, world.user(0, "mallory").await);
    let message = ok(upload(&alice, 0, "photo.png", png(), "global").await).await;
    let path = message["file_url"].as_str().expect("an address");
    let body = json!({"message_type": "image", "content": path});
    let named = ok(mallory.post(0, "send").json(&body).send().await).await;
    assert_eq!(named["file_url"], path);
    let id = named["id"].as_str().expect("an id");
    ok(mallory.request(0, Method::DELETE, &format!("messages/{id}")).send().await).await;
    let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK);
    world.stop().await;
}

#[tokio::test]
async fn a_retried_upload_is_stored_once() {
    let world = World::start(2).await;
    let user = world.user(0, "alice").await;
    let mut stored = Vec::new();
    for node in [0, 1] {
        let part = Part::bytes(png()).file_name("photo.png");
        let request = user.post(node, "upload").header("Idempotency-Key", "upload-1");
        stored.push(ok(request.multipart(Form::new().part("file", part)).send().await).await);
    }
    assert_eq!(stored[0], stored[1]);
    assert_eq!(files(&world).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn another_file_under_the_same_client_id_is_refused() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let send = |bytes: &'static str| {
        let part = Part::bytes(bytes.as_bytes()).file_name("a.txt");
        let form = Form::new().text("client_id", "upload-2").part("file", part);
        user.post(0, "upload").multipart(form).send()
    };
    let first = ok(send("one").await).await;
    assert_eq!(ok(send("one").await).await, first);
    refused(send("two").await, 409).await;
    assert_eq!(files(&world).await, 1);
    world.stop().await;
}
