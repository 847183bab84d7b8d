//! WebP: keeps the chunks that make the picture and its animation, and drops everything else.

use bytes::{BufMut, Bytes, BytesMut};

use super::cleaned::{Cleaned, check_pixels};
use super::reader::Reader;
use crate::domain::{Error, Result};

const PROFILE_FLAG: u8 = 0x20;
const ALPHA_FLAG: u8 = 0x10;
const ANIMATION_FLAG: u8 = 0x02;
/// Position and size of a frame, its duration, how it is drawn over others.
const FRAME_BYTES: usize = 16;

/// Whether a file begins like a WebP.
pub(super) fn is_webp(head: &[u8]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP")
}

/// Copies the chunks of a WebP that are needed to draw it. One that is cut short is drawn as far as it goes, and stays as it
/// is.
pub(super) fn clean(bytes: &[u8]) -> Result<Cleaned> {
    let mut input = Reader::new(bytes);
    let head = input.take(12).filter(|head| is_webp(head)).ok_or(Error::UnsupportedType)?;
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    // The length counts `WEBP`, and what is behind it belongs to no picture.
    let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4)).ok_or(Error::UnsupportedType)?;
    let mut chunks = Chunks(Reader::new(input.take_up_to(length)));
    let first = chunks.next().ok_or(Error::UnsupportedType)?;
    let (kept, pixels) = match first.kind {
        b"VP8X" => extended(first.contents, &mut chunks)?,
        _ => simple(&first)?,
    };
    Ok(Cleaned { bytes: kept.into_file()?, pixels })
}

struct Chunk<'a> {
    kind: &'a [u8],
    /// The length that it announces.
    length: u32,
    /// Its contents, of which the end may be missing.
    contents: &'a [u8],
}

struct Chunks<'a>(Reader<'a>);

impl<'a> Chunks<'a> {
    /// The next chunk, of which the last one may be cut short; `None` at the end.
    fn next(&mut self) -> Option<Chunk<'a>> {
        let kind = self.0.take(4)?;
        let length = self.0.array().map(u32::from_le_bytes)?;
        let contents = self.0.take_up_to(usize::try_from(length).ok()?);
        if length % 2 == 1 {
            self.0.take_up_to(1); // chunks have an even length
        }
        Some(Chunk { kind, length, contents })
    }
}

impl Chunk<'_> {
    fn is_whole(&self) -> bool {
        usize::try_from(self.length).is_ok_and(|length| length == self.contents.len())
    }
}

/// Chunks that are kept.
#[derive(Default)]
struct Kept {
    bytes: BytesMut,
    /// How many bytes are missing at the end of the last one.
    missing: u32,
}

impl Kept {
    fn put(&mut self, chunk: &Chunk<'_>) {
        self.put_as(chunk.kind, chunk.length, chunk.contents);
    }

    fn put_whole(&mut self, kind: &[u8], contents: &[u8]) {
        // The length was read from such a field, or the chunk is short.
        self.put_as(kind, u32::try_from(contents.len()).unwrap_or(u32::MAX), contents);
    }

    fn put_as(&mut self, kind: &[u8], length: u32, contents: &[u8]) {
        self.bytes.put_slice(kind);
        self.bytes.put_u32_le(length);
        self.bytes.put_slice(contents);
        self.missing = length.saturating_sub(u32::try_from(contents.len()).unwrap_or(length));
        if length % 2 == 1 {
            if self.missing == 0 { self.bytes.put_u8(0) } else { self.missing += 1 }
        }
    }

    /// The whole file with these chunks. Announces what is missing, as before: browsers draw what is there.
    fn into_file(self) -> Result<Bytes> {
        let length = u32::try_from(self.bytes.len() + 4).ok().and_then(|length| length.checked_add(self.missing));
        let mut file = BytesMut::with_capacity(self.bytes.len() + 12);
        file.put_slice(b"RIFF");
        file.put_u32_le(length.ok_or(Error::UnsupportedType)?);
        file.put_slice(b"WEBP");
        file.put_slice(&self.bytes);
        Ok(file.freeze())
    }
}

/// A file with one chunk of pixels.
fn simple(pixels: &Chunk<'_>) -> Result<(Kept, (u32, u32))> {
    let size = size_of(pixels)?;
    let mut kept = Kept::default();
    kept.put(pixels);
    Ok((kept, size))
}

/// A file with a header, and chunks around the pixels or the frames.
fn extended(header: &[u8], chunks: &mut Chunks<'_>) -> Result<(Kept, (u32, u32))> {
    let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = *header else { return Err(Error::UnsupportedType) };
    let size = (one_more(w0, w1, w2), one_more(h0, h1, h2));
    check_pixels(size)?;
    let mut kept = Kept::default();
    kept.put_whole(b"VP8X", header);
    let (mut has_profile, mut has_control, mut has_alpha, mut has_pixels) = (false, false, false, false);
    let is_animated = flags & ANIMATION_FLAG != 0;
    while let Some(chunk) = chunks.next() {
        let is_still = !is_animated && !has_pixels;
        match chunk.kind {
            b"VP8 " | b"VP8L" if is_still => {
                if size_of(&chunk)? != size {
                    return Err(Error::UnsupportedType);
                }
                has_pixels = true;
                kept.put(&chunk);
            }
            // Of other chunks nothing is drawn before they are whole.
            _ if !chunk.is_whole() => break,
            b"ICCP" if !has_pixels && !has_control && !has_profile => {
                has_profile = true;
                kept.put(&chunk);
            }
            b"ANIM" if is_animated && !has_control && chunk.length == 6 => {
                has_control = true;
                kept.put(&chunk);
            }
            b"ANMF" if is_animated && has_control => {
                has_pixels = true;
                kept.put_whole(chunk.kind, &frame(chunk.contents, size)?);
            }
            b"ALPH" if is_still && !has_alpha => {
                has_alpha = true;
                kept.put(&chunk);
            }
            _ => {} // EXIF, XMP, credentials, whatever is not known
        }
    }
    if !has_pixels {
        return Err(Error::UnsupportedType);
    }
    let profile = if has_profile { PROFILE_FLAG } else { 0 };
    // Behind the kind and the length of the first chunk: the flags, and three bytes without a meaning.
    kept.bytes[8..12].copy_from_slice(&[flags & (ALPHA_FLAG | ANIMATION_FLAG) | profile, 0, 0, 0]);
    Ok((kept, size))
}

/// A frame of an animation without the chunks that are not needed to draw it.
fn frame(contents: &[u8], canvas: (u32, u32)) -> Result<BytesMut> {
    let (head, rest) = contents.split_at_checked(FRAME_BYTES).ok_or(Error::UnsupportedType)?;
    let (left, top) = (2 * (one_more(head[0], head[1], head[2]) - 1), 2 * (one_more(head[3], head[4], head[5]) - 1));
    let size = (one_more(head[6], head[7], head[8]), one_more(head[9], head[10], head[11]));
    check_pixels(size)?;
    if left + size.0 > canvas.0 || top + size.1 > canvas.1 {
        return Err(Error::UnsupportedType);
    }
    let mut kept = Kept { bytes: BytesMut::from(head), missing: 0 };
    let mut chunks = Chunks(Reader::new(rest));
    while let Some(chunk) = chunks.next().filter(Chunk::is_whole) {
        match chunk.kind {
            b"ALPH" if kept.bytes.len() == FRAME_BYTES => kept.put(&chunk),
            b"VP8 " | b"VP8L" if size_of(&chunk)? == size => {
                kept.put(&chunk);
                return Ok(kept.bytes);
            }
            b"VP8 " | b"VP8L" => break,
            _ => {}
        }
    }
    Err(Error::UnsupportedType)
}

/// The size in a chunk of pixels.
fn size_of(chunk: &Chunk<'_>) -> Result<(u32, u32)> {
    let size = match (chunk.kind, chunk.contents) {
        (b"VP8 ", [tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..]) if tag & 1 == 0 => {
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            (side(*w0, *w1), side(*h0, *h1))
        }
        (b"VP8L", [0x2f, b0, b1, b2, b3, ..]) => {
            let bits = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
            ((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)
        }
        _ => return Err(Error::UnsupportedType),
    };
    check_pixels(size)?;
    Ok(size)
}

/// A number of three bytes, stored without the one that it has at least.
fn one_more(b0: u8, b1: u8, b2: u8) -> u32 {
    u32::from_le_bytes([b0, b1, b2, 0]) + 1
}
