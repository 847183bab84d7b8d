//! The table of bytes: what RFC 6455 forbids, what is too large, and what is unusual but valid.

use std::time::Duration;

use super::texts::malformed;
use super::{ALL, Dialect, Expected, Row, Stage, world};
use crate::raw_socket::{BINARY, CLOSE, Incoming, PING, PONG, TEXT, frame, head};

const KIB: usize = 1024;
/// The maximum length of a message.
const MOST: usize = 128 * KIB;
/// The maximum number of fragments of a message.
const MOST_FRAGMENTS: usize = 1024;
/// First bytes of fragments: the first of a text, the first of binary data, a middle one, the last.
const FIRST: u8 = 0x01;
const FIRST_BINARY: u8 = 0x02;
const NEXT: u8 = 0x00;
const LAST: u8 = 0x80;

fn closed(name: impl Into<String>, dialect: Dialect, bytes: Vec<u8>, code: u16) -> Row {
    Row { name: name.into(), dialect, bytes, expected: Expected::Closed(code) }
}

fn refused(name: impl Into<String>, dialect: Dialect, bytes: Vec<u8>) -> Row {
    Row { name: name.into(), dialect, bytes, expected: Expected::Frame(malformed(dialect)) }
}

fn fragments(first: u8, payloads: &[&[u8]]) -> Vec<u8> {
    let last = payloads.len() - 1;
    let kind = |index| if index == 0 { first } else { NEXT } | if index == last { LAST } else { 0 };
    payloads.iter().enumerate().flat_map(|(index, payload)| frame(kind(index), payload)).collect()
}

fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

fn forbidden(dialect: Dialect) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| rows.push(closed(name, dialect, bytes, 1002));
    for bits in [0x40, 0x20, 0x10, 0x70] {
        add(format!("reserved bits {bits:#x}"), frame(TEXT | bits, b"{}"));
        add(format!("reserved bits {bits:#x} of a ping"), frame(PING | bits, b""));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        add(format!("opcode {opcode}"), frame(0x80 | opcode, b"{}"));
    }
    add("no mask".into(), b"\x81\x02{}".to_vec());
    add("a ping without mask".into(), b"\x89\x00".to_vec());
    add("a long frame's head without mask".into(), b"\x81\x7e\x10\x00".to_vec());
    add("a fragment that continues nothing".into(), frame(NEXT, b"a"));
    add("a last fragment that continues nothing".into(), frame(LAST, b"a"));
    add("a message inside another".into(), [frame(FIRST, b"{"), frame(TEXT, b"{}")].concat());
    add("binary data inside a message".into(), [frame(FIRST, b"{"), frame(BINARY, b"{}")].concat());
    add("two beginnings".into(), [frame(FIRST, b"{"), frame(FIRST, b"{")].concat());
    for (name, opcode) in [("close", 8), ("ping", 9), ("pong", 10)] {
        add(format!("a {name} in fragments"), frame(opcode, b""));
        add(format!("a {name} of 126 bytes"), frame(0x80 | opcode, &[b'a'; 126]));
        add(format!("a {name} of 70,000 bytes"), frame(0x80 | opcode, &[b'a'; 70_000]));
    }
    add("a close of 1 byte".into(), frame(CLOSE, b"\x03"));
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        add(format!("close code {code}"), close_frame(code, b"bye"));
    }
    rows
}

fn farewells(dialect: Dialect) -> Vec<Row> {
    let close = |code: u16| closed(format!("close code {code}"), dialect, close_frame(code, b"bye"), code);
    let mut rows: Vec<Row> = [1000, 1001, 1008, 1011, 3000, 4999].into_iter().map(close).collect();
    rows.push(closed("a close without code", dialect, frame(CLOSE, b""), 1000));
    rows.push(closed("frames behind a close", dialect, [close_frame(1000, b""), frame(TEXT, b"{}")].concat(), 1000));
    rows
}

fn too_large(dialect: Dialect) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| rows.push(closed(name, dialect, bytes, 1009));
    add("a text of 128 KiB and 1 byte".into(), frame(TEXT, &vec![b' '; MOST + 1]));
    add("binary data of 128 KiB and 1 byte".into(), frame(BINARY, &vec![0; MOST + 1]));
    add("fragments of 128 KiB and 1 byte".into(), fragments(FIRST, &[&[b' '; MOST], b" "]));
    add("binary fragments of 128 KiB and 1 byte".into(), fragments(FIRST_BINARY, &[&[0; MOST], b" "]));
    for exponent in [18, 31, 32, 40, 62, 63] {
        add(format!("a declared length of 2^{exponent}"), head(TEXT, 1 << exponent));
    }
    add("the greatest length".into(), head(BINARY, u64::MAX));
    add("a ping of 2^40 bytes".into(), head(PING, 1 << 40));
    for (name, payload) in [("empty", &b""[..]), ("1-byte", b" ")] {
        let mut many = frame(FIRST, payload);
        many.extend(frame(NEXT, payload).repeat(MOST_FRAGMENTS));
        add(format!("1025 {name} fragments"), many);
    }
    rows
}

fn not_text(dialect: Dialect) -> Vec<Row> {
    let texts: [(&str, &[u8]); 8] = [
        ("a byte that is never text", b"{\"type\":\"\xff\"}"),
        ("Latin-1", b"{\"type\":\"caf\xe9\"}"),
        ("GBK", b"{\"type\":\"\xc4\xe3\xba\xc3\"}"),
        ("UTF-16", b"\xff\xfe{\0}\0"),
        ("an overlong slash", b"{\"type\":\"\xc0\xaf\"}"),
        ("a surrogate", b"{\"type\":\"\xed\xa0\x80\"}"),
        ("beyond Unicode", b"{\"type\":\"\xf4\x90\x80\x80\"}"),
        ("half a letter", b"{\"type\":\"\xe5\xad"),
    ];
    let mut rows: Vec<Row> =
        texts.iter().map(|(name, bytes)| closed(*name, dialect, frame(TEXT, bytes), 1007)).collect();
    rows.push(closed("half a letter in the last fragment", dialect, fragments(FIRST, &[b"{", b"\xe5\xad"]), 1007));
    rows
}

/// What a client may send although it has no meaning here.
fn allowed(dialect: Dialect) -> Vec<Row> {
    let mut long = vec![b' '; MOST - 1];
    long.push(b'x');
    let mut pieces = frame(FIRST, b"");
    pieces.extend(frame(NEXT, b" ").repeat(MOST_FRAGMENTS - 2));
    pieces.extend(frame(LAST, b"x"));
    let mut rows = vec![
        refused("binary data", dialect, frame(BINARY, b"{\"type\":\"ping\"}")),
        refused("no binary data", dialect, frame(BINARY, b"")),
        refused("128 KiB of binary data", dialect, frame(BINARY, &vec![0; MOST])),
        refused("binary fragments", dialect, fragments(FIRST_BINARY, &[b"{", b"}"])),
        refused("a text of 128 KiB", dialect, frame(TEXT, &long)),
        refused("a text in 1024 fragments", dialect, pieces),
        refused("no text in two fragments", dialect, fragments(FIRST, &[b"", b""])),
    ];
    let pongs = [frame(PONG, b"unasked"), frame(PONG, &[0xff; 125])].concat();
    rows.push(Row { name: "pongs that nobody asked for".into(), dialect, bytes: pongs, expected: Expected::Silence });
    rows
}

async fn try_table(rows_of: impl Fn(Dialect) -> Vec<Row>, speak: &[Dialect]) {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let rows: Vec<Row> = speak.iter().flat_map(|dialect| rows_of(*dialect)).collect();
    stage.try_table(&rows).await;
    world.stop().await;
}

#[tokio::test]
async fn what_the_protocol_forbids_ends_the_connection_with_1002() {
    try_table(forbidden, &[Dialect::Webchat, Dialect::Imtypes]).await;
}

#[tokio::test]
async fn messages_beyond_the_bounds_end_the_connection_with_1009() {
    try_table(too_large, &[Dialect::Webchat, Dialect::Messenger]).await;
}

#[tokio::test]
async fn text_that_is_none_ends_the_connection_with_1007() {
    try_table(not_text, &[Dialect::Webchat, Dialect::Envelope]).await;
}

#[tokio::test]
async fn what_is_allowed_and_meaningless_is_refused_in_dialect() {
    try_table(allowed, &ALL).await;
}

#[tokio::test]
async fn a_farewell_is_returned_with_its_code() {
    try_table(farewells, &[Dialect::Webchat, Dialect::ImtypesExt]).await;
}

#[tokio::test]
async fn letters_cut_between_fragments_and_pings_in_between_are_fine() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let mut raw = stage.connection(Dialect::Webchat).await;
    let text = Dialect::Webchat.say(stage.known.group, "你好").to_string();
    let bytes = text.as_bytes();
    raw.send(&frame(FIRST, &bytes[..1])).await;
    for byte in &bytes[1..bytes.len() - 1] {
        raw.send(&frame(NEXT, &[*byte])).await;
    }
    raw.send(&frame(PING, b"in between \xff")).await;
    assert_eq!(raw.next().await, Incoming::Pong(b"in between \xff".to_vec()));
    raw.send(&frame(LAST, &bytes[bytes.len() - 1..])).await;
    for socket in [&mut raw, &mut stage.innocent] {
        let Incoming::Text(frame) = socket.next().await else { panic!("no message") };
        assert_eq!(frame["payload"]["content"], "你好");
    }
    world.stop().await;
}

/// A connection has a second after its close frame. A busy machine adds some; silence alone would end it after 60.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_connection_ends_soon_after_its_farewell_whatever_its_client_does() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    for farewell in [frame(BINARY, &vec![0; MOST + 1]), frame(TEXT, b"\xff"), close_frame(1000, b"")] {
        let mut raw = stage.connection(Dialect::Messenger).await;
        raw.send(&farewell).await;
        assert!(matches!(raw.next().await, Incoming::Close(..)));
        assert_eq!(raw.next_within(ENDS_WITHIN).await, Some(Incoming::End));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_client_that_only_listens_from_now_on_is_told_farewell() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    for dialect in ALL {
        let mut raw = stage.connection(dialect).await;
        // In the middle of a frame, and between frames.
        if dialect == Dialect::Webchat {
            raw.send(&frame(TEXT, b"{\"type\":\"ping\"}")[..9]).await;
        }
        raw.shut_down().await;
        assert_eq!(raw.next().await, Incoming::Close(Some(1000), String::new()), "{dialect:?}");
        assert_eq!(raw.next().await, Incoming::End, "{dialect:?}");
    }
    world.stop().await;
}
