//! Resources of the system that a node uses: open files up to their limit, and memory in small pages.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use crate::process::{Process, external, token};
use crate::raw_socket::RawSocket;
use crate::support::{client, eventually, scratch, shared_redis};

const LIMIT: usize = 128;
const HANDSHAKES: usize = 100;
/// Sockets that a node of one worker opens at least: the rest is for the node itself and in reserve.
const AT_LEAST: usize = 64;

/// A program that starts the binary with few descriptors.
fn limited_binary(folder: &Path) -> PathBuf {
    let program = folder.join("limited");
    let script = format!("#!/bin/sh\nulimit -n {LIMIT}\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_chinwag"));
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    program
}

#[tokio::test]
async fn handshakes_beyond_the_limit_of_descriptors_are_told_to_come_back() {
    let (client, folder) = (client(), scratch());
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_SERVER__WORKERS", "1".to_owned()));
    environment.push(("CHINWAG_LIMITS__ENABLED", "false".to_owned()));
    let node = Process::start_binary(&limited_binary(&folder), &environment, &folder).ready(&client).await;
    let token = token(&client, &node.base, "alice").await;
    let path = format!("/ws?token={token}");

    let (mut open, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..HANDSHAKES {
        match RawSocket::connect(&node.base).await.open(&path, "").await {
            Ok(socket) => open.push(socket),
            Err((status, _)) => refused.push(status),
        }
    }
    assert!(refused.iter().all(|status| *status == 503), "{refused:?}");
    assert!(open.len() >= AT_LEAST, "{} of {HANDSHAKES} opened", open.len());
    assert!(!refused.is_empty(), "the limit was not reached");

    let handshake = client.get(format!("{}{path}", node.base)).headers(
        [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .collect(),
    );
    let answer = handshake.send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    // Requests have descriptors in reserve.
    let live = client.get(format!("{}/health/live", node.base)).send().await.expect("answered");
    assert_eq!(live.status(), StatusCode::OK);

    drop(open);
    eventually("sockets open again", async || RawSocket::connect(&node.base).await.open(&path, "").await.is_ok()).await;
}

#[tokio::test]
async fn an_idle_http_connection_takes_one_descriptor() {
    const CONNECTIONS: usize = 20;
    let (client, folder) = (client(), scratch());
    let node = Process::start(&external(shared_redis()), &folder).ready(&client).await;
    let before = node.open_files();
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = RawSocket::connect(&node.base).await;
        let (status, _) = connection.ask("GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n").await;
        assert_eq!(status, 200);
        idle.push(connection);
    }
    // A few more may be those of the node itself.
    assert!(node.open_files() <= before + CONNECTIONS + CONNECTIONS / 2, "{} from {before}", node.open_files());
}

#[tokio::test]
async fn a_node_takes_no_huge_pages() {
    let folder = scratch();
    let node = Process::start(&external(shared_redis()), &folder);
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).expect("the node runs");
    assert!(status.contains("THP_enabled:\t0"), "{status}");
}
