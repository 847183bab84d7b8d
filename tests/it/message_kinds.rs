//! Kinds of messages and addresses of files, from each document to each.

use serde_json::{Value, json};

use crate::dialect_clients::{DialectClients, SOCKET_KINDS, SendPath, SocketKind, room_and_seq_of_uuid};
use crate::support::{World, ok, room_id, shared_redis};

const PUBLIC_URL: &str = "http://chat.example";
const PICTURE: &str = "https://example.com/cat.jpg";

/// How each document shows a message.
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
    /// A message with this text and address. `kinds` are the words of documents 001 to 004.
    fn new(kinds: [&'static str; 4], text: &str, url: Option<&str>) -> Self {
        let absolute = |url: &str| if url.starts_with('/') { format!("{PUBLIC_URL}{url}") } else { url.to_owned() };
        let content = url.map_or(text.to_owned(), absolute);
        Self {
            webchat: (content.clone(), kinds[0] == "image"),
            envelope: (kinds[0], content.clone()),
            messenger: (kinds[1], text.to_owned(), url.map(absolute)),
            chatroom: (kinds[2], text.to_owned(), url.map(str::to_owned)),
            imtypes: (kinds[3], content),
        }
    }

    fn check(&self, kind: SocketKind, frame: &Value) {
        match kind {
            SocketKind::Webchat => {
                let payload = &frame["payload"];
                assert_eq!(
                    (&payload["content"], &payload["is_image"]),
                    (&json!(self.webchat.0), &json!(self.webchat.1))
                );
            }
            SocketKind::Envelope => {
                assert_eq!((&frame["type"], &frame["content"]), (&json!(self.envelope.0), &json!(self.envelope.1)));
            }
            SocketKind::Messenger => {
                let (kind, text, url) = &self.messenger;
                let expected = (&json!(kind), &json!(text), &json!(url));
                assert_eq!((&frame["message_type"], &frame["content"], &frame["file_url"]), expected);
            }
            SocketKind::Imtypes => {
                assert_eq!((&frame["type"], &frame["content"]), (&json!(self.imtypes.0), &json!(self.imtypes.1)));
            }
        }
    }
}

/// How a message is sent through a document, and how it is shown.
fn cases() -> Vec<(SendPath, Value, Shown)> {
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
        (SendPath::Webchat, webchat(PICTURE, true), Shown::new(image, PICTURE, Some(PICTURE))),
        (SendPath::Webchat, webchat(path, true), Shown::new(image, path, Some(path))),
        (SendPath::Webchat, webchat("no address", true), Shown::new(image, "no address", None)),
        (SendPath::Webchat, webchat(PICTURE, false), Shown::new(text, PICTURE, None)),
        (SendPath::Webchat, json!({"content": "is_image is missing"}), Shown::new(text, "is_image is missing", None)),
        (SendPath::Envelope, flat("image", PICTURE), Shown::new(image, PICTURE, Some(PICTURE))),
        (SendPath::EnvelopeSocket, flat("file", path), Shown::new(file, path, Some(path))),
        (SendPath::Envelope, flat("text", path), Shown::new(text, path, None)),
        (SendPath::Messenger, filed("image", "一张图片", PICTURE), Shown::new(image, "一张图片", Some(PICTURE))),
        (SendPath::Messenger, filed("file", "", path), Shown::new(file, "", Some(path))),
        (
            SendPath::Messenger,
            filed("audio", "a song", path),
            Shown::new(["file", "audio", "file", "file"], "a song", Some(path)),
        ),
        (
            SendPath::Messenger,
            filed("video", "a film", PICTURE),
            Shown::new(["file", "video", "file", "file"], "a film", Some(PICTURE)),
        ),
        (SendPath::Messenger, typed("image", PICTURE), Shown::new(image, PICTURE, None)),
        (
            SendPath::Messenger,
            json!({"content": "message_type is missing"}),
            Shown::new(text, "message_type is missing", None),
        ),
        (SendPath::Chatroom, typed("image", path), Shown::new(image, path, Some(path))),
        (SendPath::Chatroom, typed("file", "not an address"), Shown::new(file, "not an address", None)),
        (
            SendPath::Chatroom,
            typed("system", "维护通知"),
            Shown::new(["text", "system", "system", "system"], "维护通知", None),
        ),
        (SendPath::Imtypes, flat("image", PICTURE), Shown::new(image, PICTURE, Some(PICTURE))),
        (SendPath::Imtypes, flat("image", metadata), Shown::new(image, metadata, None)),
        (SendPath::Imtypes, flat("emoji", "👋"), Shown::new(["text", "text", "text", "emoji"], "👋", None)),
        (SendPath::Imtypes, flat("audio", PICTURE), Shown::new(file, PICTURE, Some(PICTURE))),
        (SendPath::Imtypes, flat("video", path), Shown::new(file, path, Some(path))),
    ]
}

async fn send(clients: &mut DialectClients<'_>, path: SendPath, room: u64, mut body: Value) {
    match path {
        SendPath::Webchat => {
            body["room_id"] = json!(room);
            clients.socket(SocketKind::Webchat).send(&json!({"type": "send_message", "payload": body})).await;
        }
        SendPath::Envelope => {
            body["group_id"] = json!(room_id(room));
            let (status, body) = clients.user.ask(clients.node, "/api/v1/chat/message", &body).await;
            assert_eq!(status, 200, "{body}");
        }
        SendPath::EnvelopeSocket => {
            body["group_id"] = json!(room_id(room));
            clients.socket(SocketKind::Envelope).send(&body).await;
        }
        SendPath::Messenger => {
            body["type"] = json!("chat");
            body["chat_type"] = json!("room");
            body["receiver_id"] = json!(room);
            clients.socket(SocketKind::Messenger).send(&body).await;
        }
        SendPath::Chatroom => {
            let request = clients.user.post(clients.node, &format!("send?room_id={}", room_id(room)));
            ok(request.json(&body).send().await).await;
        }
        SendPath::Imtypes => {
            body["receiverId"] = json!(room_id(room));
            clients.socket(SocketKind::Imtypes).send(&body).await;
        }
    }
}

#[tokio::test]
async fn every_kind_is_shown_by_each_document_as_it_can() {
    let change = |config: &mut chinwag::config::Config| config.server.public_url = PUBLIC_URL.to_owned();
    let world = World::start_with(2, shared_redis(), change).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "kinds", &["bob"]).await;
    let mut clients = DialectClients::open(&world, 0, &alice, 1).await;
    let mut listener = DialectClients::open(&world, 1, &bob, 2).await;
    for (path, body, shown) in cases() {
        println!("{path:?} {body}");
        send(&mut clients, path, room, body).await;
        for kind in SOCKET_KINDS {
            let frame = listener.socket(kind).next().await;
            shown.check(kind, &frame);
            assert_eq!(clients.socket(kind).next().await["content"], frame["content"], "{kind:?}");
        }
        let page = bob.read(1, &format!("messages?room_id={}&limit=1", room_id(room))).await;
        let (kind, text, url) = &shown.chatroom;
        let listed = (&page[0]["message_type"], &page[0]["content"], &page[0]["file_url"]);
        assert_eq!(listed, (&json!(kind), &json!(text), &json!(url)));
        assert_eq!(room_and_seq_of_uuid(&page[0]["id"]).0, room);
        check_histories(&listener, room, &shown).await;
    }
    world.stop().await;
}

/// The histories of 001 and 002 show the same as the pushes, except that addresses are unchanged.
async fn check_histories(listener: &DialectClients<'_>, room: u64, shown: &Shown) {
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
    let mut listener = DialectClients::open(&world, 1, &bob, 2).await;
    let part = reqwest::multipart::Part::bytes(b"plain text, nothing else".to_vec()).file_name("notes.txt");
    let form = reqwest::multipart::Form::new().part("file", part).text("room_id", room_id(room));
    let sent = ok(alice.post(0, "upload").multipart(form).send().await).await;
    let url = sent["file_url"].as_str().expect("a path");
    let shown = Shown::new(["file"; 4], "发送了文件: notes.txt", Some(url));
    for kind in SOCKET_KINDS {
        let frame = listener.socket(kind).next().await;
        shown.check(kind, &frame);
    }
    world.stop().await;
}
