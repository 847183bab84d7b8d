//! Behaviour shared by all routes: origins, request ids, documentation, health, metrics.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{PATIENCE, World, shared_redis};

#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_others_may_not() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.server.allowed_origins = vec!["https://app.example.org".to_owned()];
    })
    .await;
    let user = world.user(0, "alice").await;
    let cases = [
        ("http://localhost:5173", true),
        ("http://127.0.0.1:3000", true),
        ("https://app.example.org", true),
        ("https://app.example.org.evil.example", false),
        ("http://localhost.evil.example", false),
        ("null", false),
    ];
    for (origin, is_allowed) in cases {
        let allowed = |answer: &reqwest::Response| {
            answer.headers().get("access-control-allow-origin").map(|value| value.to_str().expect("text").to_owned())
        };
        let expected = is_allowed.then(|| origin.to_owned());
        let url = world.url(0, "/api/chat/send");
        let preflight = world
            .client
            .request(Method::OPTIONS, url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,idempotency-key")
            .send()
            .await
            .expect("answered");
        assert_eq!(allowed(&preflight), expected, "preflight from {origin}");
        assert_eq!(preflight.status().is_success(), is_allowed, "preflight from {origin}");
        let answer = user.get(0, "stats").header("origin", origin).send().await.expect("answered");
        assert_eq!(allowed(&answer), expected, "call from {origin}");
        assert_eq!(answer.headers().get("access-control-allow-credentials"), None);
        let url = world.url(0, "/api/chat/stats");
        let refused = world.client.get(url).header("origin", origin).send().await.expect("answered");
        assert_eq!((allowed(&refused), refused.status()), (expected, StatusCode::UNAUTHORIZED), "error for {origin}");
    }
    let answer = user.get(0, "rooms").header("origin", "http://localhost").send().await.expect("answered");
    let exposed = answer.headers()["access-control-expose-headers"].to_str().expect("text").to_ascii_lowercase();
    for header in ["x-next-cursor", "etag", "retry-after"] {
        assert!(exposed.contains(header), "{exposed}");
    }
    world.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let world = World::start(1).await;
    let mut ids = std::collections::HashSet::new();
    for path in ["/health/live", "/api/chat/stats", "/nowhere", "/api/v1/auth/login", "/metrics"] {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        ids.insert(answer.headers()["x-request-id"].to_str().expect("text").to_owned());
    }
    assert_eq!(ids.len(), 5);
    world.stop().await;
}

#[tokio::test]
async fn errors_are_worded_by_who_owns_the_path() {
    let world = World::start(1).await;
    let cases = [
        (Method::GET, "/api/chat/nothing", 404, r#"{"detail":"请求的资源不存在"}"#),
        (Method::PUT, "/api/chat/stats", 405, r#"{"detail":"请求方法不允许"}"#),
        (Method::GET, "/api/v1/auth/nothing", 404, r#"{"error":"Not found"}"#),
        (Method::GET, "/api/v1/auth/login", 405, r#"{"error":"Method not allowed"}"#),
        (Method::GET, "/nothing", 404, r#"{"error":"not found"}"#),
        (Method::GET, "/uploads/chat/../../etc/passwd", 404, r#"{"error":"not found"}"#),
        (Method::GET, "/uploads/chat/x.png", 404, r#"{"error":"not found"}"#),
        (Method::POST, "/health/live", 405, r#"{"error":"method not allowed"}"#),
    ];
    for (method, path, status, body) in cases {
        let answer = world.client.request(method.clone(), world.url(0, path)).send().await.expect("answered");
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.text().await.expect("a body"), body, "{method} {path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn browsers_get_a_page_where_there_is_none_and_programs_an_error() {
    let world = World::start(1).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let get = async |path: &str, accepted: &str| {
        let request = world.client.get(world.url(0, path)).header("accept", accepted);
        let answer = request.send().await.expect("answered");
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.headers().contains_key("etag"), "{path}: known, it would come without its text");
        (kind, answer.text().await.expect("a body"))
    };
    for path in ["/nothing", "/chat/7", "/chat.html", "/favicon.ico", "/docs/nothing"] {
        let (kind, text) = get(path, browser).await;
        assert_eq!(kind, "text/html; charset=utf-8", "{path}");
        assert!(text.starts_with("<!doctype html>"), "{path}: {text}");
        for accepted in ["*/*", "application/json"] {
            assert_eq!(get(path, accepted).await.1, r#"{"error":"not found"}"#, "{path}");
        }
    }
    for path in ["/api/nothing", "/api/v1/auth/nothing", "/uploads/chat/x.png"] {
        let (kind, text) = get(path, browser).await;
        assert!(kind.starts_with("application/json"), "{path}: {text}");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_documentation_is_whole_and_needs_no_other_server() {
    let world = World::start(1).await;
    let get = async |path: &str| {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a body")
    };
    let page = get("/docs").await;
    assert!(page.contains("swagger-ui"));
    for line in page.lines().filter(|line| line.contains("src=") || line.contains("href=")) {
        assert!(!line.contains("//"), "loads from elsewhere: {line}");
    }
    get("/docs/swagger-ui-bundle.js").await;
    let openapi: Value = serde_json::from_str(&get("/openapi.json").await).expect("JSON");
    let operations: usize = openapi["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|path| path.as_object().expect("methods").len())
        .sum();
    assert_eq!(operations, 87, "63 of 000, twelve of 003, eight of 001, three of 002, one of 004");
    let example = &openapi["components"]["schemas"]["ChatMessage"]["example"];
    assert_eq!(example["content"], "你好，世界！");
    world.stop().await;
}

#[tokio::test]
async fn metrics_count_requests_by_dialect() {
    let world = World::start(1).await;
    world.client.get(world.url(0, "/api/chat/stats")).send().await.expect("answered");
    let answer = world.client.get(world.url(0, "/metrics")).send().await.expect("answered");
    let text = answer.text().await.expect("a body");
    assert!(text.contains(r#"chinwag_http_requests_total{dialect="chatroom",status="4xx"} 1"#), "{text}");
    assert!(text.contains("chinwag_http_request_duration_seconds_bucket"), "{text}");
    world.stop().await;
}

#[tokio::test]
async fn a_chunked_body_without_end_does_not_hold_its_connection() {
    let world = World::start(1).await;
    let address = world.nodes[0].address();
    let closed = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).expect("connects");
        connection.set_read_timeout(Some(PATIENCE)).expect("set");
        let request = "POST /api/chat/nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\nxxx";
        connection.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = closed.await.expect("no panic").expect("the connection is closed in time");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");

    // The connection stays open after a body that was read completely.
    let user = world.user(0, "alice").await;
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(
        [r#"{"message_type":"text","#, r#""content":"in chunks"}"#].map(Ok::<_, std::io::Error>),
    ));
    let request = user.post(0, "send").header("content-type", "application/json").body(body);
    let sent = request.send().await.expect("answered");
    assert_eq!((sent.status(), sent.headers().get("connection")), (StatusCode::OK, None));
    world.stop().await;
}
