//! Sockets in their rooms.

use std::cell::Cell;
use std::time::Duration;

use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;

use crate::common::Result;
use crate::common::frame::{Frame, TEXT, from_client};
use crate::common::parallel::in_parallel;
use crate::common::reader::write;
use crate::common::socket::{Socket, answer_control};
use crate::subject::{Subject, Target};

/// From connecting to being in the room.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// Sockets that are being opened at a time.
const OPENING: usize = 64;

/// Opens a socket to each target, some at a time.
pub async fn open_all(subject: Subject, targets: Vec<Target>) -> Result<Vec<Socket>> {
    in_parallel(targets, OPENING, async move |target| {
        let socket = timeout(OPEN_TIMEOUT, open(subject, target)).await;
        let socket = socket.map_err(|_| format!("{subject:?}: a socket did not enter its room in time"))?;
        Ok(socket.map_err(|error| format!("{subject:?}: {error}"))?)
    })
    .await
}

/// Connects, upgrades and enters the room.
async fn open(subject: Subject, target: &Target) -> Result<Socket> {
    let mut socket = Socket::open(target.port, &subject.path(target)).await?;
    for step in subject.greeting(target) {
        if !step.send.is_empty() {
            write(&socket.writer, &from_client(TEXT, step.send.as_bytes()))?;
        }
        expect(&mut socket, step.expect).await?;
    }
    Ok(socket)
}

async fn expect(socket: &mut Socket, words: &str) -> Result<()> {
    let is_found = Cell::new(false);
    let look = |frame: &Frame<'_>| {
        is_found.set(is_found.get() || contains(frame.payload, words.as_bytes()));
        refuse_error(frame.payload)
    };
    socket.reader.early(look)?;
    while !is_found.get() {
        socket.reader.read(look).await?;
    }
    Ok(())
}

/// Answers pings. Returns whether the frame was one.
pub fn keep_alive(subject: Subject, frame: &Frame<'_>, writer: &OwnedWriteHalf) -> Result<bool> {
    if frame.opcode != TEXT {
        return answer_control(frame, writer).map(|()| true);
    }
    let Some(ping) = subject.ping().filter(|ping| frame.payload == ping.ask) else { return Ok(false) };
    write(writer, &from_client(TEXT, ping.answer)).map(|()| true)
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
