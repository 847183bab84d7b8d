//! A WebSocket client that sends arbitrary bytes and reads only on request.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::PATIENCE;

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// Kernel buffers of a connection that fills quickly: the segment size limits what the other side can buffer.
const SMALL_BUFFER: u32 = 4096;
const SMALL_SEGMENT: u32 = 536;

/// A received frame, or the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    Text(Value),
    Pong(Vec<u8>),
    /// With this code and reason.
    Close(Option<u16>, String),
    /// The connection is closed.
    End,
}

/// A connection.
pub struct RawSocket {
    stream: TcpStream,
    host: String,
    read: Vec<u8>,
    received: usize,
}

impl RawSocket {
    /// Connects to a node and sends nothing.
    pub async fn connect(base: &str) -> Self {
        Self::connect_by(base, TcpSocket::new_v4().expect("a socket")).await
    }

    /// The same with small buffers between both sides.
    pub async fn connect_narrow(base: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(SMALL_BUFFER).expect("a size");
        socket2::SockRef::from(&socket).set_tcp_mss(SMALL_SEGMENT).expect("a size");
        Self::connect_by(base, socket).await
    }

    async fn connect_by(base: &str, socket: TcpSocket) -> Self {
        let host = base.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let address: SocketAddr = host.parse().expect("an address");
        let stream = within(socket.connect(address)).await.expect("the node listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, host, read: Vec::new(), received: 0 }
    }

    /// Opens a WebSocket at `path` with these further header lines.
    pub async fn open(mut self, path: &str, lines: &str) -> Result<Self, (u16, Value)> {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n",
            self.host
        );
        match self.ask(&head).await {
            (101, _) => Ok(self),
            refused => Err(refused),
        }
    }

    /// Sends a request's head, in which `{host}` is replaced by the node's address. Returns the response's status and JSON.
    pub async fn ask(&mut self, head: &str) -> (u16, Value) {
        assert!(self.send(head.replace("{host}", &self.host).as_bytes()).await, "the connection is open");
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at;
            }
            assert!(self.fill(PATIENCE).await, "no answer: {:?}", String::from_utf8_lossy(&self.read));
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_ascii_lowercase();
        self.read.drain(..end + 4);
        let status = head["http/1.1 ".len()..][..3].parse().expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        while self.read.len() < length {
            assert!(self.fill(PATIENCE).await, "an answer in part: {head}");
        }
        let body: Vec<u8> = self.read.drain(..length).collect();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The same where the node may close the connection instead: `None` if it does.
    pub async fn try_ask(&mut self, head: &str) -> Option<u16> {
        self.send(head.replace("{host}", &self.host).as_bytes()).await;
        while !self.read.ends_with(b"}") {
            if !self.fill(PATIENCE).await {
                return None;
            }
        }
        let answer = String::from_utf8(std::mem::take(&mut self.read)).expect("text");
        answer["HTTP/1.1 ".len()..][..3].parse().ok()
    }

    /// Sends bytes. `false` when the connection is closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        within(self.stream.write_all(bytes)).await.is_ok()
    }

    pub async fn send_text(&mut self, text: &str) -> bool {
        self.send(&frame(TEXT, text.as_bytes())).await
    }

    /// Sends what fits into the buffers, without waiting.
    pub fn send_what_fits(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.try_write(bytes)
    }

    /// Shuts down the sending side, unless the connection is closed.
    pub async fn shut_down(&mut self) {
        self.stream.shutdown().await.unwrap_or_else(|error| assert_eq!(error.kind(), ErrorKind::NotConnected));
    }

    /// The next frame.
    pub async fn next(&mut self) -> Incoming {
        self.next_within(PATIENCE).await.unwrap_or_else(|| panic!("nothing came"))
    }

    /// The next frame, or `None` after this time. Answers and skips pings.
    pub async fn next_within(&mut self, patience: Duration) -> Option<Incoming> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            if let Some((heard, length)) = parse(&self.read[self.received..]) {
                self.received += length;
                match heard {
                    Some(heard) => return Some(heard),
                    None => {
                        self.send(&frame(PONG, b"")).await;
                        continue;
                    }
                }
            }
            self.read.drain(..self.received);
            self.received = 0;
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match tokio::time::timeout(left, self.stream.read_buf(&mut self.read)).await.ok()? {
                Ok(0) | Err(_) => return Some(Incoming::End),
                Ok(_) => {}
            }
        }
    }

    /// The text of the next frame, not parsed; `None` for anything else.
    pub async fn next_text(&mut self) -> Option<String> {
        loop {
            if let Some((TEXT, begin, end)) = bounds(&self.read[self.received..]) {
                let payload = self.read[self.received + begin..self.received + end].to_vec();
                self.received += end;
                return Some(String::from_utf8(payload).expect("text"));
            }
            if bounds(&self.read[self.received..]).is_some() {
                return None;
            }
            self.read.drain(..self.received);
            self.received = 0;
            if !self.fill(PATIENCE).await {
                return None;
            }
        }
    }

    async fn fill(&mut self, patience: Duration) -> bool {
        let read = tokio::time::timeout(patience, self.stream.read_buf(&mut self.read)).await;
        matches!(read, Ok(Ok(length)) if length > 0)
    }
}

async fn within<T>(action: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, action).await.expect("the node does not take it")
}

/// A client's frame with this first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The head of a client's frame with this length in its shortest form.
pub fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..126 => head.push(0x80 | u8::try_from(length).expect("short")),
        126..0x1_0000 => {
            head.push(0x80 | 126);
            head.extend(u16::try_from(length).expect("short").to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head.extend(MASK);
    head
}

/// The first frame of a server, `None` for a ping, and its length.
fn parse(bytes: &[u8]) -> Option<(Option<Incoming>, usize)> {
    let (first, begin, end) = bounds(bytes)?;
    let payload = &bytes[begin..end];
    let heard = match first {
        TEXT => Incoming::Text(serde_json::from_slice(payload).expect("JSON")),
        PING => return Some((None, end)),
        PONG => Incoming::Pong(payload.to_vec()),
        CLOSE => {
            let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
            let reason = payload.get(2..).unwrap_or_default();
            Incoming::Close(code, String::from_utf8(reason.to_vec()).expect("a reason is text"))
        }
        other => panic!("a frame of kind {other:#x}"),
    };
    Some((Some(heard), end))
}

/// The first byte of the first frame, and the start and end of its payload, if the frame is complete.
fn bounds(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "servers do not mask");
    let (begin, length) = match second {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into()),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = begin + usize::try_from(length).expect("a length");
    (bytes.len() >= end).then_some((first, begin, end))
}
