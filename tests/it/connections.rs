//! Connections of slow clients, and addresses with many connections.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw_socket::RawSocket;
use crate::support::{PATIENCE, User, World, eventually, shared_redis};

const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n";
/// Short, and longer than a busy machine lets a request wait.
const HEAD_SECS: u32 = 4;
const DRIP: Duration = Duration::from_millis(100);
const CAP: u32 = 6;

async fn world(head_secs: u32) -> World {
    World::start_with(1, shared_redis(), |config| config.server.head_secs = head_secs).await
}

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.nodes[0].address()).await.expect("the node listens")
}

/// Waits for the answers to so many requests, sends `rest` byte after byte, and then nothing more, until the node ends the
/// connection. Returns what it has sent.
async fn drip(mut connection: TcpStream, requests: usize, rest: &[u8]) -> String {
    let mut answer = Vec::new();
    while String::from_utf8_lossy(&answer).matches("HTTP/1.1 200 OK").count() < requests {
        connection.read_buf(&mut answer).await.expect("open");
    }
    let mut drops = tokio::time::interval(DRIP);
    let mut rest = rest.iter();
    let ending = async {
        loop {
            tokio::select! {
                read = connection.read_buf(&mut answer) => {
                    if read.is_ok_and(|length| length > 0) {
                        continue;
                    }
                    return;
                }
                _ = drops.tick() => {
                    let Some(byte) = rest.next() else { continue };
                    if connection.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, ending).await.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for_on_any_request_of_a_connection() {
    let world = world(HEAD_SECS).await;
    let long = format!("GET /health/live HTTP/1.1\r\nX-A: {}", "x".repeat(10_000));
    let heads = ["G", "GET /health/live HTTP/1.1\r\nHost: a\r\n", &long];
    let mut waiting = Vec::new();
    for requests in [0, 1, 3] {
        for head in heads {
            let mut connection = connect(&world).await;
            for _ in 0..requests {
                connection.write_all(LIVE.replace("{host}", "a").as_bytes()).await.expect("open");
            }
            waiting.push((requests, drip(connection, requests, head.as_bytes())));
        }
    }
    let (requests, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
    let answers = futures_util::future::join_all(waiting).await;
    for (requests, answer) in requests.into_iter().zip(answers) {
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), requests, "{answer}");
    }
    // Others are not concerned.
    let mut other = RawSocket::connect(&world.base(0)).await;
    for _ in 0..2 {
        assert_eq!(other.ask(LIVE).await.0, 200);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_is_dripped_is_not_waited_for() {
    let world = world(15).await;
    let user = world.user(0, "alice").await;
    let token = format!("Authorization: Bearer {}\r\n", user.token);
    let json = "Content-Type: application/json\r\nContent-Length: 100000\r\n";
    let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let form = "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n";
    let requests = [
        ("POST /api/v1/auth/login", json.to_owned()),
        ("POST /api/v1/login", json.to_owned()),
        ("POST /api/v1/auth/register", chunked.to_owned()),
        ("POST /api/chat/upload", form.to_owned()),
        ("POST /api/chat/send", format!("{token}{json}")),
        ("POST /api/chat/upload", format!("{token}{form}")),
        ("POST /api/v1/upload/image", format!("{token}{form}")),
        ("POST /nowhere", json.to_owned()),
        ("POST /nowhere", chunked.to_owned()),
    ];
    let waiting = requests.iter().map(async |(request, lines)| {
        let mut connection = connect(&world).await;
        let head = format!("{request} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        connection.write_all(head.as_bytes()).await.expect("open");
        let body = if lines.contains("chunked") { "ffff\r\n".to_owned() } else { String::new() };
        drip(connection, 0, format!("{body}{{{}", " ".repeat(100_000)).as_bytes()).await
    });
    for ((request, _), answer) in requests.iter().zip(futures_util::future::join_all(waiting).await) {
        assert!(answer.starts_with("HTTP/1.1 4"), "{request}: {answer}");
    }
    world.stop().await;
}

/// Opens connections with one request each until the node refuses one.
async fn open_all(world: &World) -> Vec<RawSocket> {
    let mut open = Vec::new();
    while open.len() <= CAP as usize {
        let mut connection = RawSocket::connect(&world.base(0)).await;
        if connection.try_ask(LIVE).await != Some(200) {
            break;
        }
        open.push(connection);
    }
    open
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.connections_per_address = CAP).await;
    // The client of the tests has some itself.
    let open = open_all(&world).await;
    assert!((2..=CAP as usize).contains(&open.len()), "{}", open.len());
    drop(open);
    eventually("connections open again", async || {
        RawSocket::connect(&world.base(0)).await.try_ask(LIVE).await == Some(200)
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn sockets_are_not_among_them() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.connections_per_address = CAP).await;
    let user: User<'_> = world.user(0, "alice").await;
    let mut sockets = Vec::new();
    for _ in 0..3 * CAP {
        sockets.push(world.webchat(0, &user, "").await);
    }
    for socket in &mut sockets {
        socket.assert_quiet().await;
    }
    world.stop().await;
}

#[tokio::test]
async fn trusted_proxies_have_as_many_as_they_like() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.limits.connections_per_address = CAP;
        config.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    assert_eq!(open_all(&world).await.len(), CAP as usize + 1);
    world.stop().await;
}
