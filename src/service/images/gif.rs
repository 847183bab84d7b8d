//! GIF: keeps frames and the extensions that play them, and drops everything else.

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::Reader;
use crate::domain::{Error, Result};

/// Application extensions that make a GIF play in a loop.
const GIF_LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// Copies a GIF up to its trailer, without comments and application extensions other than loops.
pub(super) fn clean(bytes: &[u8]) -> Result<Bytes> {
    let mut input = Reader(bytes);
    let mut output = BytesMut::with_capacity(bytes.len());
    let screen = input.take(13)?; // signature, size, flags, background, ratio
    output.put_slice(screen);
    output.put_slice(input.take(colour_table(screen[10]))?);
    loop {
        match input.take(1)?[0] {
            0x3b => {
                output.put_u8(0x3b);
                return Ok(output.freeze());
            }
            0x2c => {
                let place = input.take(9)?;
                output.put_u8(0x2c);
                output.put_slice(place);
                output.put_slice(input.take(colour_table(place[8]) + 1)?); // with the byte for the initial code size
                output.put_slice(input.blocks()?);
            }
            0x21 => {
                let label = input.take(1)?[0];
                let blocks = input.blocks()?;
                let is_loop = label == 0xff && GIF_LOOPS.iter().any(|name| blocks.get(1..12) == Some(*name));
                let is_control = label == 0xf9;
                if is_loop || is_control {
                    output.put_slice(&[0x21, label]);
                    output.put_slice(blocks);
                }
            }
            _ => return Err(Error::UnsupportedType),
        }
    }
}

/// Size in bytes of the colour table that a GIF's flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0x07) + 1) }
}
