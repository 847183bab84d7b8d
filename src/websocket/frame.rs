//! Encodes frames (RFC 6455, §5.2), unmasked as servers send them.

use bytes::{BufMut, Bytes, BytesMut};

use super::close::Close;

/// The type of a frame that the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A text message.
    Text = 0x1,
    /// The end of the connection.
    Close = 0x8,
    /// A request for a pong.
    Ping = 0x9,
    /// The response to a ping.
    Pong = 0xA,
}

const FINAL: u8 = 0x80;
/// Maximum payload of a control frame. In a close frame the first two bytes are the code.
const MAX_CONTROL_BYTES: usize = 125;

/// Encodes a text frame with the concatenation of these parts.
pub fn text_frame(parts: &[&str]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut frame = BytesMut::with_capacity(length + 10);
    put_head(&mut frame, Opcode::Text, length);
    for part in parts {
        frame.put_slice(part.as_bytes());
    }
    frame.freeze()
}

/// Encodes a close frame. Truncates a long reason at a character boundary.
pub fn close_frame(close: &Close) -> Bytes {
    let mut end = close.reason.len().min(MAX_CONTROL_BYTES - 2);
    while !close.reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = close.code.to_be_bytes().to_vec();
    payload.extend_from_slice(&close.reason.as_bytes()[..end]);
    control_frame(Opcode::Close, &payload)
}

/// Encodes a control frame. Truncates a long payload.
pub fn control_frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let payload = &payload[..payload.len().min(MAX_CONTROL_BYTES)];
    let mut frame = BytesMut::with_capacity(payload.len() + 2);
    put_head(&mut frame, opcode, payload.len());
    frame.put_slice(payload);
    frame.freeze()
}

fn put_head(frame: &mut BytesMut, opcode: Opcode, length: usize) {
    frame.put_u8(FINAL | opcode as u8);
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

/// Returns the payload length that the first frame in a buffer declares; `None` until its length field is complete.
pub fn declared_length(buffer: &[u8]) -> Option<u64> {
    match buffer.get(1)? & 0x7f {
        126 => Some(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?).into()),
        127 => Some(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)),
        short => Some(short.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_use_their_shortest_encoding() {
        assert_eq!(&text_frame(&["ab", "c"])[..], b"\x81\x03abc");
        assert_eq!(&text_frame(&[&"x".repeat(125)])[..2], b"\x81\x7d");
        assert_eq!(&text_frame(&[&"x".repeat(126)])[..4], b"\x81\x7e\x00\x7e");
        assert_eq!(&text_frame(&[&"x".repeat(65_535)])[..4], b"\x81\x7e\xff\xff");
        assert_eq!(&text_frame(&[&"x".repeat(65_536)])[..10], b"\x81\x7f\0\0\0\0\0\x01\0\0");
    }

    #[test]
    fn a_close_reason_fits_its_frame() {
        assert_eq!(&close_frame(&Close { code: 1012, reason: "bye".into() })[..], b"\x88\x05\x03\xf4bye");
        assert_eq!(close_frame(&Close { code: 1000, reason: "字".repeat(100).into() }).len(), 2 + 2 + 123);
    }
}
