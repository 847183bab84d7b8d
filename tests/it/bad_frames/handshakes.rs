//! Handshakes: refusals before the upgrade, their status and wording, and the choice of the dialect.

use jsonwebtoken::Algorithm;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Dialect, Stage, world};
use crate::bad_input::{claims, sign};
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::World;

const PATHS: [&str; 3] = ["/ws", "/api/v1/ws", "/ws/chat"];

fn header(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The keys of an error body of the dialect that owns a path. `/ws/chat` belongs to two and has the neutral body.
fn keys(path: &str) -> &'static [&'static str] {
    match path {
        "/api/v1/ws" => &["code", "error", "message"],
        _ => &["error"],
    }
}

/// Describes what is wrong with a refusal, if anything.
fn difference(path: &str, status: u16, found: &(u16, Value)) -> Option<String> {
    let body = found.1.as_object().map(|body| body.keys().map(String::as_str).collect::<Vec<_>>());
    let is_right = found.0 == status && body.as_deref() == Some(keys(path));
    (!is_right).then(|| format!("{path}: {found:?} instead of {status} with {:?}", keys(path)))
}

async fn refusal(world: &World, target: &str, lines: &str) -> (u16, Value) {
    match RawSocket::connect(&world.base(0)).await.open(target, lines).await {
        Ok(_) => (101, Value::Null),
        Err(refusal) => refusal,
    }
}

#[tokio::test]
async fn without_a_good_token_nobody_gets_in() {
    let world = world().await;
    let user = world.user(0, "张三").await;
    let secret = world.config.auth.jwt_secret.expose_secret();
    let good = sign(&claims(), Algorithm::HS256, secret);
    let old = |age: i64| json!({"exp": claims()["exp"].as_i64().expect("a time") - age});
    let changed = |change: Value| {
        let mut claims = claims();
        claims.as_object_mut().expect("claims").extend(change.as_object().expect("claims").clone());
        sign(&claims, Algorithm::HS256, secret)
    };
    // "alg": "none".
    let parts: Vec<&str> = good.split('.').collect();
    let unsigned = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{}.", parts[1]);
    let tokens = [
        ("none", String::new()),
        ("a word", "token".to_owned()),
        ("dots", "..".to_owned()),
        ("not signed", unsigned),
        ("signature cut off", format!("{}.{}.", parts[0], parts[1])),
        ("cut short", good[..good.len() - 2].to_owned()),
        ("signed by another", sign(&claims(), Algorithm::HS256, &"another secret, long enough".repeat(2))),
        ("another algorithm", sign(&claims(), Algorithm::HS512, secret)),
        ("expired", changed(old(2 * 24 * 60 * 60))),
        ("of 20 KB", "x".repeat(20_000)),
        ("percent signs", "%".to_owned()),
    ];
    let mut wrong = Vec::new();
    for path in PATHS {
        for (name, token) in &tokens {
            for (target, lines) in [(path.to_owned(), header(token)), (format!("{path}?token={token}"), String::new())]
            {
                let found = refusal(&world, &target, &lines).await;
                wrong.extend(difference(path, 401, &found).map(|wrong| format!("{name}: {wrong}")));
            }
        }
        for lines in [String::new(), format!("Authorization: Basic {}\r\n", user.token), "Authorization:\r\n".into()] {
            let found = refusal(&world, path, &lines).await;
            wrong.extend(difference(path, 401, &found).map(|wrong| format!("{lines:?}: {wrong}")));
        }
        // Makes sure that a token signed by the test is accepted.
        assert_eq!(refusal(&world, path, &header(&good)).await.0, 101);
        assert_eq!(refusal(&world, &format!("{path}?token={good}"), "").await.0, 101);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_in_dialect() {
    let world = world().await;
    let user = world.user(0, "张三").await;
    let head = |method: &str, path: &str, lines: &[&str]| {
        format!("{method} {path} HTTP/1.1\r\nHost: {{host}}\r\n{}{}\r\n", header(&user.token), lines.concat())
    };
    let (upgrade, connection) = ("Upgrade: websocket\r\n", "Connection: Upgrade\r\n");
    let (version, key) = ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    let mut wrong = Vec::new();
    for path in PATHS {
        let get = |lines: &[&str]| head("GET", path, lines);
        let mut cases = vec![
            ("no upgrade", get(&[]), 400),
            ("no Upgrade", get(&[connection, version, key]), 400),
            ("another Upgrade", get(&["Upgrade: h2c\r\n", connection, version, key]), 400),
            ("no Connection", get(&[upgrade, version, key]), 400),
            ("another Connection", get(&[upgrade, "Connection: keep-alive\r\n", version, key]), 400),
            ("no version", get(&[upgrade, connection, key]), 400),
            ("version 12", get(&[upgrade, connection, "Sec-WebSocket-Version: 12\r\n", key]), 400),
            ("version 99", get(&[upgrade, connection, "Sec-WebSocket-Version: 99\r\n", key]), 400),
            ("no key", get(&[upgrade, connection, version]), 400),
        ];
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            cases.push((method, head(method, path, &[upgrade, connection, version, key]), 405));
            cases.push((method, head(method, path, &["Content-Length: 0\r\n"]), 405));
        }
        for (name, head, status) in cases {
            let found = RawSocket::connect(&world.base(0)).await.ask(&head).await;
            wrong.extend(difference(path, status, &found).map(|wrong| format!("{name}: {wrong}")));
        }
    }
    for path in ["/ws/", "/ws/other", "/wss", "/ws/chat/x", "/api/v1/ws/x"] {
        let found = refusal(&world, path, &header(&user.token)).await;
        if found.0 != 404 {
            wrong.push(format!("{path}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await;
}

#[tokio::test]
async fn pages_of_other_origins_do_not_get_in() {
    let world = world().await;
    let user = world.user(0, "张三").await;
    let own = format!("Origin: {}\r\n", world.base(0));
    let mut wrong = Vec::new();
    for path in PATHS {
        for origin in [
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example:80",
            "http://evil.example@localhost",
            "ftp://localhost",
            "localhost",
            "null",
            "*",
            "",
        ] {
            let found = refusal(&world, path, &format!("{}Origin: {origin}\r\n", header(&user.token))).await;
            wrong.extend(difference(path, 403, &found).map(|wrong| format!("{origin}: {wrong}")));
        }
        // A token in the query makes no difference, not even an invalid one.
        for target in [format!("{path}?token={}", user.token), format!("{path}?token=x")] {
            let found = refusal(&world, &target, "Origin: https://evil.example\r\n").await;
            wrong.extend(difference(path, 403, &found));
        }
        for origin in ["http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:3000"] {
            let found = refusal(&world, path, &format!("{}Origin: {origin}\r\n", header(&user.token))).await;
            assert_eq!(found.0, 101, "{path} {origin}");
        }
        assert_eq!(refusal(&world, path, &format!("{}{own}", header(&user.token))).await.0, 101, "{path} {own}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await;
}

/// The dialect in which a connection refuses nonsense.
async fn dialect(mut raw: RawSocket) -> &'static str {
    raw.send_text("nonsense").await;
    let Incoming::Text(frame) = raw.next().await else { panic!("no refusal") };
    match (frame["type"].as_str(), frame.get("payload"), frame.get("code")) {
        (Some("system"), None, None) => "imtypes",
        (Some("error"), Some(_), None) => "webchat",
        (Some("error"), None, Some(_)) => "messenger",
        (None, None, Some(_)) => "envelope",
        _ => panic!("{frame}"),
    }
}

#[tokio::test]
async fn a_handshake_decides_the_dialect_unless_the_client_names_one() {
    let world = world().await;
    let (zhang, li) = (world.user(0, "张三").await, world.user(0, "李四").await);
    let (own, other) = (&zhang.token, &li.token);
    let in_header = header(own);
    for (target, lines, expected) in [
        (format!("/ws/chat?token={own}"), "", "imtypes"),
        ("/ws/chat".into(), in_header.as_str(), "messenger"),
        (format!("/ws/chat?token={own}"), &in_header, "imtypes"),
        ("/ws/chat?token=".into(), &in_header, "messenger"),
        (format!("/ws/chat?dialect=messenger&token={own}"), "", "messenger"),
        (format!("/ws/chat?token={own}&dialect=messenger"), &in_header, "messenger"),
        ("/ws/chat?dialect=imtypes".into(), &in_header, "imtypes"),
        (format!("/ws/chat?token={own}&token={other}"), "", "imtypes"),
        (format!("/ws?token={own}"), "", "webchat"),
        ("/ws".into(), &in_header, "webchat"),
        (format!("/ws?token={own}&dialect=imtypes"), "", "webchat"),
        (format!("/api/v1/ws?token={own}&dialect=messenger"), "", "envelope"),
    ] {
        let raw = RawSocket::connect(&world.base(0)).await.open(&target, lines).await;
        let raw = raw.unwrap_or_else(|refusal| panic!("{target}: {refusal:?}"));
        assert_eq!(dialect(raw).await, expected, "{target} {lines}");
    }
    for name in ["webchat", "envelope", "chatroom", "nonsense", "IMTYPES"] {
        let target = format!("/ws/chat?dialect={name}&token={own}");
        let found = refusal(&world, &target, "").await;
        assert!((400..=401).contains(&found.0), "{name}: {found:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn refused_handshakes_leave_open_connections_alone() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let mut raw = stage.connection(Dialect::Webchat).await;
    for _ in 0..200 {
        assert_eq!(refusal(&world, "/ws?token=forged", "").await.0, 401);
    }
    stage.talk(Dialect::Webchat, &mut raw).await.expect("both hear each other");
    world.stop().await;
}
