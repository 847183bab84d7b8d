//! WebSocket frames (RFC 6455) as far as this measurement needs them: whole messages of one frame, nothing compressed.

use super::Result;

pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const KEY_BYTES: usize = 4;
/// Lengths up to 125 stand in the second byte; 126 and 127 announce two and eight bytes more.
const LONG: u8 = 126;
const LONGER: u8 = 127;

/// A frame at the start of a buffer.
pub struct Frame<'a> {
    pub opcode: u8,
    /// As received: this program masks with a key of zeros only.
    pub payload: &'a [u8],
    /// Head and payload.
    pub bytes: usize,
}

impl<'a> Frame<'a> {
    /// The first frame of `buffer`, or `None` while it is incomplete.
    pub fn first(buffer: &'a [u8]) -> Result<Option<Self>> {
        let [first, second, ..] = *buffer else { return Ok(None) };
        if first & 0xf0 != FIN {
            return Err("a frame is compressed or part of a message".into());
        }
        let (length, length_bytes) = match second & !MASKED {
            LONG => (number(buffer, 2), 2),
            LONGER => (number(buffer, 8), 8),
            length => (Some(usize::from(length)), 0),
        };
        let Some(length) = length else { return Ok(None) };
        let key_bytes = if second & MASKED == 0 { 0 } else { KEY_BYTES };
        let head = 2 + length_bytes + key_bytes;
        let payload = buffer.get(head..head + length);
        Ok(payload.map(|payload| Self { opcode: first & 0x0f, payload, bytes: head + length }))
    }
}

fn number(buffer: &[u8], bytes: usize) -> Option<usize> {
    Some(buffer.get(2..2 + bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

/// A frame as a client sends it. A key of zeros satisfies the protocol and leaves the payload as it is; what the server
/// spends on unmasking does not depend on the key.
pub fn from_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(opcode, MASKED, &[0; KEY_BYTES], payload)
}

/// A text as a server sends it.
pub fn from_server(payload: &[u8]) -> Vec<u8> {
    frame(TEXT, 0, &[], payload)
}

fn frame(opcode: u8, masked: u8, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 10 + key.len());
    frame.push(FIN | opcode);
    match u16::try_from(payload.len()) {
        Ok(length) if length < u16::from(LONG) => frame.push(masked | length as u8),
        Ok(length) => {
            frame.push(masked | LONG);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(masked | LONGER);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(key);
    frame.extend(payload);
    frame
}
