//! Frames: what dialects print, and the bytes on the wire (RFC 6455, §5.2, unmasked as servers send them).

use bytes::{BufMut, Bytes, BytesMut};

use crate::domain::{RoomEvent, UserId};

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const FINAL: u8 = 0x80;
/// A control frame carries at most 125 bytes; a close frame's first two are its code.
const MAX_CONTROL_BYTES: usize = 125;

/// How a connection wants its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameKey {
    /// The dialect.
    pub dialect: &'static str,
    /// Whether the connection asked for what the document does not have.
    pub is_extended: bool,
}

/// What an encoder needs to know besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Whether the connection asked for what the document does not have.
    pub is_extended: bool,
    /// Put before paths of ours; empty to leave them as they are.
    pub base_url: &'a str,
}

/// A dialect's way to print an event. Called once per event and [`FrameKey`], however many connections.
#[derive(Clone, Copy)]
pub struct Encoder {
    /// Connections with an equal key get equal frames.
    pub key: FrameKey,
    /// Prints an event; `None` when this dialect does not show it.
    pub encode: fn(&RoomEvent, Style<'_>) -> Option<Frame>,
}

/// The text of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The same for all.
    Same(String),
    /// With the viewer's number between two parts, and other words behind it for one viewer.
    PerViewer {
        /// Before the number.
        before: String,
        /// Behind it.
        after: String,
        /// Behind it for this viewer.
        own: Option<(UserId, String)>,
    },
}

/// A frame that is ready to be written, or nearly.
pub(super) enum ReadyFrame {
    Same(Bytes),
    PerViewer { before: String, after: String, own: Option<(UserId, String)> },
}

impl ReadyFrame {
    pub(super) fn new(frame: Frame) -> Self {
        match frame {
            Frame::Same(text) => Self::Same(text_frame(&[&text])),
            Frame::PerViewer { before, after, own } => Self::PerViewer { before, after, own },
        }
    }

    /// The bytes for a viewer.
    pub(super) fn for_viewer(&self, viewer: UserId) -> Bytes {
        match self {
            Self::Same(bytes) => bytes.clone(),
            Self::PerViewer { before, after, own } => {
                let after = own.as_ref().filter(|(user, _)| *user == viewer).map_or(after, |(_, after)| after);
                text_frame(&[before, &viewer.to_string(), after])
            }
        }
    }
}

/// A text frame of these parts.
pub fn text_frame(parts: &[&str]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut frame = BytesMut::with_capacity(length + 10);
    put_head(&mut frame, TEXT, length);
    for part in parts {
        frame.put_slice(part.as_bytes());
    }
    frame.freeze()
}

/// A close frame; a reason that is too long is cut.
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(MAX_CONTROL_BYTES - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    control_frame(CLOSE, &payload)
}

/// A control frame: ping (9), pong (10).
pub fn control_frame(opcode: u8, payload: &[u8]) -> Bytes {
    let payload = &payload[..payload.len().min(MAX_CONTROL_BYTES)];
    let mut frame = BytesMut::with_capacity(payload.len() + 2);
    put_head(&mut frame, opcode, payload.len());
    frame.put_slice(payload);
    frame.freeze()
}

fn put_head(frame: &mut BytesMut, opcode: u8, length: usize) {
    frame.put_u8(FINAL | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => frame.put_u8(short),
        (_, Ok(medium)) => {
            frame.put_u8(126);
            frame.put_u16(medium);
        }
        _ => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_their_shortest_form() {
        assert_eq!(&text_frame(&["ab", "c"])[..], b"\x81\x03abc");
        assert_eq!(&text_frame(&[&"x".repeat(125)])[..2], b"\x81\x7d");
        assert_eq!(&text_frame(&[&"x".repeat(126)])[..4], b"\x81\x7e\x00\x7e");
        assert_eq!(&text_frame(&[&"x".repeat(65_535)])[..4], b"\x81\x7e\xff\xff");
        assert_eq!(&text_frame(&[&"x".repeat(65_536)])[..10], b"\x81\x7f\0\0\0\0\0\x01\0\0");
    }

    #[test]
    fn a_close_reason_fits_its_frame() {
        assert_eq!(&close_frame(1012, "bye")[..], b"\x88\x05\x03\xf4bye");
        assert_eq!(close_frame(1000, &"字".repeat(100)).len(), 2 + 2 + 123);
    }

    #[test]
    fn a_viewer_has_a_frame_of_their_own() {
        let own = Some((UserId(7), "!".to_owned()));
        let frame = ReadyFrame::new(Frame::PerViewer { before: "<".to_owned(), after: ">".to_owned(), own });
        assert_eq!(&frame.for_viewer(UserId(12))[..], b"\x81\x04<12>");
        assert_eq!(&frame.for_viewer(UserId(7))[..], b"\x81\x03<7!");
    }
}
