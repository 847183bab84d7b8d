//! GIF: keeps frames and the extensions that play them, and drops everything else.

use bytes::{BufMut, BytesMut};

use super::cleaned::{Cleaned, check_pixels};
use super::reader::Reader;
use crate::domain::{Error, Result};

pub(super) const SIGNATURES: [&[u8]; 2] = [b"GIF87a", b"GIF89a"];
/// Application extensions that make a GIF play in a loop.
const LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];
const APPLICATION: u8 = 0xff;
const CONTROL: u8 = 0xf9;
const CONTROL_BYTES: usize = 4;
/// Longest code at the start of a frame's data, in bits.
const MAX_CODE_BITS: u8 = 11;

/// Copies the frames of a GIF. Like browsers, takes anything unknown after a frame for the end, and a frame that is cut
/// short for a whole one.
pub(super) fn clean(bytes: &[u8]) -> Result<Cleaned> {
    let mut input = Reader::new(bytes);
    let mut picture = Picture { output: BytesMut::with_capacity(bytes.len()), size: None };
    let size = picture.screen(&mut input).ok_or(Error::UnsupportedType)?;
    if size.0 > 0 && size.1 > 0 {
        check_pixels(size)?;
    }
    loop {
        match input.byte() {
            Some(0x2c) => {
                if picture.frame(&mut input, size)?.is_none() {
                    break;
                }
            }
            Some(0x21) => {
                if picture.extension(&mut input).is_none() {
                    break;
                }
            }
            _ => break,
        }
    }
    let pixels = picture.size.ok_or(Error::UnsupportedType)?;
    picture.output.put_u8(0x3b);
    Ok(Cleaned { bytes: picture.output.freeze(), pixels })
}

struct Picture {
    output: BytesMut,
    /// Its size; known with its first frame.
    size: Option<(u32, u32)>,
}

impl Picture {
    /// Copies signature, size and colours of the screen. Returns its size.
    fn screen(&mut self, input: &mut Reader<'_>) -> Option<(u32, u32)> {
        let screen: [u8; 13] = input.array()?; // signature, size, flags, background, ratio
        let colours = input.take(colour_table(screen[10]))?;
        self.output.put_slice(&screen);
        self.output.put_slice(colours);
        SIGNATURES.contains(&&screen[..6]).then(|| (pixels(screen[6], screen[7]), pixels(screen[8], screen[9])))
    }

    /// Copies a frame. `None` when it is cut short.
    fn frame(&mut self, input: &mut Reader<'_>, screen: (u32, u32)) -> Result<Option<()>> {
        let Some(place) = input.array::<9>() else { return Ok(None) };
        let (Some(colours), Some(bits)) = (input.take(colour_table(place[8])), input.byte()) else { return Ok(None) };
        // A size of 0 stands for the whole screen, and a first frame that is larger than the screen for the screen.
        let or_screen = |own: u32, screen: u32| if own == 0 { screen } else { own };
        let size = (or_screen(pixels(place[4], place[5]), screen.0), or_screen(pixels(place[6], place[7]), screen.1));
        check_pixels(size)?;
        if bits > MAX_CODE_BITS {
            return if self.size.is_some() { Ok(None) } else { Err(Error::UnsupportedType) };
        }
        let whole = (size.0.max(screen.0), size.1.max(screen.1));
        check_pixels(whole)?;
        self.size.get_or_insert(whole);
        self.output.put_u8(0x2c);
        self.output.put_slice(&place);
        self.output.put_slice(colours);
        self.output.put_u8(bits);
        Ok(self.data(input))
    }

    /// Copies data blocks, including the empty one that ends them. `None` when they are cut short.
    fn data(&mut self, input: &mut Reader<'_>) -> Option<()> {
        loop {
            let length = usize::from(input.byte().unwrap_or(0));
            let block = input.take_up_to(length);
            // At most 255 bytes, as announced by one byte.
            self.output.put_u8(u8::try_from(block.len()).unwrap_or(u8::MAX));
            self.output.put_slice(block);
            if block.is_empty() {
                return (length == 0).then_some(());
            }
            if block.len() < length {
                self.output.put_u8(0);
                return None;
            }
        }
    }

    /// Copies what is needed of an extension. `None` when it is cut short.
    fn extension(&mut self, input: &mut Reader<'_>) -> Option<()> {
        let label = input.byte()?;
        let first = block(input)?;
        let is_loop = label == APPLICATION && LOOPS.contains(&first);
        let mut parameters = None;
        let mut last = first;
        while !last.is_empty() {
            last = block(input)?;
            // The block with the number of rounds begins with 1.
            if is_loop && last.len() >= 3 && last[0] & 0x07 == 1 && parameters.is_none() {
                parameters = Some(last);
            }
        }
        if label == CONTROL && first.len() >= CONTROL_BYTES {
            self.output.put_slice(&[0x21, CONTROL, CONTROL_BYTES as u8]);
            self.output.put_slice(&first[..CONTROL_BYTES]);
            self.output.put_u8(0);
        }
        if let Some([_, low, high, ..]) = parameters {
            self.output.put_slice(&[0x21, APPLICATION, 11]);
            self.output.put_slice(first);
            self.output.put_slice(&[3, 1, *low, *high, 0]);
        }
        Some(())
    }
}

/// A data block without its length.
fn block<'a>(input: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = input.byte()?;
    input.take(usize::from(length))
}

fn pixels(low: u8, high: u8) -> u32 {
    u16::from_le_bytes([low, high]).into()
}

/// Size in bytes of the colour table that a GIF's flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0x07) + 1) }
}
