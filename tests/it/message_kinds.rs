//! Kinds of messages and addresses of files, from each document to each.

use serde_json::{Value, json};

use crate::senders::{EARS, Ear, Speaker, Way, place_of_uuid};
use crate::support::{World, ok, room_id, shared_redis};

const PUBLIC_URL: &str = "http://chat.example";
const PICTURE: &str = "https://example.com/cat.jpg";

/// What each document shows of a message.
struct Shown {
    /// Document 000: content and whether it is an image.
    webchat: (String, bool),
    /// Document 001: type and content.
    envelope: (&'static str, String),
    /// Document 002: message_type, content, file_url.
    messenger: (&'static str, String, Option<String>),
    /// Document 003: the same.
    chatroom: (&'static str, String, Option<String>),
    /// Document 004: type and content.
    imtypes: (&'static str, String),
}

impl Shown {
    /// A message with this text and address. `message_kinds` are the words of documents 001 to 004.
    fn new(message_kinds: [&'static str; 4], text: &str, url: Option<&str>) -> Self {
        let absolute = |url: &str| if url.starts_with('/') { format!("{PUBLIC_URL}{url}") } else { url.to_owned() };
        let content = url.map_or(text.to_owned(), absolute);
        Self {
            webchat: (content.clone(), message_kinds[0] == "image"),
            envelope: (message_kinds[0], content.clone()),
            messenger: (message_kinds[1], text.to_owned(), url.map(absolute)),
            chatroom: (message_kinds[2], text.to_owned(), url.map(str::to_owned)),
            imtypes: (message_kinds[3], content),
        }
    }

    fn check(&self, ear: Ear, frame: &Value) {
        match ear {
            Ear::Webchat => {
                let payload = &frame["payload"];
                assert_eq!(
                    (&payload["content"], &payload["is_image"]),
                    (&json!(self.webchat.0), &json!(self.webchat.1))
                );
            }
            Ear::Envelope => {
                assert_eq!((&frame["type"], &frame["content"]), (&json!(self.envelope.0), &json!(self.envelope.1)));
            }
            Ear::Messenger => {
                let (kind, text, url) = &self.messenger;
                let expected = (&json!(kind), &json!(text), &json!(url));
                assert_eq!((&frame["message_type"], &frame["content"], &frame["file_url"]), expected);
            }
            Ear::Imtypes => {
                assert_eq!((&frame["type"], &frame["content"]), (&json!(self.imtypes.0), &json!(self.imtypes.1)));
            }
        }
    }
}

/// How a message is given to a document, and what comes of it.
fn cases() -> Vec<(Way, Value, Shown)> {
    let path = "/uploads/images/5d41402a.png";
    let metadata = r#"{"url": "https://example.com/a.jpg", "thumbnailUrl": "..."}"#;
    let webchat = |content: &str, is_image: bool| json!({"content": content, "is_image": is_image});
    let flat = |kind: &str, content: &str| json!({"type": kind, "content": content});
    let typed = |kind: &str, content: &str| json!({"message_type": kind, "content": content});
    let filed =
        |kind: &str, content: &str, url: &str| json!({"message_type": kind, "content": content, "file_url": url});
    let image = ["image"; 4];
    let text = ["text"; 4];
    let file = ["file"; 4];
    vec![
        (Way::Webchat, webchat(PICTURE, true), Shown::new(image, PICTURE, Some(PICTURE))),
        (Way::Webchat, webchat(path, true), Shown::new(image, path, Some(path))),
        (Way::Webchat, webchat("no address", true), Shown::new(image, "no address", None)),
        (Way::Webchat, webchat(PICTURE, false), Shown::new(text, PICTURE, None)),
        (Way::Webchat, json!({"content": "is_image is missing"}), Shown::new(text, "is_image is missing", None)),
        (Way::Envelope, flat("image", PICTURE), Shown::new(image, PICTURE, Some(PICTURE))),
        (Way::EnvelopeSocket, flat("file", path), Shown::new(file, path, Some(path))),
        (Way::Envelope, flat("text", path), Shown::new(text, path, None)),
        (Way::Messenger, filed("image", "一张图片", PICTURE), Shown::new(image, "一张图片", Some(PICTURE))),
        (Way::Messenger, filed("file", "", path), Shown::new(file, "", Some(path))),
        (
            Way::Messenger,
            filed("audio", "a song", path),
            Shown::new(["file", "audio", "file", "file"], "a song", Some(path)),
        ),
        (
            Way::Messenger,
            filed("video", "a film", PICTURE),
            Shown::new(["file", "video", "file", "file"], "a film", Some(PICTURE)),
        ),
        (Way::Messenger, typed("image", PICTURE), Shown::new(image, PICTURE, None)),
        (
            Way::Messenger,
            json!({"content": "message_type is missing"}),
            Shown::new(text, "message_type is missing", None),
        ),
        (Way::Chatroom, typed("image", path), Shown::new(image, path, Some(path))),
        (Way::Chatroom, typed("file", "not an address"), Shown::new(file, "not an address", None)),
        (
            Way::Chatroom,
            typed("system", "维护通知"),
            Shown::new(["text", "system", "system", "system"], "维护通知", None),
        ),
        (Way::Imtypes, flat("image", PICTURE), Shown::new(image, PICTURE, Some(PICTURE))),
        (Way::Imtypes, flat("image", metadata), Shown::new(image, metadata, None)),
        (Way::Imtypes, flat("emoji", "👋"), Shown::new(["text", "text", "text", "emoji"], "👋", None)),
        (Way::Imtypes, flat("audio", PICTURE), Shown::new(file, PICTURE, Some(PICTURE))),
        (Way::Imtypes, flat("video", path), Shown::new(file, path, Some(path))),
    ]
}

async fn send(dialect: &mut Speaker<'_>, way: Way, room: u64, mut body: Value) {
    match way {
        Way::Webchat => {
            body["room_id"] = json!(room);
            dialect.ear(Ear::Webchat).send(&json!({"type": "send_message", "payload": body})).await;
        }
        Way::Envelope => {
            body["group_id"] = json!(room_id(room));
            let (status, body) = dialect.user.ask(dialect.node, "/api/v1/chat/message", &body).await;
            assert_eq!(status, 200, "{body}");
        }
        Way::EnvelopeSocket => {
            body["group_id"] = json!(room_id(room));
            dialect.ear(Ear::Envelope).send(&body).await;
        }
        Way::Messenger => {
            body["type"] = json!("chat");
            body["chat_type"] = json!("room");
            body["receiver_id"] = json!(room);
            dialect.ear(Ear::Messenger).send(&body).await;
        }
        Way::Chatroom => {
            let request = dialect.user.post(dialect.node, &format!("send?room_id={}", room_id(room)));
            ok(request.json(&body).send().await).await;
        }
        Way::Imtypes => {
            body["receiverId"] = json!(room_id(room));
            dialect.ear(Ear::Imtypes).send(&body).await;
        }
    }
}

#[tokio::test]
async fn every_kind_is_shown_by_each_document_as_it_can() {
    let change = |config: &mut chinwag::config::Config| config.server.public_url = PUBLIC_URL.to_owned();
    let world = World::start_with(2, shared_redis(), change).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "message_kinds", &["bob"]).await;
    let mut dialect = Speaker::open(&world, 0, &alice, 1).await;
    let mut listener = Speaker::open(&world, 1, &bob, 2).await;
    for (way, body, shown) in cases() {
        println!("{way:?} {body}");
        send(&mut dialect, way, room, body).await;
        for ear in EARS {
            let frame = listener.ear(ear).next().await;
            shown.check(ear, &frame);
            assert_eq!(dialect.ear(ear).next().await["content"], frame["content"], "{ear:?}");
        }
        let page = bob.read(1, &format!("messages?room_id={}&limit=1", room_id(room))).await;
        let (kind, text, url) = &shown.chatroom;
        let listed = (&page[0]["message_type"], &page[0]["content"], &page[0]["file_url"]);
        assert_eq!(listed, (&json!(kind), &json!(text), &json!(url)));
        assert_eq!(place_of_uuid(&page[0]["id"]).0, room);
        check_histories(&listener, room, &shown).await;
    }
    world.stop().await;
}

/// The histories of 001 and 002 show the same as the pushes, but that addresses stay as they are.
async fn check_histories(listener: &Speaker<'_>, room: u64, shown: &Shown) {
    let user = listener.user;
    let list = user.get_json(1, &format!("/api/v1/chat/messages?group_id={}&limit=1", room_id(room))).await;
    let listed = &list["data"]["messages"][0];
    let content = shown.chatroom.2.as_ref().unwrap_or(&shown.chatroom.1);
    assert_eq!((&listed["type"], &listed["content"]), (&json!(shown.envelope.0), &json!(content)));
    let (status, page) = user.ask(0, "/api/chat/history/room", &json!({"room_id": room, "page_size": 1})).await;
    assert_eq!(status, 200, "{page}");
    let (kind, text, _) = &shown.messenger;
    let listed = &page["data"][0];
    assert_eq!((&listed["message_type"], &listed["content"]), (&json!(kind), &json!(text)));
    assert_eq!(listed["file_url"], json!(shown.chatroom.2));
}

#[tokio::test]
async fn names_and_sizes_of_files_go_with_them() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = room_id(alice.make_group(0, "files", &["bob"]).await);
    let mut of_alice = world.imtypes(0, &alice, "").await;
    let mut of_bob = world.imtypes(1, &bob, "").await;
    let frame = json!({
        "type": "image", "content": PICTURE, "receiverId": room, "fileName": "cute_cat.jpg", "fileSize": 102_400,
        "senderId": "2", "timestamp": "2001-01-01T00:00:00Z", "unknown": [1]
    });
    of_alice.send(&frame).await;
    for socket in [&mut of_alice, &mut of_bob] {
        let pushed = socket.next().await;
        assert_eq!((&pushed["fileName"], &pushed["fileSize"]), (&json!("cute_cat.jpg"), &json!(102_400)), "{pushed}");
        assert_eq!(pushed["senderId"], "1", "what the client says of itself is not believed");
        assert_ne!(pushed["timestamp"], frame["timestamp"]);
    }
    let page = bob.read(1, &format!("messages?room_id={room}&limit=1")).await;
    assert_eq!((&page[0]["file_name"], &page[0]["file_size"]), (&json!("cute_cat.jpg"), &json!(102_400)));
    assert_eq!(page[0]["file_url"], PICTURE);
    world.stop().await;
}

#[tokio::test]
async fn an_upload_of_document_003_is_told_to_all() {
    let change = |config: &mut chinwag::config::Config| config.server.public_url = PUBLIC_URL.to_owned();
    let world = World::start_with(2, shared_redis(), change).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "files", &["bob"]).await;
    let mut listener = Speaker::open(&world, 1, &bob, 2).await;
    let part = reqwest::multipart::Part::bytes(b"plain text, nothing else".to_vec()).file_name("notes.txt");
    let form = reqwest::multipart::Form::new().part("file", part).text("room_id", room_id(room));
    let sent = ok(alice.post(0, "upload").multipart(form).send().await).await;
    let url = sent["file_url"].as_str().expect("a path");
    let shown = Shown::new(["file"; 4], "发送了文件: notes.txt", Some(url));
    for ear in EARS {
        let frame = listener.ear(ear).next().await;
        shown.check(ear, &frame);
    }
    world.stop().await;
}
