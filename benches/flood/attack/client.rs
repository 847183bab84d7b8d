//! Connections from addresses of one's choice, and an HTTP client that keeps nothing but the status of an answer.

use std::cell::Cell;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::common::Result;
use crate::common::client::header;

const READ_BYTES: usize = 64 * 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";
/// The end of a body in chunks. No JSON has a line end in it.
const CHUNKS_END: &[u8] = b"\r\n0\r\n\r\n";

/// One of an account's addresses.
pub fn address(account: usize, number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 10 + account as u8, 1 + (number % 8) as u8)
}

/// Connects from an address, with a small window if nothing is going to be read.
pub async fn connect(from: Ipv4Addr, port: u16, reads: bool) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    if !reads {
        socket.set_recv_buffer_size(4096)?;
    }
    let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection that asks and waits for the answer.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Whether another request may follow.
    pub is_open: bool,
}

impl Client {
    pub async fn open(from: Ipv4Addr, port: u16) -> Result<Self> {
        Ok(Self { stream: connect(from, port, true).await?, buffer: vec![0; READ_BYTES], is_open: true })
    }

    /// Sends a request and reads the answer, which may come before the request is written. Returns its status.
    pub async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        let (mut reader, mut writer) = self.stream.split();
        let is_written = Cell::new(false);
        let writing = async {
            // The server may close while it answers.
            if writer.write_all(request).await.is_ok() {
                is_written.set(true);
            }
            pending::<()>().await;
        };
        let answer = tokio::select! {
            answer = read_answer(&mut reader, &mut self.buffer) => answer,
            () = writing => Err("never".into()),
        };
        let (status, is_last) = answer?;
        self.is_open = is_written.get() && !is_last;
        Ok(status)
    }
}

/// Reads an answer. Returns its status, and whether it is the last of the connection.
async fn read_answer(reader: &mut (impl AsyncReadExt + Unpin), buffer: &mut [u8]) -> Result<(u16, bool)> {
    let mut filled = 0;
    let end = loop {
        if let Some(end) = buffer[..filled].windows(4).position(|four| four == HEAD_END) {
            break end;
        }
        let read = reader.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err("closed".into());
        }
        filled += read;
    };
    let head = std::str::from_utf8(&buffer[..end])?;
    let status: u16 = head.get(9..12).ok_or("no status")?.parse()?;
    let is_last = header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let length: Option<usize> = header(head, "content-length").map(str::parse).transpose()?;
    let mut body_bytes = filled - end - HEAD_END.len();
    let mut tail = buffer[end..filled].to_vec();
    loop {
        let is_complete = match length {
            Some(length) => body_bytes >= length,
            None => matches!(status, 101 | 204 | 304) || tail.ends_with(CHUNKS_END),
        };
        if is_complete {
            return Ok((status, is_last));
        }
        let read = reader.read(buffer).await?;
        if read == 0 {
            return Err("cut off".into());
        }
        body_bytes += read;
        tail.extend_from_slice(&buffer[read.saturating_sub(CHUNKS_END.len())..read]);
        tail.drain(..tail.len().saturating_sub(CHUNKS_END.len()));
    }
}
