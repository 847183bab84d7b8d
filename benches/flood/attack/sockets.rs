//! WebSockets of document 000 that write too much, and others that read nothing.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::Flood;
use super::client::{address, connect};
use super::lane::short;
use crate::common::Result;
use crate::common::frame::{CLOSE, Frame, TEXT, from_client};
use crate::common::reader::{Reader, UPGRADED, upgrade_request};
use crate::world::{World, longest_text};

/// Time for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Between the end of a socket and the next.
const PAUSE: Duration = Duration::from_millis(100);
const HANDSHAKE_KIND: &str = "handshakes";
const HANDSHAKE_LANES: usize = 8;
const HANDSHAKES_EVERY: Duration = Duration::from_millis(10);
const DEAF_KIND: &str = "sockets that read nothing";
const DEAF_LANES: usize = 20;

/// What a socket writes, and how often. Without a pause it writes as fast as it may.
struct Talk {
    name: &'static str,
    lanes: usize,
    every_ms: u64,
    frame: fn(&Writing<'_>) -> String,
}

const TALKS: [Talk; 6] = [
    Talk { name: "socket: sends", lanes: 4, every_ms: 10, frame: send },
    Talk { name: "socket: typing", lanes: 4, every_ms: 5, frame: typing },
    Talk { name: "socket: histories of 1,000", lanes: 4, every_ms: 20, frame: history },
    Talk { name: "socket: resuming", lanes: 1, every_ms: 200, frame: resume },
    Talk { name: "socket: broken frames", lanes: 2, every_ms: 0, frame: |_| "{".to_owned() },
    Talk { name: "socket: frames of 100 KiB", lanes: 1, every_ms: 20, frame: |_| large() },
];

/// A frame to be written.
struct Writing<'a> {
    world: &'a World,
    account: usize,
    number: usize,
    /// The resume token of the first message that was seen in each room.
    tokens: &'a HashMap<u64, String>,
}

/// Starts all sockets of an account.
pub fn start(flood: &Rc<Flood>, account: usize, tasks: &mut JoinSet<()>) {
    for talk in TALKS.iter().filter(|talk| flood.has(talk.name)) {
        for lane in 0..talk.lanes {
            tasks.spawn_local(talk_for_ever(Rc::clone(flood), talk, account, lane));
        }
    }
    for lane in (0..HANDSHAKE_LANES).filter(|_| flood.has(HANDSHAKE_KIND)) {
        tasks.spawn_local(open_for_ever(Rc::clone(flood), account, lane));
    }
    for lane in (0..DEAF_LANES).filter(|_| flood.has(DEAF_KIND)) {
        tasks.spawn_local(never_read(Rc::clone(flood), account, lane));
    }
}

/// Opens a socket. Returns the status of the answer as the error when it is no upgrade.
async fn open(flood: &Flood, account: usize, lane: usize, reads: bool) -> Result<(Reader, OwnedWriteHalf)> {
    let opening = async {
        let stream = connect(address(account, lane), flood.world.port, reads).await?;
        let (reader, mut writer) = stream.into_split();
        let mut reader = Reader::new(reader);
        let path = format!("/ws?ext=1&token={}", flood.world.flooders[account].token);
        writer.write_all(upgrade_request(&path).as_bytes()).await?;
        let head = reader.head().await?;
        match head.starts_with(UPGRADED) {
            true => Ok((reader, writer)),
            false => Err(head.get(9..12).unwrap_or("no status").into()),
        }
    };
    timeout(HANDSHAKE, opening).await.unwrap_or_else(|_| Err("no answer in 10 s".into()))
}

async fn open_for_ever(flood: Rc<Flood>, account: usize, lane: usize) {
    let mut clock = interval(HANDSHAKES_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let outcome = open(&flood, account, lane, true).await;
        flood.note(HANDSHAKE_KIND, outcome.map_or_else(|error| short(&error.to_string()), |_| "101".to_owned()));
    }
}

async fn talk_for_ever(flood: Rc<Flood>, talk: &'static Talk, account: usize, lane: usize) {
    loop {
        let outcome = match open(&flood, account, lane, true).await {
            Ok((reader, writer)) => talk_once(&flood, talk, account, reader, writer).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            flood.note(talk.name, short(&error.to_string()));
        }
        sleep(PAUSE).await;
    }
}

/// Writes until the socket ends.
async fn talk_once(
    flood: &Flood,
    talk: &Talk,
    account: usize,
    mut reader: Reader,
    mut writer: OwnedWriteHalf,
) -> Result<()> {
    let tokens = std::cell::RefCell::default();
    let listening = async {
        loop {
            reader.read(|frame| listen(flood, talk, frame, &mut tokens.borrow_mut())).await?;
        }
    };
    let talking = async {
        let mut clock = interval(Duration::from_millis(talk.every_ms.max(1)));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0.. {
            if talk.every_ms > 0 {
                clock.tick().await;
            }
            let writing = Writing { world: &flood.world, account, number, tokens: &tokens.borrow().clone() };
            writer.write_all(&from_client(TEXT, (talk.frame)(&writing).as_bytes())).await?;
        }
        Ok(())
    };
    tokio::select! {
        outcome = listening => outcome,
        outcome = talking => outcome,
    }
}

/// Counts what the server says, by type, and errors by code.
fn listen(flood: &Flood, talk: &Talk, frame: &Frame<'_>, tokens: &mut HashMap<u64, String>) -> Result<()> {
    if frame.opcode == CLOSE {
        let code = frame.payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
        return Err(format!("closed with {code}").into());
    }
    if frame.opcode != TEXT {
        return Ok(());
    }
    let text = std::str::from_utf8(frame.payload)?;
    let part = |key: &str| text.split_once(key).and_then(|(_, rest)| rest.split('"').next());
    let kind = part(r#""type":""#).unwrap_or_default();
    if kind == "new_message" && std::ptr::fn_addr_eq(talk.frame, resume as fn(&Writing<'_>) -> String) {
        note_token(text, tokens)?;
    }
    match kind {
        "error" => flood.note(talk.name, part(r#""code":""#).unwrap_or("error")),
        // What others do is not an answer.
        "message_history" | "resumed" | "not_recovered" => flood.note(talk.name, kind),
        _ => flood.note(talk.name, "pushes"),
    }
    Ok(())
}

fn note_token(text: &str, tokens: &mut HashMap<u64, String>) -> Result<()> {
    let frame: Value = serde_json::from_str(text)?;
    let (room, token) = (frame["payload"]["room_id"].as_u64(), frame["payload"]["resume"].as_str());
    if let (Some(room), Some(token)) = (room, token) {
        tokens.entry(room).or_insert_with(|| token.to_owned());
    }
    Ok(())
}

/// Asks for long pages and reads none.
async fn never_read(flood: Rc<Flood>, account: usize, lane: usize) {
    loop {
        let outcome = match open(&flood, account, lane, false).await {
            Ok((_reader, writer)) => ask_for_ever(&flood, account, writer).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            flood.note(DEAF_KIND, short(&error.to_string()));
        }
        sleep(PAUSE).await;
    }
}

async fn ask_for_ever(flood: &Flood, account: usize, mut writer: OwnedWriteHalf) -> Result<()> {
    let (world, tokens) = (&flood.world, &HashMap::new());
    for number in 0.. {
        let frame = history(&Writing { world, account, number, tokens });
        writer.write_all(&from_client(TEXT, frame.as_bytes())).await?;
        flood.note(DEAF_KIND, "asked");
        sleep(PAUSE).await;
    }
    Ok(())
}

fn send(writing: &Writing<'_>) -> String {
    let rooms = &writing.world.flooders[writing.account].rooms;
    let room = if writing.number.is_multiple_of(4) { 1 } else { rooms[writing.number % rooms.len()].number };
    json!({ "type": "send_message", "payload": { "room_id": room, "content": longest_text() } }).to_string()
}

fn typing(writing: &Writing<'_>) -> String {
    let rooms = &writing.world.flooders[writing.account].rooms;
    let room = if writing.number.is_multiple_of(4) { 1 } else { rooms[writing.number % rooms.len()].number };
    json!({ "type": "typing", "payload": { "room_id": room } }).to_string()
}

fn history(writing: &Writing<'_>) -> String {
    let room = writing.world.full[writing.number % writing.world.full.len()].number;
    json!({ "type": "fetch_history", "payload": { "room_id": room, "page": 1, "page_size": 1000 } }).to_string()
}

fn resume(writing: &Writing<'_>) -> String {
    let rooms: HashMap<String, &String> =
        writing.tokens.iter().map(|(room, token)| (room.to_string(), token)).collect();
    json!({ "type": "resume", "payload": { "rooms": rooms } }).to_string()
}

fn large() -> String {
    json!({ "type": "nothing", "payload": { "content": "a".repeat(100 * 1024) } }).to_string()
}
