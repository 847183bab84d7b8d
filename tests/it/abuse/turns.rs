//! Clients that never wait for a response: others are served in between.

use futures_util::future::{Either, join_all, select};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bad_frames::Dialect;
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::{User, World, answered, ok, room_id, shared_redis};

/// Requests and frames that are sent at once.
const AT_ONCE: usize = 3000;
const FRAMES_AT_ONCE: usize = 15_000;
/// More heartbeats than one would be answered in if all were handled in a turn or two.
const ENOUGH: usize = 12;

/// How many heartbeats a user gets answered while something is under way.
async fn heartbeats_during(user: &User<'_>, work: impl Future<Output = ()>) -> usize {
    let mut work = Box::pin(work);
    let mut heartbeats = 0;
    loop {
        let heartbeat = Box::pin(async { ok(user.post(0, "heartbeat").send().await).await });
        match select(work, heartbeat).await {
            Either::Left(_) => return heartbeats,
            Either::Right((_, rest)) => work = rest,
        }
        heartbeats += 1;
    }
}

/// Pages of the longest messages that are asked for at once.
const PAGES: usize = 24;

async fn world() -> World {
    World::start_with(1, shared_redis(), |config| {
        config.server.workers = 1;
        config.limits.enabled = false;
    })
    .await
}

#[tokio::test]
async fn requests_that_wait_for_no_answer_leave_others_their_turns() {
    let world = world().await;
    let alice = world.user(0, "alice").await;
    let mut connection = TcpStream::connect(world.nodes[0].address()).await.expect("the node listens");
    let requests = "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n".repeat(AT_ONCE);
    let heartbeats = heartbeats_during(&alice, async {
        let (mut reader, mut writer) = connection.split();
        let writing = async { writer.write_all(requests.as_bytes()).await.expect("open") };
        let reading = async {
            let (mut answers, mut buffer, mut rest) = (0, [0; 64 * 1024], String::new());
            while answers < AT_ONCE {
                let read = reader.read(&mut buffer).await.expect("open");
                assert!(read > 0, "the connection ended after {answers} answers");
                rest.push_str(std::str::from_utf8(&buffer[..read]).expect("text"));
                // The last line may be incomplete.
                let (whole, last) = rest.rsplit_once("\r\n").map_or(("", rest.as_str()), |(whole, last)| (whole, last));
                answers += whole.matches("HTTP/1.1 404 ").count();
                rest = last.to_owned();
            }
        };
        futures_util::join!(writing, reading);
    })
    .await;
    assert!(heartbeats > ENOUGH, "only {heartbeats} heartbeats were answered meanwhile");
    world.stop().await;
}

#[tokio::test]
async fn frames_that_wait_for_no_answer_leave_others_their_turns() {
    let world = world().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let mut socket = Dialect::WebchatExt.open_over(RawSocket::connect(&world.base(0)).await, &bob.token).await;
    // Texts of one byte, masked with zeros.
    let frames = [0x81, 0x81, 0, 0, 0, 0, b'{'].repeat(FRAMES_AT_ONCE);
    let heartbeats = heartbeats_during(&alice, async {
        assert!(socket.send(&frames).await, "the connection is open");
        let mut answers = 0;
        while answers < FRAMES_AT_ONCE {
            match socket.next().await {
                Incoming::Text(frame) if frame["type"] == "error" => answers += 1,
                Incoming::Text(_) => {}
                other => panic!("{other:?} after {answers} answers"),
            }
        }
    })
    .await;
    assert!(heartbeats > ENOUGH, "only {heartbeats} heartbeats were answered meanwhile");
    world.stop().await;
}

/// A page. A user who has many under way on a slow machine is told to ask again.
async fn page(user: &User<'_>, path: &str) -> Value {
    loop {
        let (status, page) = answered(user.get(0, path).send().await).await;
        if status != 429 {
            assert_eq!(status, 200, "{page}");
            return page;
        }
    }
}

#[tokio::test]
async fn pages_of_long_messages_leave_others_their_turns() {
    let world = world().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = room_id(bob.make_group(0, "long", &[]).await);
    let long = "字".repeat(5000);
    for _ in 0..100 {
        bob.send(0, &room, &long).await;
    }
    let path = format!("messages?room_id={room}&limit=100");
    let pages = async {
        let pages = join_all((0..PAGES).map(|_| page(&bob, &path))).await;
        assert!(pages.iter().all(|page| page.as_array().is_some_and(|page| page.len() == 100)));
    };
    let heartbeats = heartbeats_during(&alice, pages).await;
    assert!(heartbeats > ENOUGH, "only {heartbeats} heartbeats were answered meanwhile");
    world.stop().await;
}
