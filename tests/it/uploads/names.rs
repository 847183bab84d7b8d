//! The names of files, as clients write them and as they are served.

use reqwest::Method;
use serde_json::{Value, json};

use super::upload;
use crate::support::{User, World, answered, ok, refused};
use chinwag::conformance::sample;

/// Uploads a file with these parameters of its `Content-Disposition`.
async fn upload_with(user: &User<'_>, parameters: &[u8]) -> (u16, Value) {
    let head = [b"--b\r\nContent-Disposition: form-data; name=\"file\"", parameters, b"\r\n\r\n"].concat();
    let body = [&head[..], &sample("png", 500), b"\r\n--b--\r\n"].concat();
    let request = user.post(0, "upload").header("content-type", "multipart/form-data; boundary=b").body(body);
    answered(request.send().await).await
}

#[tokio::test]
async fn names_are_read_as_clients_write_them() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let cases: [(&[u8], &str); 12] = [
        ("; filename=\"图片.png\"".as_bytes(), "图片.png"),
        (b"; filename=\"x.png\"; filename*=UTF-8''%E5%9B%BE.png", "图.png"),
        (b"; filename=\"=?utf-8?B?5Zu+54mHLnBuZw==?=\"", "图片.png"),
        (b"; filename=\"%E5%9B%BE%E7%89%87.png\"", "图片.png"),
        (b"; filename=\"\xb1\xa8\xb8\xe6.png\"", "报告.png"),
        (b"; filename=\"C:\\Users\\me\\a.png\"", "a.png"),
        (b"; filename=\"C:\\\\Users\\\\me\\\\a.png\"", "a.png"),
        (b"; filename=\"../../etc/a.png\"", "a.png"),
        (b"; filename*=UTF-8''..%2F..%2Fa%0D%0A.png", "a.png"),
        (b"; filename*=UTF-8''%E2%80%AEgnp.exe.png", "gnp.exe.png"),
        (b"; filename=\"\xff\xfe.png\"", "\u{fffd}\u{fffd}.png"),
        (b"; filename=a.png", "a.png"),
    ];
    for (parameters, expected) in cases {
        let (status, message) = upload_with(&user, parameters).await;
        let what = String::from_utf8_lossy(parameters);
        assert_eq!((status, &message["file_name"]), (200, &json!(expected)), "{what}");
        assert_eq!(message["content"], format!("发送了文件: {expected}"), "{what}");
    }
    for bad in [&b""[..], b"; filename=\"\"", b"; filename=\"..\"", b"; filename*=UTF-8''%0A", b"; filename=\"C:\\\""] {
        assert_eq!(upload_with(&user, bad).await.0, 400, "{}", String::from_utf8_lossy(bad));
    }
    let long = format!("; filename=\"{}.png\"", "字".repeat(252));
    assert_eq!(upload_with(&user, long.as_bytes()).await.0, 400);
    let longest = format!("; filename=\"{}.png\"", "字".repeat(251));
    assert_eq!(upload_with(&user, longest.as_bytes()).await.0, 200);
    world.stop().await;
}

#[tokio::test]
async fn files_are_served_under_their_own_name() {
    let world = World::start(2).await;
    let user = world.user(0, "alice").await;
    for (name, kind, expected) in [
        ("报告 1.pdf", "pdf", "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.pdf"),
        ("猫.png", "png", "inline; filename*=UTF-8''%E7%8C%AB.png"),
        ("setup.exe", "png", "inline; filename*=UTF-8''setup.exe.png"),
    ] {
        let message = ok(upload(&user, 0, name, sample(kind, 500), "global").await).await;
        let url = world.url(1, message["file_url"].as_str().expect("an address"));
        for request in
            [world.client.get(&url), world.client.head(&url), world.client.get(&url).header("range", "bytes=0-3")]
        {
            let served = request.send().await.expect("answered");
            assert_eq!(served.headers()["content-disposition"].to_str().expect("text"), expected);
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn names_that_messages_mention_are_bounded_in_every_dialect() {
    let world = World::start(1).await;
    let (alice, _bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "group", &["bob"]).await;
    let long = "x".repeat(256);
    let longest = "字".repeat(255);
    let mut webchat = world.webchat(0, &alice, "&ext=1").await;
    let mut send = async |name: &str| {
        let payload = json!({"room_id": room, "content": "a", "message_type": "file",
            "file_url": "https://example.org/a", "file_name": name, "ref": "1"});
        webchat.send(&json!({"type": "send_message", "payload": payload})).await;
        webchat.next().await
    };
    assert_eq!(send(&long).await["type"], "error");
    assert_eq!(send("a\u{202e}b").await["type"], "error");
    assert_ne!(send(&longest).await["type"], "error");
    let mut flat = world.imtypes(0, &alice, "").await;
    let mut send = async |name: &str| {
        let frame = json!({"type": "file", "content": "https://example.org/a", "receiverId": "2", "fileName": name});
        flat.send(&frame).await;
        flat.next().await
    };
    assert_eq!(send(&long).await["type"], "system");
    assert_eq!(send(&longest).await["type"], "file");
    refused(upload(&alice, 0, &format!("{long}.png"), sample("png", 500), "global").await, 400).await;
    let history = alice.request(0, Method::GET, "messages").send().await;
    assert_eq!(ok(history).await, json!([]));
    world.stop().await;
}
