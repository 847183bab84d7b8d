//! Reads frames from a client, and bounds them before they are buffered.
//!
//! The framework's decoder checks a frame's length only once the whole frame is buffered. This reader refuses a frame
//! by its header.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::rc::Rc;

use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use actix_web::dev::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio_util::codec::Decoder;

use crate::edge::turn::{OF_A_FRAME, take_turn};
use crate::fanout::{Claimant, Turn, Turns};
use crate::websocket::declared_length;

/// Maximum size of a message, whole or in fragments.
const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// Maximum number of fragments of a message.
const MAX_FRAGMENTS: usize = 1024;

/// A message or control frame from a client.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::edge) enum Inbound {
    Text(String),
    Binary,
    Ping(Bytes),
    Pong,
    Close(Option<u16>),
}

/// A reason why no more frames can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Broken {
    /// The client closed the connection, or it was lost.
    Gone,
    /// A frame violates the protocol.
    Protocol,
    /// A text message is not valid UTF-8.
    NotUtf8,
    /// A message is too long or has too many fragments.
    TooLarge,
}

/// Size of a read.
const READ_BYTES: usize = 4096;

/// Reads frames: first from the bytes that the framework has read after the handshake, then from the socket.
pub(in crate::edge) struct Frames {
    /// Bytes that the framework has read; `None` once they are consumed.
    payload: Option<Payload>,
    stream: Rc<TcpStream>,
    buffer: BytesMut,
    codec: Codec,
    /// The fragmented message that is being received: its payload so far, whether it is text, and its fragments so far.
    fragments: Option<(Vec<u8>, bool, usize)>,
    /// A frame that was read, until it is its turn.
    waiting: Option<Inbound>,
    turns: Turns,
    claimant: Claimant,
    /// The turn of the previous frame, which lasts until the next one is requested.
    turn: Option<Turn>,
}

impl Frames {
    /// Of a connection of the claimant.
    pub(in crate::edge) fn new(payload: Payload, stream: Rc<TcpStream>, turns: Turns, claimant: Claimant) -> Self {
        let codec = Codec::new().max_size(MAX_MESSAGE_BYTES);
        Self {
            payload: Some(payload),
            stream,
            buffer: BytesMut::new(),
            codec,
            fragments: None,
            waiting: None,
            turns,
            claimant,
            turn: None,
        }
    }

    /// Reads the next message or control frame, and waits for its turn. Nothing is lost when this is cancelled.
    pub(in crate::edge) async fn next(&mut self) -> Result<Inbound, Broken> {
        self.turn = None;
        if self.waiting.is_none() {
            self.waiting = Some(self.read_next().await?);
        }
        self.turn = Some(take_turn(&self.turns, self.claimant, OF_A_FRAME).await);
        self.waiting.take().ok_or(Broken::Gone)
    }

    async fn read_next(&mut self) -> Result<Inbound, Broken> {
        loop {
            while let Some(frame) = self.decode()? {
                if let Some(inbound) = self.assemble(frame)? {
                    return Ok(inbound);
                }
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Broken> {
        while let Some(payload) = &mut self.payload {
            match payload.next().await {
                Some(Ok(bytes)) => {
                    self.buffer.extend_from_slice(&bytes);
                    return Ok(());
                }
                // The framework has released the connection.
                Some(Err(_)) | None => self.payload = None,
            }
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new(); // an idle connection keeps no buffer
        }
        loop {
            // Unlike `readable()`, this takes no space in the future of an idle connection. No other task may wait like
            // this.
            poll_fn(|cx| self.stream.poll_read_ready(cx)).await.map_err(|_| Broken::Gone)?;
            match self.read_now() {
                Ok(0) => return Err(Broken::Gone),
                Ok(_) => return Ok(()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => return Err(Broken::Gone),
            }
        }
    }

    /// Reads without blocking. A short read means that the socket is drained and clears its readiness. With
    /// `TcpStream::try_read_buf` that would take a second call, and a buffer for it.
    fn read_now(&mut self) -> io::Result<usize> {
        let mut bytes = [0; READ_BYTES];
        let mut read = Err(ErrorKind::WouldBlock.into());
        let _is_drained = self.stream.try_io(Interest::READABLE, || {
            read = (&*SockRef::from(&*self.stream)).read(&mut bytes);
            match &read {
                Ok(READ_BYTES) => Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
                _ => Err(ErrorKind::WouldBlock.into()),
            }
        });
        let read = read?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }

    /// Ends writing. What was written last arrives before the end.
    pub(in crate::edge) fn shut_down(&self) {
        // An error would mean that the connection is gone.
        drop(SockRef::from(&*self.stream).shutdown(Shutdown::Write));
    }

    /// Reads and discards until the client closes the connection. Closing it earlier could reset it, and lose frames
    /// that the client has not received yet.
    pub(in crate::edge) async fn drain(&self) {
        let mut discarded = BytesMut::with_capacity(READ_BYTES);
        loop {
            discarded.clear();
            if self.stream.readable().await.is_err() {
                return;
            }
            match self.stream.try_read_buf(&mut discarded) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Frame>, Broken> {
        if declared_length(&self.buffer).is_some_and(|length| length > MAX_MESSAGE_BYTES as u64) {
            return Err(Broken::TooLarge);
        }
        self.codec.decode(&mut self.buffer).map_err(|error| match error {
            ProtocolError::Overflow => Broken::TooLarge,
            _ => Broken::Protocol,
        })
    }

    fn assemble(&mut self, frame: Frame) -> Result<Option<Inbound>, Broken> {
        Ok(Some(match frame {
            Frame::Text(bytes) => Inbound::Text(utf8(bytes.to_vec())?),
            Frame::Binary(_) => Inbound::Binary,
            Frame::Ping(bytes) => Inbound::Ping(Bytes::copy_from_slice(&bytes)),
            Frame::Pong(_) => Inbound::Pong,
            Frame::Close(reason) => Inbound::Close(reason.map(|reason| reason.code.into())),
            Frame::Continuation(item) => return self.add_fragment(item),
        }))
    }

    fn add_fragment(&mut self, item: Item) -> Result<Option<Inbound>, Broken> {
        let (bytes, is_last) = match &item {
            Item::FirstText(bytes) | Item::FirstBinary(bytes) => {
                self.fragments = Some((Vec::new(), matches!(item, Item::FirstText(_)), 0));
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some((message, is_text, count)) = &mut self.fragments else { return Err(Broken::Protocol) };
        *count += 1;
        if *count > MAX_FRAGMENTS || message.len() + bytes.len() > MAX_MESSAGE_BYTES {
            return Err(Broken::TooLarge);
        }
        message.extend_from_slice(bytes);
        if !is_last {
            return Ok(None);
        }
        let (message, is_text) = (std::mem::take(message), *is_text);
        self.fragments = None;
        if is_text { utf8(message).map(|text| Some(Inbound::Text(text))) } else { Ok(Some(Inbound::Binary)) }
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Broken> {
    String::from_utf8(bytes).map_err(|_| Broken::NotUtf8)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::UserId;

    fn frames(payload: Payload, stream: TcpStream) -> Frames {
        Frames::new(payload, Rc::new(stream), Turns::default(), Claimant::User(UserId(1)))
    }

    /// Builds a client's frame, masked with zeros.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).expect("short")];
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        frame
    }

    async fn read_in_pieces(bytes: Vec<u8>, piece: usize) -> Vec<Result<Inbound, Broken>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("accepted");
        // The framework delivers the first piece.
        let (first, rest) = bytes.split_at(piece.min(bytes.len()));
        let first = futures_util::stream::iter([Ok(Bytes::copy_from_slice(first))]);
        let mut frames = frames(Payload::Stream { payload: Box::pin(first) }, stream);
        let rest = rest.to_vec();
        let writing = tokio::spawn(async move {
            for piece in rest.chunks(piece) {
                if client.write_all(piece).await.is_err() {
                    return; // the frame was refused already
                }
            }
        });
        let mut all = Vec::new();
        loop {
            match frames.next().await {
                Err(Broken::Gone) => break,
                Err(broken) => {
                    all.push(Err(broken));
                    break;
                }
                inbound => all.push(inbound),
            }
        }
        drop(frames);
        writing.await.expect("no panic");
        all
    }

    #[actix_web::test]
    async fn messages_are_read_in_pieces_of_any_size() {
        let mut bytes = frame(0x81, "你好".as_bytes());
        bytes.extend(frame(0x01, b"ab"));
        bytes.extend(frame(0x89, b"in between"));
        bytes.extend(frame(0x80, b"c"));
        bytes.extend(frame(0x82, b"x"));
        for piece in [1, 2, 7, 1000] {
            let read = read_in_pieces(bytes.clone(), piece).await;
            let expected = [
                Ok(Inbound::Text("你好".to_owned())),
                Ok(Inbound::Ping("in between".into())),
                Ok(Inbound::Text("abc".to_owned())),
                Ok(Inbound::Binary),
            ];
            assert_eq!(read, expected, "in pieces of {piece}");
        }
    }

    #[actix_web::test]
    async fn a_client_that_never_pauses_gives_way_to_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let chunk = Bytes::from(frame(0x81, b"{").repeat(100));
        let chunks = futures_util::stream::iter((0..100).map(move |_| Ok(chunk.clone())));
        let mut frames = frames(Payload::Stream { payload: Box::pin(chunks) }, client);
        let read = Rc::new(std::cell::Cell::new(0));
        let count = Rc::clone(&read);
        actix_web::rt::spawn(async move {
            while frames.next().await.is_ok() {
                count.set(count.get() + 1);
            }
        });
        tokio::task::yield_now().await;
        assert!((1..=16).contains(&read.get()), "{} frames in one turn", read.get());
    }

    #[actix_web::test]
    async fn an_idle_connection_keeps_no_buffer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("accepted");
        let mut frames = frames(Payload::None, stream);
        for _ in 0..3 {
            client.write_all(&frame(0x81, b"hello")).await.expect("not broken");
            assert_eq!(frames.next().await, Ok(Inbound::Text("hello".to_owned())));
            assert!(tokio::time::timeout(Duration::ZERO, frames.next()).await.is_err(), "no further frame was sent");
            assert_eq!(frames.buffer.capacity(), 0);
        }
    }

    #[actix_web::test]
    async fn a_frame_that_is_too_long_is_refused_by_its_header() {
        let mut huge = vec![0x81, 0x80 | 127];
        huge.extend_from_slice(&(1_u64 << 40).to_be_bytes());
        assert_eq!(read_in_pieces(huge, 1).await, [Err(Broken::TooLarge)]);
    }

    #[actix_web::test]
    async fn frames_that_violate_the_protocol_are_refused() {
        let mut many = frame(0x01, b"a");
        (0..MAX_FRAGMENTS).for_each(|_| many.extend(frame(0x00, b"a")));
        for (bytes, broken) in [
            (many, Broken::TooLarge),
            (frame(0x81, b"\xff"), Broken::NotUtf8),
            (frame(0xc1, b"a"), Broken::Protocol),
            (frame(0x83, b"a"), Broken::Protocol),
            (frame(0x80, b"a"), Broken::Protocol),
            (vec![0x81, 0x01, b'a'], Broken::Protocol),
        ] {
            assert_eq!(read_in_pieces(bytes, 1000).await.last(), Some(&Err(broken)));
        }
    }
}
