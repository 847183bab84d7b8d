//! Which pages may open a WebSocket, behind proxies of all kinds.

use crate::raw_socket::RawSocket;
use crate::support::{World, shared_redis};

const EXTERNAL: &str = "https://chat.example.org";
const PATHS: [&str; 3] = ["/ws", "/ws/chat", "/api/v1/ws"];

/// Opens a WebSocket as a proxy passes the handshake on. Returns the status.
async fn handshake(world: &World, path: &str, token: &str, lines: &str) -> u16 {
    let mut socket = RawSocket::connect(&world.base(0)).await;
    let head = format!(
        "GET {path}?token={token} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    );
    socket.ask(&head).await.0
}

/// Header lines of a handshake, and whether it is allowed.
type Row<'a> = (&'a str, bool);

async fn assert_rows(world: &World, rows: &[Row<'_>]) {
    let user = world.user(0, "alice").await;
    let mut wrong = Vec::new();
    for (lines, is_allowed) in rows {
        let lines: String = lines.split(" | ").map(|line| format!("{line}\r\n")).collect();
        for path in PATHS {
            let found = handshake(world, path, &user.token, &lines).await;
            if found != if *is_allowed { 101 } else { 403 } {
                wrong.push(format!("{path} {lines:?}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_origin_of_the_host_is_our_own_whatever_its_port_is_written_like() {
    let world = World::start(1).await;
    assert_rows(
        &world,
        &[
            ("Host: chat.example.org | Origin: https://chat.example.org", true),
            ("Host: chat.example.org | Origin: http://chat.example.org", true),
            ("Host: chat.example.org:443 | Origin: https://chat.example.org", true),
            ("Host: chat.example.org:80 | Origin: http://chat.example.org", true),
            ("Host: chat.example.org | Origin: https://chat.example.org:443", true),
            ("Host: chat.example.org | Origin: http://chat.example.org:80", true),
            ("Host: chat.example.org:8443 | Origin: https://chat.example.org:8443", true),
            ("Host: CHAT.example.org | Origin: https://chat.Example.ORG", true),
            ("Host: [2001:db8::1]:443 | Origin: https://[2001:db8::1]", true),
            ("Host: [2001:db8::1] | Origin: http://[2001:db8::1]", true),
            ("Host: chat.example.org:443 | Origin: http://chat.example.org", false),
            ("Host: chat.example.org:80 | Origin: https://chat.example.org", false),
            ("Host: chat.example.org:8443 | Origin: https://chat.example.org", false),
            ("Host: chat.example.org | Origin: https://chat.example.org:8443", false),
            ("Host: chat.example.org | Origin: https://chat.example.org.evil.example", false),
            ("Host: chat.example.org | Origin: https://evil.example", false),
            ("Host: chat.example.org | Origin: https://chat.example.org:443.evil.example", false),
            ("Host: chat.example.org | Origin: https://evil@chat.example.org", false),
            ("Host: chat.example.org | Origin: ftp://chat.example.org", false),
            ("Host: chat.example.org | Origin: https://chat.example.org/", false),
            ("Host: [2001:db8::1] | Origin: https://[2001:db8::2]", false),
            // From anyone else these say nothing.
            ("Host: inner:8000 | X-Forwarded-Host: chat.example.org | Origin: https://chat.example.org", false),
            ("Host: inner:8000 | X-Forwarded-Proto: https | Origin: https://chat.example.org", false),
        ],
    )
    .await;
    world.stop().await;
}

#[tokio::test]
async fn the_public_url_is_our_own_origin_whatever_the_host() {
    for public_url in
        [EXTERNAL, "https://chat.example.org/", "https://chat.example.org:443", "https://CHAT.example.org"]
    {
        let world = World::start_with(1, shared_redis(), |config| {
            config.server.public_url = public_url.to_owned();
        })
        .await;
        assert_rows(
            &world,
            &[
                ("Host: inner:8000 | Origin: https://chat.example.org", true),
                ("Host: chat.example.org:443 | Origin: https://chat.example.org", true),
                ("Host: inner:8000 | Origin: https://chat.example.org:443", true),
                ("Host: inner:8000 | Origin: http://chat.example.org", false),
                ("Host: inner:8000 | Origin: https://other.example.org", false),
                ("Host: inner:8000 | Origin: https://chat.example.org.evil.example", false),
            ],
        )
        .await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_under_which_origin_it_was_reached() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    let forwarded = "Host: inner:8000 | X-Forwarded-Host: chat.example.org";
    let rows = [
        (format!("{forwarded} | X-Forwarded-Proto: https | Origin: https://chat.example.org"), true),
        (format!("{forwarded} | X-Forwarded-Proto: wss | Origin: https://chat.example.org"), true),
        (format!("{forwarded}:443 | X-Forwarded-Proto: https | Origin: https://chat.example.org"), true),
        (format!("{forwarded}, inner | X-Forwarded-Proto: https, http | Origin: https://chat.example.org"), true),
        (format!("{forwarded} | Origin: https://chat.example.org"), true),
        (format!("{forwarded} | X-Forwarded-Proto: https | Origin: http://chat.example.org"), false),
        (format!("{forwarded} | X-Forwarded-Proto: https | Origin: https://evil.example"), false),
        ("Host: chat.example.org | X-Forwarded-Proto: https | Origin: https://chat.example.org".to_owned(), true),
        ("Host: chat.example.org | X-Forwarded-Proto: https | Origin: http://chat.example.org".to_owned(), false),
    ];
    let rows: Vec<Row<'_>> = rows.iter().map(|(lines, is_allowed)| (lines.as_str(), *is_allowed)).collect();
    assert_rows(&world, &rows).await;
    world.stop().await;
}
