//! What HTTP requires of every route: HEAD, `Allow`, `WWW-Authenticate`, `Retry-After`, encodings, caches. The routes
//! are taken from the OpenAPI document.

use std::collections::BTreeSet;

use reqwest::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{User, World, answered, shared_redis};

/// Methods that are tried on every path.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"];
/// Paths outside the OpenAPI document, all with GET only.
const OTHER_PATHS: [&str; 27] = [
    "/",
    "/login",
    "/register",
    "/chat",
    "/admin",
    "/admin/",
    "/dashboard",
    "/dashboard/",
    "/dashboard/figures",
    "/dashboard/hooks",
    "/assets/none.js",
    "/worker.js",
    "/app.webmanifest",
    "/uploads/images/none.png",
    "/docs",
    "/docs/",
    "/docs/swagger-ui.css",
    "/docs/sockets",
    "/docs/sockets/try",
    "/openapi.json",
    "/asyncapi.json",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/ws",
    "/ws/check",
    "/ws/chat",
];

/// A path of the document, and its methods.
struct Path {
    path: String,
    methods: BTreeSet<String>,
}

/// All paths of the OpenAPI document, with 1 for each parameter.
fn documented() -> Vec<Path> {
    let document = serde_json::to_value(chinwag::node::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("methods").keys().filter(|key| *key != "parameters");
        let mut methods: BTreeSet<String> = methods.map(|method| method.to_uppercase()).collect();
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        Path { path: parts.collect::<Vec<_>>().join("/"), methods }
    };
    let paths: Vec<Path> = paths.iter().map(path).collect();
    assert!(paths.len() >= 25, "{} paths", paths.len());
    paths
}

fn other_paths() -> impl Iterator<Item = Path> {
    let methods: BTreeSet<String> = ["GET", "HEAD"].map(str::to_owned).into();
    OTHER_PATHS.iter().map(move |path| Path { path: (*path).to_owned(), methods: methods.clone() })
}

/// The keys of an error in the dialect that owns a path.
fn error_keys(path: &str) -> &'static [&'static str] {
    let part = |prefix: &str| path.strip_prefix(prefix).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    match (part("/api/v1/"), part("/api/chat/")) {
        (
            "auth" | "upload" | "rooms" | "room-links" | "me" | "users" | "conversations" | "search" | "push" | "admin"
            | "hooks" | "messages",
            _,
        ) => &["error"],
        ("", "") => &["error"],
        ("", "history" | "message") => &["code", "message"],
        ("", _) => &["detail"],
        _ => &["code", "message", "error"],
    }
}

fn header(answer: &Response, name: reqwest::header::HeaderName) -> String {
    answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
}

async fn error_is_in_dialect(path: &str, answer: Response) -> Result<(), String> {
    let text = answer.text().await.expect("a body");
    let body: Value = serde_json::from_str(&text).map_err(|_| format!("{path}: no JSON: {text:?}"))?;
    match error_keys(path).iter().all(|key| body.get(key).is_some()) {
        true => Ok(()),
        false => Err(format!("{path}: {text}")),
    }
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_path_answers_other_methods_with_what_it_allows() {
    let world = World::start(1).await;
    let mut wrong = Vec::new();
    for Path { path, methods } in documented().into_iter().chain(other_paths()) {
        for method in METHODS {
            let name = Method::from_bytes(method.as_bytes()).expect("a method");
            let answer = world.client.request(name, world.url(0, &path)).send().await.expect("answered");
            let is_refused = answer.status() == StatusCode::METHOD_NOT_ALLOWED;
            if is_refused == methods.contains(method) {
                wrong.push(format!("{method} {path}: {}", answer.status()));
                continue;
            }
            if !is_refused {
                continue;
            }
            let allowed: BTreeSet<String> =
                header(&answer, ALLOW).split(',').map(|method| method.trim().to_owned()).collect();
            if allowed != methods {
                wrong.push(format!("{method} {path}: allows {allowed:?} instead of {methods:?}"));
            }
            if method != "HEAD" {
                wrong.extend(error_is_in_dialect(&path, answer).await.err());
            }
        }
    }
    assert_none(&wrong);
    world.stop().await;
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    user.send(0, "global", "hello").await;
    let mut wrong = Vec::new();
    let gets = documented().into_iter().filter(|path| path.methods.contains("GET")).chain(other_paths());
    let mut paths: Vec<String> = gets.map(|path| path.path).collect();
    paths.extend(["/api/chat/messages?limit=x", "/api/v1/search?kind=room", "/nowhere"].map(str::to_owned));
    for path in paths {
        let get = user.at(0, Method::GET, &path).send().await.expect("answered");
        let head = user.at(0, Method::HEAD, &path).send().await.expect("answered");
        if get.status() != head.status() {
            wrong.push(format!("{path}: {} instead of {}", head.status(), get.status()));
            continue;
        }
        for name in [CONTENT_TYPE, CONTENT_LENGTH, ETAG, CACHE_CONTROL] {
            // The metrics are other ones each time.
            let (expected, found) = (header(&get, name.clone()), header(&head, name.clone()));
            if expected != found && !(path == "/metrics" && name == CONTENT_LENGTH) {
                wrong.push(format!("{path}: {name} {found:?} instead of {expected:?}"));
            }
        }
        if !head.bytes().await.expect("an end").is_empty() {
            wrong.push(format!("{path}: a body"));
        }
    }
    assert_none(&wrong);
    world.stop().await;
}

/// The unread messages of a user's first group.
async fn unread(user: &User<'_>, room: u64) -> Value {
    let rooms = user.get_json(0, "/api/v1/conversations").await;
    let rooms = rooms.as_array().expect("a list");
    rooms.iter().find(|it| it["id"] == room).expect("listed")["unread"].clone()
}

#[tokio::test]
async fn head_of_a_history_reads_nothing() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "both", &["bob"]).await;
    let id = crate::support::room_id(room);
    alice.send(0, &id, "hello").await;
    for path in [format!("/api/chat/messages?room_id={id}"), format!("/api/v1/chat/messages?group_id={id}")] {
        let head = bob.at(0, Method::HEAD, &path).send().await.expect("answered");
        assert_eq!(head.status(), StatusCode::OK, "{path}");
        assert_eq!(unread(&bob, room).await, 1, "{path}");
    }
    bob.get_json(0, &format!("/api/chat/messages?room_id={id}")).await;
    assert_eq!(unread(&bob, room).await, 0);
    world.stop().await;
}

#[tokio::test]
async fn head_opens_no_socket() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    for path in ["/ws", "/ws/chat", "/api/v1/ws"] {
        let head = user.at(0, Method::HEAD, path).headers(handshake()).send().await.expect("answered");
        assert_eq!(head.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    world.stop().await;
}

fn handshake() -> reqwest::header::HeaderMap {
    [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    .into_iter()
    .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
    .collect()
}

#[tokio::test]
async fn a_refusal_for_want_of_a_token_says_which_scheme_is_meant() {
    let world = World::start(1).await;
    let mut wrong = Vec::new();
    let mut refused = 0;
    for Path { path, methods } in documented() {
        for method in &methods {
            let name = Method::from_bytes(method.as_bytes()).expect("a method");
            for token in [None, Some("nonsense")] {
                let mut request = world.client.request(name.clone(), world.url(0, &path)).json(&json!({}));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                let answer = request.send().await.expect("answered");
                let is_refused = answer.status() == StatusCode::UNAUTHORIZED;
                refused += usize::from(is_refused);
                if is_refused && header(&answer, WWW_AUTHENTICATE) != "Bearer" {
                    wrong.push(format!("{method} {path}: {:?}", answer.headers()));
                }
            }
        }
    }
    assert_none(&wrong);
    assert!(refused >= 60, "{refused} refusals");
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_for_now_says_for_how_long() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.limits.sign_ins_per_sec = 1;
        config.limits.sign_ins_burst = 3;
    })
    .await;
    for (path, name) in [("/api/v1/auth/login", "username"), ("/api/v1/login", "email")] {
        let mut limited = 0;
        for _ in 0..9 {
            let request = world.client.post(world.url(0, path));
            let answer = request
                .json(&json!({name: "nobody", "password": "your_strong_password"}))
                .send()
                .await
                .expect("answered");
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                limited += 1;
                assert!(header(&answer, RETRY_AFTER).parse::<u64>().is_ok_and(|secs| secs > 0), "{path}");
            }
        }
        assert!(limited > 0, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn answers_are_neither_guessed_at_nor_kept_by_shared_caches() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let mut wrong = Vec::new();
    let documented = documented();
    // A log-out would end the token of the requests that follow.
    let paths = documented.iter().map(|path| path.path.as_str()).filter(|path| *path != "/api/v1/auth/logout");
    for path in paths.chain(["/health/live", "/openapi.json", "/asyncapi.json", "/nowhere", "/api/nowhere"]) {
        for method in [Method::GET, Method::POST] {
            let answer = user.at(0, method.clone(), path).send().await.expect("answered");
            let caching = header(&answer, CACHE_CONTROL);
            let is_private = caching.contains("private") || caching.contains("no-store");
            if header(&answer, CONTENT_TYPE) == "application/json"
                && (header(&answer, "x-content-type-options".parse().expect("a name")) != "nosniff" || !is_private)
            {
                wrong.push(format!("{method} {path}: {:?}", answer.headers()));
            }
        }
    }
    assert_none(&wrong);
    let page = user.get(0, "messages").send().await.expect("answered");
    assert_eq!(header(&page, CACHE_CONTROL), "private, no-cache");
    let login = world.client.post(world.url(0, "/api/v1/auth/login"));
    let login =
        login.json(&json!({"username": "alice", "password": "your_strong_password"})).send().await.expect("answered");
    assert!(header(&login, CACHE_CONTROL).contains("no-store"), "it holds a token");
    world.stop().await;
}

#[tokio::test]
async fn encoded_bodies_are_not_supported() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"room_name\"\r\n\r\na room\r\n--b--\r\n";
    let bodies = [("application/json", "{}"), ("multipart/form-data; boundary=b", form)];
    let mut wrong = Vec::new();
    let mut tried = 0;
    for Path { path, methods } in documented() {
        for method in methods.iter().filter(|method| ["POST", "PUT", "PATCH"].contains(&method.as_str())) {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            for encoding in
                ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "GZIP", "gzip, identity", "nonsense"]
            {
                for (content_type, body) in bodies {
                    let request = user.at(0, method.clone(), &path).header(CONTENT_TYPE, content_type).body(body);
                    let answer = request.header("content-encoding", encoding).send().await.expect("answered");
                    tried += 1;
                    if answer.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE {
                        wrong.push(format!("{method} {path} {encoding} {content_type}: {}", answer.status()));
                        continue;
                    }
                    wrong.extend(error_is_in_dialect(&path, answer).await.err());
                }
            }
        }
    }
    assert_none(&wrong);
    assert!(tried > 300, "{tried} requests");
    for encoding in ["identity", "Identity", ""] {
        let body = json!({"message_type": "text", "content": "plain"});
        let sent = user.post(0, "send").json(&body).header("content-encoding", encoding).send().await;
        assert_eq!(answered(sent).await.0, 200, "{encoding:?}");
    }
    world.stop().await;
}
