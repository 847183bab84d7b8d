//! Optional values that are absent, in whatever way a client says so: `null` in a body, nothing behind a parameter's `=`.
//! And the byte order mark that some libraries put before JSON.

use reqwest::Method;
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{User, World, answered, room_id};

const BOM: &str = "\u{feff}";

/// Every body of a request in JSON: method, path, the required fields, the optional ones, the status.
fn bodies(room: u64) -> Vec<(Method, String, Value, Vec<&'static str>, u16)> {
    let id = room_id(room);
    let post = |path: &str| (Method::POST, path.to_owned());
    let row = |(method, path): (Method, String), required, optional: &[&'static str], status| {
        (method, path, required, optional.to_vec(), status)
    };
    vec![
        row(post("/api/v1/auth/register"), json!({"username": "new0", "password": "your_strong_password"}), &[], 201),
        row(post("/api/v1/auth/register"), json!({}), &["username", "password"], 400),
        row(post("/api/v1/auth/login"), json!({"username": "alice", "password": "your_strong_password"}), &[], 200),
        row(post("/api/v1/auth/login"), json!({}), &["username", "password"], 400),
        row(post("/api/v1/rooms"), json!({"name": "a"}), &["is_private", "username"], 201),
        row(post("/api/v1/rooms"), json!({"is_private": true, "username": "bob"}), &["name"], 201),
        row(post(&format!("/api/v1/rooms/{room}/members")), json!({"username": "carol"}), &[], 201),
        row(post(&format!("/api/v1/rooms/{room}/members")), json!({}), &["username"], 400),
        row((Method::PUT, format!("/api/v1/rooms/{room}/members/2")), json!({"role": "admin"}), &[], 200),
        row((Method::PUT, format!("/api/v1/rooms/{room}/members/2")), json!({}), &["role"], 400),
        row(
            post("/api/v1/register"),
            json!({"username": "new1", "email": "new1@example.org", "password": "your_strong_password"}),
            &["phone"],
            200,
        ),
        row(post("/api/v1/login"), json!({"email": "alice", "password": "your_strong_password"}), &[], 200),
        row((Method::PUT, "/api/v1/user/profile".to_owned()), json!({}), &["username", "avatar", "phone"], 200),
        row((Method::PATCH, "/api/v1/me".to_owned()), json!({}), &["username", "avatar", "status_text"], 200),
        row(
            post("/api/v1/chat/message"),
            json!({"type": "text", "content": "a", "group_id": id}),
            &["receiver_id", "client_id"],
            200,
        ),
        row(
            post("/api/v1/chat/message"),
            json!({"type": "text", "content": "a", "receiver_id": "2"}),
            &["group_id", "client_id"],
            200,
        ),
        row(post("/api/v1/group"), json!({"name": "a"}), &["description", "avatar"], 200),
        row(post(&format!("/api/v1/group/{id}/members")), json!({"user_id": "3"}), &[], 200),
        row(post("/api/chat/history/private"), json!({"user_id": 2}), &["page", "page_size"], 200),
        row(post("/api/chat/history/room"), json!({"room_id": room}), &["page", "page_size"], 200),
        row(post("/api/chat/message/status"), json!({"message_id": 0}), &[], 404),
        row(post("/api/chat/send"), json!({"message_type": "text", "content": "a"}), &["reply_to", "client_id"], 200),
    ]
}

fn with_nulls(required: &Value, optional: &[&str]) -> Value {
    let mut body = required.clone();
    optional.iter().for_each(|field| body[*field] = Value::Null);
    body
}

async fn world() -> (World, u64) {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    for name in ["bob", "carol"] {
        world.user(0, name).await;
    }
    let room = alice.make_group(0, "group", &["bob"]).await;
    (world, room)
}

async fn post(user: &User<'_>, method: &Method, path: &str, body: String) -> (u16, Value) {
    let request = user.at(0, method.clone(), path).header("content-type", "application/json").body(body);
    answered(request.send().await).await
}

#[tokio::test]
async fn null_and_a_byte_order_mark_change_nothing_in_bodies() {
    let (world, room) = world().await;
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    let mut wrong = Vec::new();
    for (method, path, required, optional, status) in bodies(room) {
        let plain = with_nulls(&required, &optional).to_string();
        for (what, body) in [("null", plain.clone()), ("BOM", format!("{BOM}{plain}"))] {
            // A name is taken only once.
            let body = body.replace("new0", &format!("{what}0")).replace("new1", &format!("{what}1"));
            let (found, answer) = post(&alice, &method, &path, body).await;
            if found != status {
                wrong.push(format!("{what} {method} {path} {plain}: {found} {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for body in [format!("{BOM}{BOM}{{}}"), format!(" {BOM}{{}}"), BOM.to_owned(), format!("{BOM}[]")] {
        assert_eq!(post(&alice, &Method::POST, "/api/chat/send", body.clone()).await.0, 400, "{body:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_may_be_missing_may_be_null() {
    let (world, _) = world().await;
    let log_out = async |body: &str| {
        let alice = world.log_in(0, "alice", "your_strong_password").await;
        post(&alice, &Method::POST, "/api/v1/auth/logout", body.to_owned()).await.0
    };
    for body in ["", "null", " null\n", BOM, "\u{feff}null", "{}", r#"{"everywhere":null}"#] {
        assert_eq!(log_out(body).await, 200, "{body:?}");
    }
    for body in ["nul", "null null", "0", "[]", r#""null""#] {
        assert_eq!(log_out(body).await, 400, "{body:?}");
    }
    world.stop().await;
}

/// Opens a socket by the name of its document.
async fn open(world: &World, user: &User<'_>, document: &str) -> Socket {
    match document {
        "000" => world.webchat(0, user, "").await,
        "000 ext" => world.webchat(0, user, "ext=1").await,
        "001" => world.envelope(0, user).await,
        "002" => world.messenger(0, user).await,
        "004" => world.imtypes(0, user, "").await,
        "004 ext" => world.imtypes(0, user, "ext=1").await,
        other => panic!("{other}"),
    }
}

/// Every frame with optional fields: document, frame with `null` for them, and the answer's key and value.
fn frames(room: u64, message: u64) -> Vec<(&'static str, Value, (&'static str, Value))> {
    let id = room_id(room);
    let sent = ("/type", json!("new_message"));
    let plain = json!({"room_id": room, "content": "a", "is_image": null});
    let extended = json!({
        "room_id": room, "content": "a", "is_image": null, "client_id": null, "reply_to": null, "message_type": null,
        "file_url": null, "file_name": null, "file_size": null, "ref": null,
    });
    let file = json!({"room_id": room, "content": null, "message_type": "file", "file_url": "https://a.example/b"});
    let history = json!({"room_id": room, "page": null, "page_size": null});
    let done = ("/type", json!("done"));
    let mut frames = vec![
        ("000", json!({"type": "send_message", "payload": plain}), sent.clone()),
        ("000", json!({"type": "fetch_history", "payload": history}), ("/type", json!("message_history"))),
        ("000", json!({"type": "ping", "payload": null}), ("/type", json!("pong"))),
        ("000 ext", json!({"type": "send_message", "payload": extended}), sent.clone()),
        ("000 ext", json!({"type": "send_message", "payload": file}), sent),
        ("000 ext", json!({"type": "fetch_history", "payload": history}), ("/type", json!("message_history"))),
        ("000 ext", json!({"type": "resume", "payload": {"rooms": {"1": null}, "ref": "r"}}), done.clone()),
    ];
    let marked = json!({"type": "mark_read", "payload": {"room_id": room, "id": message, "ref": "r"}});
    frames.push(("000 ext", marked, done));
    let to_group = json!({"type": "text", "content": "a", "receiver_id": null, "group_id": id, "client_id": null});
    frames.push(("001", to_group, ("/content", json!("a"))));
    let to_room = json!({
        "type": "chat", "chat_type": "room", "reveiver_id": null, "receiver_id": room, "message_type": null,
        "content": "a", "file_url": null, "client_id": null,
    });
    frames.push(("002", to_room, ("/content", json!("a"))));
    let to_user = json!({"type": "chat", "chat_type": null, "reveiver_id": 2, "receiver_id": null, "content": "a"});
    frames.push(("002", to_user, ("/content", json!("a"))));
    let only_file = json!({
        "type": "chat", "chat_type": "room", "receiver_id": room, "message_type": "file", "content": null,
        "file_url": "https://a.example/b",
    });
    frames.push(("002", only_file, ("/file_url", json!("https://a.example/b"))));
    let flat = json!({
        "id": null, "type": "text", "content": "a", "senderId": null, "receiverId": id, "timestamp": null,
        "fileName": null, "fileSize": null, "conversationId": null,
    });
    frames.push(("004", flat.clone(), ("/content", json!("a"))));
    frames.push(("004 ext", flat, ("/content", json!("a"))));
    frames
}

#[tokio::test]
async fn null_and_a_byte_order_mark_change_nothing_in_frames() {
    let (world, room) = world().await;
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    let (_, sent) =
        alice.ask(0, "/api/v1/chat/message", &json!({"type": "text", "content": "a", "group_id": room_id(room)})).await;
    let message = sent["data"]["message_id"].as_str().expect("an id").parse().expect("a number");
    let mut wrong = Vec::new();
    for (document, frame, (pointer, expected)) in frames(room, message) {
        for bom in ["", BOM] {
            let mut socket = open(&world, &alice, document).await;
            socket.send_text(format!("{bom}{frame}")).await;
            // Presence and joins may come first.
            let found = loop {
                let found = socket.next().await;
                if !["presence", "message_read"].contains(&found["type"].as_str().unwrap_or_default()) {
                    break found;
                }
            };
            if found.pointer(pointer) != Some(&expected) {
                wrong.push(format!("{document} {bom:?} {frame}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await;
}

#[tokio::test]
async fn an_empty_parameter_of_a_query_is_absent() {
    let (world, room) = world().await;
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    let id = room_id(room);
    let routes: Vec<(String, &[&str])> = vec![
        ("/api/chat/messages".into(), &["room_id", "limit", "before", "after"]),
        ("/api/chat/rooms".into(), &["limit", "cursor"]),
        ("/api/chat/online-users".into(), &["limit", "cursor"]),
        (format!("/api/v1/chat/messages?group_id={id}"), &["receiver_id", "limit", "offset"]),
        ("/api/v1/chat/messages?receiver_id=2".into(), &["group_id", "limit", "offset"]),
        ("/api/v1/search?kind=room".into(), &["q", "room_id", "limit"]),
        ("/api/v1/search?kind=user&q=b".into(), &["room_id", "limit"]),
        (format!("/api/v1/search?kind=message&q=a&room_id={room}"), &["limit"]),
    ];
    let mut wrong = Vec::new();
    for (path, optional) in routes {
        let mark = if path.contains('?') { "&" } else { "?" };
        let expected = answered(alice.at(0, Method::GET, &path).send().await).await;
        assert_eq!(expected.0, 200, "{path}");
        for form in ["=", ""] {
            let empty: Vec<String> = optional.iter().map(|name| format!("{name}{form}")).collect();
            for query in empty.iter().cloned().chain([empty.join("&"), format!("&{}&&", empty.join("&"))]) {
                let found = answered(alice.at(0, Method::GET, &format!("{path}{mark}{query}")).send().await).await;
                if found != expected {
                    wrong.push(format!("{path}{mark}{query}: {} {}", found.0, found.1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for query in ["dialect=", "ext=", "since=", "dialect"] {
        let path = format!("/ws/chat?{query}");
        Socket::open(&world.base(0), &path, Some(&alice.token), None).await.unwrap_or_else(|status| {
            panic!("{path}: {status}");
        });
    }
    world.stop().await;
}
