//! Frames from a client: read from the connection, bounded before they are buffered.
//!
//! The framework's decoder compares a frame's length with its limit only once the whole frame is there; here the
//! header alone is enough to refuse.

use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use actix_web::dev::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio_util::codec::Decoder;

use crate::websocket::declared_length;

/// Longest message, in bytes, whole or in fragments.
const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// Most fragments of a message.
const MAX_FRAGMENTS: usize = 1024;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::edge) enum Inbound {
    Text(String),
    Binary,
    Ping(Bytes),
    Pong,
    Close(Option<u16>),
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Broken {
    /// The client closed the connection, or it was lost.
    Gone,
    /// A frame that the protocol does not allow.
    Protocol,
    /// Text that is no UTF-8.
    NotUtf8,
    /// A message that is too long or in too many pieces.
    TooLarge,
}

/// Bytes read at once.
const READ_BYTES: usize = 4096;

/// Reads frames: first what the framework has read behind the handshake, then the connection itself.
pub(in crate::edge) struct Frames {
    /// Until it ends.
    payload: Option<Payload>,
    stream: Rc<TcpStream>,
    buffer: BytesMut,
    codec: Codec,
    /// The fragments of a message so far, whether it is text, and how many.
    fragments: Option<(Vec<u8>, bool, usize)>,
}

impl Frames {
    pub(in crate::edge) fn new(payload: Payload, stream: Rc<TcpStream>) -> Self {
        let codec = Codec::new().max_size(MAX_MESSAGE_BYTES);
        Self { payload: Some(payload), stream, buffer: BytesMut::new(), codec, fragments: None }
    }

    /// The next message or control frame.
    pub(in crate::edge) async fn next(&mut self) -> Result<Inbound, Broken> {
        loop {
            while let Some(frame) = self.decode()? {
                if let Some(inbound) = self.take(frame)? {
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
                // The framework has let the connection go.
                Some(Err(_)) | None => self.payload = None,
            }
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new(); // an idle connection keeps no buffer
        }
        loop {
            self.stream.readable().await.map_err(|_| Broken::Gone)?;
            match self.read_now() {
                Ok(0) => return Err(Broken::Gone),
                Ok(_) => return Ok(()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => return Err(Broken::Gone),
            }
        }
    }

    /// Takes what is there. Less than was asked for is all there is: the connection then counts as not readable until
    /// more comes. `TcpStream::try_read_buf` would find that out by one more call, for which a buffer would be made.
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

    /// Reads on to the end of the connection without looking: closing it earlier could destroy what is on its way.
    pub(in crate::edge) async fn drain(self) {
        let mut nothing = BytesMut::with_capacity(READ_BYTES);
        loop {
            nothing.clear();
            if self.stream.readable().await.is_err() {
                return;
            }
            match self.stream.try_read_buf(&mut nothing) {
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

    fn take(&mut self, frame: Frame) -> Result<Option<Inbound>, Broken> {
        Ok(Some(match frame {
            Frame::Text(bytes) => Inbound::Text(utf8(bytes.to_vec())?),
            Frame::Binary(_) => Inbound::Binary,
            Frame::Ping(bytes) => Inbound::Ping(Bytes::copy_from_slice(&bytes)),
            Frame::Pong(_) => Inbound::Pong,
            Frame::Close(reason) => Inbound::Close(reason.map(|reason| reason.code.into())),
            Frame::Continuation(item) => return self.take_fragment(item),
        }))
    }

    fn take_fragment(&mut self, item: Item) -> Result<Option<Inbound>, Broken> {
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

    /// A client's frame, masked with zeros.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).expect("short")];
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        frame
    }

    async fn read(bytes: Vec<u8>, piece: usize) -> Vec<Result<Inbound, Broken>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut theirs = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (ours, _) = listener.accept().await.expect("accepted");
        // The first piece comes by way of the framework.
        let (first, rest) = bytes.split_at(piece.min(bytes.len()));
        let first = futures_util::stream::iter([Ok(Bytes::copy_from_slice(first))]);
        let mut frames = Frames::new(Payload::Stream { payload: Box::pin(first) }, Rc::new(ours));
        let rest = rest.to_vec();
        let writing = tokio::spawn(async move {
            for piece in rest.chunks(piece) {
                if theirs.write_all(piece).await.is_err() {
                    return; // refused meanwhile
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
    async fn messages_are_read_however_they_are_cut() {
        let mut bytes = frame(0x81, "你好".as_bytes());
        bytes.extend(frame(0x01, b"ab"));
        bytes.extend(frame(0x89, b"in between"));
        bytes.extend(frame(0x80, b"c"));
        bytes.extend(frame(0x82, b"x"));
        for piece in [1, 2, 7, 1000] {
            let read = read(bytes.clone(), piece).await;
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
    async fn who_waits_keeps_no_buffer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut theirs = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (ours, _) = listener.accept().await.expect("accepted");
        let mut frames = Frames::new(Payload::None, Rc::new(ours));
        for _ in 0..3 {
            theirs.write_all(&frame(0x81, b"hello")).await.expect("not broken");
            assert_eq!(frames.next().await, Ok(Inbound::Text("hello".to_owned())));
            assert!(tokio::time::timeout(Duration::ZERO, frames.next()).await.is_err(), "there is nothing more");
            assert_eq!(frames.buffer.capacity(), 0);
        }
    }

    #[actix_web::test]
    async fn a_header_that_declares_too_much_is_enough() {
        let mut huge = vec![0x81, 0x80 | 127];
        huge.extend_from_slice(&(1_u64 << 40).to_be_bytes());
        assert_eq!(read(huge, 1).await, [Err(Broken::TooLarge)]);
    }

    #[actix_web::test]
    async fn what_the_protocol_forbids_is_refused() {
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
            assert_eq!(read(bytes, 1000).await.last(), Some(&Err(broken)));
        }
    }
}
