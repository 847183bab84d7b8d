//! Requests to servers on this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const REDIRECT: &str = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";

fn outbound(allowed: &[&str]) -> Outbound {
    let allowed_networks = allowed.iter().map(|network| network.parse().expect("a network")).collect();
    Outbound::new(&OutboundConfig { allowed_networks, refused_networks: Vec::new(), timeout_secs: 1 })
        .expect("a client")
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().expect("an address")
}

/// A server that gives every connection this answer and nothing more. Returns its port.
async fn serve(answer: impl Into<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (port, answer) = (listener.local_addr().expect("an address").port(), answer.into());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            if stream.write_all(&answer).await.is_err() || answer.is_empty() {
                std::future::pending::<()>().await;
            }
        }
    });
    port
}

async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"hello") {
        let count = stream.read_buf(&mut read).await.expect("a request");
        assert!(count > 0, "{}", String::from_utf8_lossy(&read));
    }
    assert!(read.starts_with(b"POST /a HTTP/1.1\r\n") && read.windows(6).any(|part| part == b"x-a: b"));
}

async fn post(outbound: &Outbound, host: &str, port: u16) -> std::result::Result<Answer, Failure> {
    outbound.post(&endpoint(&format!("http://{host}:{port}/a")), &[("x-a", "b")], Bytes::from_static(b"hello")).await
}

#[tokio::test]
async fn only_allowed_addresses_are_connected_to() {
    let port = serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nhi").await;
    let answer = Answer { status: 200, retry_after: Some(Duration::from_secs(7)), body: Bytes::from_static(b"hi") };
    for (allowed, host, expected) in [
        (&["127.0.0.0/8"][..], "127.0.0.1", Ok(&answer)),
        (&["127.0.0.0/8"], "localhost", Ok(&answer)),
        (&["127.0.0.0/8"], "[::ffff:127.0.0.1]", Ok(&answer)),
        (&[], "127.0.0.1", Err(Failure::Closed)),
        (&[], "0x7f.1", Err(Failure::Closed)),
        (&[], "[::ffff:7f00:1]", Err(Failure::Closed)),
        (&[], "localhost", Err(Failure::Closed)),
        (&["10.0.0.0/8"], "localhost", Err(Failure::Closed)),
    ] {
        let found = post(&outbound(allowed), host, port).await;
        assert_eq!(found.as_ref().map_err(Clone::clone), expected, "{host}");
    }
}

#[tokio::test]
async fn redirects_are_answers_and_silence_is_bounded() {
    let outbound = outbound(&["127.0.0.0/8"]);
    let redirected = post(&outbound, "127.0.0.1", serve(REDIRECT).await).await;
    assert_eq!(redirected.map(|answer| answer.status), Ok(302));
    assert_eq!(post(&outbound, "127.0.0.1", serve("").await).await, Err(Failure::Timeout));
    for faulty in ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "noise\r\n\r\n"] {
        let answer = post(&outbound, "127.0.0.1", serve(faulty).await).await;
        assert!(matches!(answer, Err(Failure::Unreachable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn long_answers_are_read_in_part() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(answer.len() + 2 * MAX_ANSWER_BYTES, b'x');
    let answer = post(&outbound(&["127.0.0.0/8"]), "127.0.0.1", serve(answer).await).await;
    assert_eq!(answer.map(|answer| answer.body.len()), Ok(MAX_ANSWER_BYTES));
}
