//! The client's end of a socket. Written by hand because the load's own cost limits what it can measure: all sockets
//! read into one buffer, and bytes are copied only when a frame is incomplete.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::Result;
use crate::frame::{CLOSE, Frame, PING, PONG, TEXT, from_client};
use crate::subject::{Subject, Target};

/// Longer than what a socket is sent at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Most heads are shorter.
const HEAD_BYTES: usize = 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";
/// The first bytes of the response to an upgrade.
pub const UPGRADED: &str = "HTTP/1.1 101 ";
/// From connecting to being in the room.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// Sockets that are being opened at a time.
const OPENING: usize = 64;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

/// The reading half.
pub struct Reader {
    half: OwnedReadHalf,
    /// The beginning of a frame that is incomplete.
    rest: Vec<u8>,
}

impl Reader {
    pub fn new(half: OwnedReadHalf) -> Self {
        Self { half, rest: Vec::new() }
    }

    /// Waits for bytes and passes on the complete frames.
    pub async fn read(&mut self, mut on_frame: impl FnMut(&Frame<'_>) -> Result<()>) -> Result<()> {
        let Self { half, rest } = self;
        poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut read = ReadBuf::new(buffer);
                // Unlike `try_read`, this takes a short read as a sign that nothing is left, which saves a system call.
                ready!(Pin::new(&mut *half).poll_read(context, &mut read))?;
                let received = read.filled();
                if received.is_empty() {
                    return Poll::Ready(Err("the connection was closed".into()));
                }
                if rest.is_empty() {
                    let used = each_frame(received, &mut on_frame)?;
                    rest.extend_from_slice(&received[used..]);
                } else {
                    rest.extend_from_slice(received);
                    let used = each_frame(rest, &mut on_frame)?;
                    rest.drain(..used);
                }
                Poll::Ready(Ok(()))
            })
        })
        .await
    }

    /// Reads an HTTP head. Bytes after it are kept for [`Self::read`].
    pub async fn head(&mut self) -> Result<String> {
        let mut buffer = [0; HEAD_BYTES];
        loop {
            if let Some(end) = self.rest.windows(HEAD_END.len()).position(|four| four == HEAD_END) {
                let head = self.rest.drain(..end + HEAD_END.len()).collect();
                return Ok(String::from_utf8(head)?);
            }
            self.half.readable().await?;
            match self.half.try_read(&mut buffer) {
                Ok(0) => return Err("the connection was closed before its upgrade".into()),
                Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Passes on the frames that came with the head.
    fn early(&mut self, on_frame: impl FnMut(&Frame<'_>) -> Result<()>) -> Result<()> {
        let used = each_frame(&self.rest, on_frame)?;
        self.rest.drain(..used);
        Ok(())
    }
}

fn each_frame(bytes: &[u8], mut on_frame: impl FnMut(&Frame<'_>) -> Result<()>) -> Result<usize> {
    let mut used = 0;
    while let Some(frame) = Frame::first(&bytes[used..])? {
        used += frame.bytes;
        on_frame(&frame)?;
    }
    Ok(used)
}

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

/// The request that opens a WebSocket.
pub fn upgrade_request(path: &str) -> String {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\n{key}\r\n\r\n")
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

/// Writes without waiting. Everything in flight fits into the kernel's buffer, unless the server does not read.
pub fn write(writer: &OwnedWriteHalf, bytes: &[u8]) -> Result<()> {
    match writer.try_write(bytes) {
        Ok(written) if written == bytes.len() => Ok(()),
        Ok(_) => Err("the server does not read".into()),
        Err(error) => Err(format!("writing: {error}").into()),
    }
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
