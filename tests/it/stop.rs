//! Stopping a node: WebSockets are asked to reconnect, each after its own delay, and no client delays the stop.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::bad_frames::{ALL, Dialect};
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::{Redis, World, eventually, shared_redis};

const SOCKETS: usize = 60;
/// Twenty batches are closed over two seconds. On a busy machine, the first ones may be noticed late.
const PACED_OVER: Duration = Duration::from_millis(700);
/// Seconds from not being ready to closing sockets: enough to check every socket.
const DRAIN_SECS: u64 = 6;
/// The maximum duration of a stop, whatever clients do: the drain and the node's limits for sockets, requests and the last
/// report add up to 16 seconds. The rest is a margin for a busy machine.
const LONGEST: Duration = Duration::from_secs(30);
const RETRY_AFTER: &str = "retry_after_ms=";

/// Reads until the connection is closed with 1012. Returns the delay before reconnecting, in milliseconds.
async fn restart_of(raw: &mut RawSocket) -> u64 {
    loop {
        match raw.next().await {
            Incoming::Close(Some(1012), reason) => {
                let (_, retry_ms) = reason.split_once(RETRY_AFTER).unwrap_or_else(|| panic!("{reason}"));
                raw.shut_down().await;
                return retry_ms.parse().unwrap_or_else(|_| panic!("{reason}"));
            }
            Incoming::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_stopping_node_is_not_ready_first_and_then_closes_its_sockets_in_batches() {
    let change = |config: &mut chinwag::config::Config| {
        config.limits.enabled = false;
        config.server.drain_secs = DRAIN_SECS;
    };
    let mut world = World::start_with(2, shared_redis(), change).await;
    let (base, ready) = (world.base(0), world.url(0, "/health/ready"));
    let user = world.user(1, "张三").await;
    let (token, client) = (user.token.clone(), world.client.clone());
    let mut open = Vec::new();
    for dialect in ALL.into_iter().cycle().take(SOCKETS) {
        open.push((dialect, dialect.open(&base, &token).await));
    }
    let mut elsewhere = Dialect::Webchat.open(&world.base(1), &token).await;
    let node = world.nodes.remove(0);

    let begun = Instant::now();
    let observe = async {
        eventually("it is not ready", async || {
            client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 503)
        })
        .await;
        // Connections still work during the drain; new ones are refused.
        elsewhere.send_text(&Dialect::Webchat.say(1, "还在").to_string()).await;
        for (dialect, raw) in &mut open {
            loop {
                let Incoming::Text(frame) = raw.next().await else { panic!("{dialect:?} is closed early") };
                if dialect.content(&frame) == Some("还在") {
                    break;
                }
            }
        }
        let refused = RawSocket::connect(&base).await.open(&format!("/ws?token={token}"), "").await;
        assert_eq!(refused.map(|_| ()).map_err(|(status, _)| status), Err(503));

        let closings = open.into_iter().map(|(_, mut raw)| {
            tokio::spawn(async move {
                let retry_ms = restart_of(&mut raw).await;
                (Instant::now(), retry_ms)
            })
        });
        let mut closed = Vec::new();
        for closing in closings.collect::<Vec<_>>() {
            closed.push(closing.await.expect("closed with 1012"));
        }
        closed
    };
    let ((), closed) = tokio::join!(node.stop(), observe);

    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    let (first, last) = (closed.iter().map(|(at, _)| at).min(), closed.iter().map(|(at, _)| at).max());
    let (first, last) = (*first.expect("some"), *last.expect("some"));
    assert!(last - first > PACED_OVER, "all within {:?}", last - first);
    let times: HashSet<u64> = closed.iter().map(|(_, retry_ms)| *retry_ms).collect();
    assert!(times.len() > SOCKETS / 2 && times.iter().all(|ms| *ms < 10_000), "{times:?}");
    // Sockets of the other node are not affected.
    elsewhere.send_text(r#"{"type":"ping"}"#).await;
    loop {
        let Incoming::Text(frame) = elsewhere.next().await else { panic!("closed, too") };
        if frame["type"] == "pong" {
            break;
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn clients_that_never_read_do_not_hold_up_a_stop() {
    let mut world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let user = world.user(0, "张三").await;
    let (base, token) = (world.base(0), user.token.clone());
    let mut sender = Dialect::Webchat.open(&base, &token).await;
    let mut stuck = Vec::new();
    for dialect in ALL.into_iter().cycle().take(30) {
        stuck.push(dialect.open_over(RawSocket::connect_narrow(&base).await, &token).await);
    }
    for number in 0..300 {
        sender.send_text(&Dialect::Webchat.say(1, &format!("{number}{}", "x".repeat(1500))).to_string()).await;
    }
    for _ in 0..300 {
        assert!(matches!(sender.next().await, Incoming::Text(_)));
    }

    let begun = Instant::now();
    let ((), _) = tokio::join!(world.nodes.remove(0).stop(), restart_of(&mut sender));

    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    drop(stuck);
    world.stop().await;
}

#[tokio::test]
async fn a_handshake_under_way_is_refused_or_closed_like_the_others() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |config| config.limits.enabled = false).await;
    let user = world.user(0, "张三").await;
    let base = world.base(0);
    let mut open = Dialect::Webchat.open(&base, &user.token).await;
    let late = RawSocket::connect(&base).await;
    let path = format!("/ws?token={}", user.token);

    // The handshake waits for the user's rooms until the node closes its sockets.
    redis.signal(Signal::SIGSTOP);
    let begun = Instant::now();
    let node = world.nodes.remove(0);
    let stopping = async {
        // The pong shows that the handshake was read before: there is one worker.
        open.send_text(r#"{"type":"ping"}"#).await;
        assert!(matches!(open.next().await, Incoming::Text(_)));
        let closing = async {
            restart_of(&mut open).await;
            redis.signal(Signal::SIGCONT);
        };
        tokio::join!(node.stop(), closing);
    };
    let knocking = async {
        match late.open(&path, "").await {
            Ok(mut raw) => {
                restart_of(&mut raw).await;
            }
            Err((status, _)) => assert_eq!(status, 503),
        }
    };
    tokio::join!(knocking, stopping);

    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    world.stop().await;
}
