//! Floods against a node in its own process: a client that never stops sending, or never reads what it requests, must
//! neither make the node grow nor delay others.

use std::time::Instant;

use super::Dialect;
use crate::process::{Process, external, token};
use crate::raw_socket::{BINARY, Incoming, PING, RawSocket, TEXT, frame, head};
use crate::support::{PATIENCE, client, scratch, shared_redis};

/// How much a node may grow under any flood here, in bytes. Kept in memory, each flood would take 100 MiB or more.
const MAX_GROWTH: u64 = 48 * 1024 * 1024;
const CONNECTIONS: usize = 20;
const PIECE: usize = 64 * 1024;
/// A flood is stalled when the node answers another connection this many times without reading from the flood.
const STALLED_FOR: usize = 1000;

struct Target {
    node: Process,
    token: String,
    innocent: RawSocket,
    before: u64,
}

impl Target {
    async fn start(has_limits: bool) -> Self {
        let (client, folder) = (client(), scratch());
        let mut environment = external(shared_redis());
        environment.push(("CHINWAG_LIMITS__ENABLED", has_limits.to_string()));
        environment.push(("CHINWAG_LOG__FILTER", "error,chinwag::node=info".to_owned()));
        let node = Process::start(&environment, &folder).ready(&client).await;
        let (token, other) = (token(&client, &node.base, "张三").await, token(&client, &node.base, "李四").await);
        let mut innocent = Dialect::Webchat.open(&node.base, &other).await;
        assert_answers(&mut innocent).await;
        let before = node.memory();
        Self { node, token, innocent, before }
    }

    async fn open(&self, dialect: Dialect) -> RawSocket {
        dialect.open(&self.node.base, &self.token).await
    }

    /// Asserts that another connection is served and that the node has not grown.
    async fn assert_unharmed(&mut self) {
        assert_answers(&mut self.innocent).await;
        let growth = self.node.memory().saturating_sub(self.before);
        assert!(growth < MAX_GROWTH, "{} MiB more than {} MiB", growth >> 20, self.before >> 20);
    }

    /// Sends a frame repeatedly without reading, until the node stops reading or closes the connection.
    async fn flood(&mut self, raw: &mut RawSocket, piece: &[u8], most_bytes: usize) {
        let (mut sent, mut answers) = (0, 0);
        while sent < most_bytes && answers < STALLED_FOR {
            match raw.send_what_fits(&piece[sent % piece.len()..]) {
                Ok(bytes) => {
                    sent += bytes;
                    answers = 0;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    assert_answers(&mut self.innocent).await;
                    answers += 1;
                }
                Err(_) => return,
            }
        }
    }
}

async fn assert_answers(raw: &mut RawSocket) {
    raw.send_text(r#"{"type":"ping"}"#).await;
    loop {
        match raw.next().await {
            Incoming::Text(frame) if frame["type"] == "pong" => return,
            Incoming::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads until the end. Returns the code of the close frame, if there was one.
async fn end_of(raw: &mut RawSocket) -> Option<u16> {
    let started = Instant::now();
    let mut code = None;
    loop {
        match raw.next().await {
            Incoming::Close(found, _) => code = found,
            Incoming::End => return code,
            Incoming::Text(_) | Incoming::Pong(_) => assert!(started.elapsed() < PATIENCE, "it does not end"),
        }
    }
}

/// As many whole frames as fill a piece.
fn many(frame: &[u8]) -> Vec<u8> {
    frame.repeat(PIECE.div_ceil(frame.len()))
}

#[tokio::test]
async fn a_million_fragments_are_cut_at_1024() {
    let mut target = Target::start(false).await;
    for dialect in super::ALL {
        let mut raw = target.open(dialect).await;
        raw.send(&frame(0x01, b"{")).await;
        let fragments = many(&frame(0x00, b" "));
        for _ in 0..7_000_000 / fragments.len() {
            if !raw.send(&fragments).await {
                break;
            }
        }
        assert_eq!(end_of(&mut raw).await, Some(1009), "{dialect:?}");
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn large_messages_that_are_never_finished_hold_little() {
    let mut target = Target::start(false).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut whole = target.open(Dialect::Webchat).await;
        whole.send(&head(TEXT, 128 * 1024)).await;
        whole.send(&vec![b' '; 128 * 1024 - 1]).await;
        let mut pieces = target.open(Dialect::Imtypes).await;
        pieces.send(&frame(0x01, &vec![b' '; 127 * 1024])).await;
        open.extend([whole, pieces]);
    }
    target.assert_unharmed().await;
}

#[tokio::test]
async fn clients_that_flood_and_never_read_are_held_within_bounds() {
    let mut target = Target::start(false).await;
    let history = r#"{"type":"fetch_history","payload":{"room_id":1,"page_size":1000}}"#;
    let floods = [
        ("pings", Dialect::Webchat, frame(PING, &[b'x'; 125])),
        ("empty pings", Dialect::Messenger, frame(PING, b"")),
        ("binary frames", Dialect::Imtypes, frame(BINARY, b"")),
        ("binary frames", Dialect::Envelope, frame(BINARY, b"")),
        ("nonsense", Dialect::Imtypes, frame(TEXT, b"x")),
        ("nonsense", Dialect::Envelope, frame(TEXT, b"")),
        ("pings of document 000", Dialect::Webchat, frame(TEXT, b"{\"type\":\"ping\"}")),
        ("histories", Dialect::Webchat, frame(TEXT, history.as_bytes())),
    ];
    for (_, dialect, flood) in floods {
        let mut open = Vec::new();
        for _ in 0..2 {
            let mut raw = target.open(dialect).await;
            target.flood(&mut raw, &many(&flood), 8 * 1024 * 1024).await;
            open.push(raw);
        }
        target.assert_unharmed().await;
    }
}

#[tokio::test]
async fn pings_that_are_read_are_answered_in_order_however_many() {
    let mut target = Target::start(false).await;
    let mut raw = target.open(Dialect::Webchat).await;
    for begin in (0..10_000_u32).step_by(100) {
        let pings: Vec<u8> = (begin..begin + 100).flat_map(|number| frame(PING, &number.to_be_bytes())).collect();
        raw.send(&pings).await;
        for number in begin..begin + 100 {
            assert_eq!(raw.next().await, Incoming::Pong(number.to_be_bytes().to_vec()));
        }
    }
    target.assert_unharmed().await;
}

#[tokio::test]
async fn who_sends_too_much_too_fast_is_closed_with_1008() {
    let mut target = Target::start(true).await;
    for flood in [frame(PING, b""), frame(BINARY, b"")] {
        // Each with its own user, because rates are per user.
        let mut raw = target.open(Dialect::Webchat).await;
        raw.send(&flood.repeat(10_000)).await;
        assert_eq!(end_of(&mut raw).await, Some(1008));
        target.assert_unharmed().await;
        target.token = token(&client(), &target.node.base, "王五").await;
    }
}
