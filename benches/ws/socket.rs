//! Sockets in their rooms.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::Result;
use crate::common::frame::{CLOSE, Frame, PING, PONG, TEXT, from_client};
use crate::common::reader::{Reader, UPGRADED, upgrade_request, write};
use crate::subject::{Subject, Target};

/// From connecting to being in the room.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// Sockets that are being opened at a time.
const OPENING: usize = 64;

/// An open socket that has entered its room.
pub struct Socket {
    pub reader: Reader,
    pub writer: OwnedWriteHalf,
}

impl Socket {
    /// Connects, upgrades and enters the room.
    async fn open(subject: Subject, target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", target.port)).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let mut socket = Self { reader: Reader::new(reader), writer };
        let path = subject.path(target);
        write(&socket.writer, upgrade_request(&path).as_bytes())?;
        let head = socket.reader.head().await?;
        if !head.starts_with(UPGRADED) {
            return Err(format!("{path} is no WebSocket: {head}").into());
        }
        for step in subject.greeting(target) {
            if !step.send.is_empty() {
                write(&socket.writer, &from_client(TEXT, step.send.as_bytes()))?;
            }
            socket.expect(step.expect).await?;
        }
        Ok(socket)
    }

    async fn expect(&mut self, words: &str) -> Result<()> {
        let is_found = Cell::new(false);
        let look = |frame: &Frame<'_>| {
            is_found.set(is_found.get() || contains(frame.payload, words.as_bytes()));
            refuse_error(frame.payload)
        };
        self.reader.early(look)?;
        while !is_found.get() {
            self.reader.read(look).await?;
        }
        Ok(())
    }
}

/// Opens a socket to each target, some at a time.
pub async fn open_all(subject: Subject, targets: Vec<Target>) -> Result<Vec<Socket>> {
    let next = Rc::new(Cell::new(0));
    let targets = Rc::new(targets);
    let mut openers = JoinSet::new();
    for _ in 0..OPENING.min(targets.len()) {
        let (targets, next) = (Rc::clone(&targets), Rc::clone(&next));
        openers.spawn_local(async move {
            let mut opened = Vec::new();
            loop {
                let index = next.replace(next.get() + 1);
                let Some(target) = targets.get(index) else { return Ok::<_, String>(opened) };
                let socket = timeout(OPEN_TIMEOUT, Socket::open(subject, target)).await;
                let socket = socket.map_err(|_| format!("{subject:?}: a socket did not enter its room in time"))?;
                opened.push((index, socket.map_err(|error| format!("{subject:?}: {error}"))?));
            }
        });
    }
    let mut opened = Vec::with_capacity(targets.len());
    while let Some(some) = openers.join_next().await {
        opened.extend(some??);
    }
    opened.sort_unstable_by_key(|(index, _)| *index);
    Ok(opened.into_iter().map(|(_, socket)| socket).collect())
}

/// Answers pings. Returns whether the frame was one.
pub fn keep_alive(subject: Subject, frame: &Frame<'_>, writer: &OwnedWriteHalf) -> Result<bool> {
    match frame.opcode {
        TEXT => {
            let is_ping = subject.ping().is_some_and(|ping| frame.payload == ping.ask);
            if let Some(ping) = subject.ping().filter(|_| is_ping) {
                write(writer, &from_client(TEXT, ping.answer))?;
            }
            Ok(is_ping)
        }
        PING => write(writer, &from_client(PONG, frame.payload)).map(|()| true),
        CLOSE => {
            let code = frame.payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
            Err(format!("the server closed with code {code}").into())
        }
        opcode => Err(format!("a frame of kind {opcode}").into()),
    }
}

/// Fails on a payload that reports an error.
pub fn refuse_error(payload: &[u8]) -> Result<()> {
    match contains(payload, b"\"error\"") {
        true => Err(format!("the server says {}", String::from_utf8_lossy(payload)).into()),
        false => Ok(()),
    }
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|some| some == words)
}
