//! The client's end of a WebSocket. Written by hand because the load's own cost limits what it can measure: all sockets
//! read into one buffer, and bytes are copied only when a frame is incomplete.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::Result;
use super::frame::Frame;

/// Longer than what a socket is sent at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Most heads are shorter.
const HEAD_BYTES: usize = 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";
/// The first bytes of the response to an upgrade.
pub const UPGRADED: &str = "HTTP/1.1 101 ";

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
    pub fn early(&mut self, on_frame: impl FnMut(&Frame<'_>) -> Result<()>) -> Result<()> {
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

/// The request that opens a WebSocket.
pub fn upgrade_request(path: &str) -> String {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\n{key}\r\n\r\n")
}

/// Writes without waiting. Everything in flight fits into the kernel's buffer, unless the server does not read.
pub fn write(writer: &OwnedWriteHalf, bytes: &[u8]) -> Result<()> {
    match writer.try_write(bytes) {
        Ok(written) if written == bytes.len() => Ok(()),
        Ok(_) => Err("the server does not read".into()),
        Err(error) => Err(format!("writing: {error}").into()),
    }
}
