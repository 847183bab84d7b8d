//! PNG: keeps the chunks that make the picture and its animation, and drops everything else.

use bytes::{BufMut, BytesMut};
use flate2::Crc;

use super::cleaned::{Cleaned, check_pixels};
use super::exif;
use super::reader::Reader;
use crate::domain::{Error, Result};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const MAX_CHUNK_BYTES: u32 = i32::MAX as u32;

/// Copies a PNG up to its end. One that is cut short is drawn by browsers as far as it goes, if there is something to draw,
/// and stays as it is.
pub(super) fn clean(bytes: &[u8]) -> Result<Cleaned> {
    let mut input = Reader::new(bytes);
    let header = input.take(SIGNATURE.len()).filter(|start| *start == SIGNATURE).and_then(|_| next_chunk(&mut input));
    let header = header.filter(|chunk| chunk.kind == *b"IHDR").ok_or(Error::UnsupportedType)?;
    let mut picture = Picture::new(header.contents, bytes.len())?;
    while let Some(chunk) = next_chunk(&mut input) {
        picture.add(&chunk)?;
        if chunk.kind == *b"IEND" {
            picture.is_whole = true;
            break;
        }
    }
    let is_picture = picture.has_data && (picture.is_whole || picture.has_pixels);
    if !is_picture {
        return Err(Error::UnsupportedType);
    }
    let pixels = exif::as_shown(picture.size, picture.orientation);
    Ok(Cleaned { bytes: picture.output.freeze(), pixels })
}

struct Chunk<'a> {
    kind: [u8; 4],
    contents: &'a [u8],
    /// Whether it is complete and as its writer left it.
    is_intact: bool,
}

/// The next chunk, of which the last one may be cut short.
fn next_chunk<'a>(input: &mut Reader<'a>) -> Option<Chunk<'a>> {
    let length = input.array().map(u32::from_be_bytes).filter(|length| *length <= MAX_CHUNK_BYTES)?;
    let kind: [u8; 4] = input.array().filter(|kind: &[u8; 4]| kind.iter().all(u8::is_ascii_alphabetic))?;
    let contents = input.take_up_to(usize::try_from(length).ok()?);
    let is_intact = input.array().map(u32::from_be_bytes) == Some(checksum(kind, contents));
    Some(Chunk { kind, contents, is_intact })
}

fn checksum(kind: [u8; 4], contents: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(contents);
    crc.sum()
}

struct Picture {
    output: BytesMut,
    size: (u32, u32),
    has_data: bool,
    /// Whether the data begin like compressed ones.
    has_pixels: bool,
    is_whole: bool,
    is_animated: bool,
    orientation: Option<u16>,
}

impl Picture {
    /// A picture with this header.
    fn new(header: &[u8], capacity: usize) -> Result<Self> {
        let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colours, 0, 0, 0 | 1] = *header else {
            return Err(Error::UnsupportedType);
        };
        let is_known = match colours {
            0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
            3 => matches!(depth, 1 | 2 | 4 | 8),
            2 | 4 | 6 => matches!(depth, 8 | 16),
            _ => false,
        };
        let size = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        check_pixels(size)?;
        if !is_known {
            return Err(Error::UnsupportedType);
        }
        let output = BytesMut::with_capacity(capacity);
        let mut picture = Self {
            output,
            size,
            has_data: false,
            has_pixels: false,
            is_whole: false,
            is_animated: false,
            orientation: None,
        };
        picture.output.put_slice(SIGNATURE);
        picture.put(*b"IHDR", header);
        Ok(picture)
    }

    /// Copies what is needed of a chunk.
    fn add(&mut self, chunk: &Chunk<'_>) -> Result<()> {
        let (kind, contents) = (chunk.kind, chunk.contents);
        match &kind {
            b"IHDR" => return Err(Error::UnsupportedType),
            b"PLTE" if contents.len() > 768 || !contents.len().is_multiple_of(3) => return Err(Error::UnsupportedType),
            b"IDAT" => {
                self.has_pixels |= !self.has_data && is_compressed(contents);
                self.has_data = true;
                self.put(kind, contents);
            }
            b"PLTE" => self.put(kind, contents),
            b"IEND" => self.put(kind, &[]),
            b"fdAT" if self.is_animated && contents.len() >= 4 => self.put(kind, contents),
            b"fcTL" if self.is_animated => self.add_frame(contents)?,
            // Decoders ignore other chunks with a wrong checksum, and the writer of this one would make it right.
            _ if !chunk.is_intact => {}
            // Browsers read the orientation before they draw.
            b"eXIf" if self.orientation.is_none() && !self.has_data => {
                if let Some(turned) = exif::orientation(contents) {
                    self.orientation = Some(turned);
                    self.put(kind, &exif::tiff_with(turned));
                }
            }
            b"acTL" if !self.has_data && contents.len() == 8 => {
                self.is_animated = true;
                self.put(kind, contents);
            }
            _ if is_of_colours(kind, contents.len()) => self.put(kind, contents),
            _ => {} // texts, times, previews, credentials, whatever is not known
        }
        Ok(())
    }

    fn add_frame(&mut self, control: &[u8]) -> Result<()> {
        let mut fields = Reader::new(control.get(4..).filter(|_| control.len() == 26).ok_or(Error::UnsupportedType)?);
        let mut field = || fields.array().map(u32::from_be_bytes).ok_or(Error::UnsupportedType);
        let (width, height, left, top) = (field()?, field()?, field()?, field()?);
        check_pixels((width, height))?;
        let is_inside = left.checked_add(width).is_some_and(|right| right <= self.size.0)
            && top.checked_add(height).is_some_and(|bottom| bottom <= self.size.1);
        if !is_inside {
            return Err(Error::UnsupportedType);
        }
        self.put(*b"fcTL", control);
        Ok(())
    }

    fn put(&mut self, kind: [u8; 4], contents: &[u8]) {
        // The length was read from such a field, or the chunk is short.
        self.output.put_u32(u32::try_from(contents.len()).unwrap_or(MAX_CHUNK_BYTES));
        self.output.put_slice(&kind);
        self.output.put_slice(contents);
        self.output.put_u32(checksum(kind, contents));
    }
}

/// Whether data begin with the header of zlib.
fn is_compressed(data: &[u8]) -> bool {
    matches!(data, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

/// Whether a chunk says what colours the pixels have, and has the length that this takes.
fn is_of_colours(kind: [u8; 4], length: usize) -> bool {
    match &kind {
        b"tRNS" => length <= 256,
        b"gAMA" | b"cICP" => length == 4,
        b"cHRM" => length == 32,
        b"sRGB" => length == 1,
        b"mDCV" => length == 24,
        b"cLLI" => length == 8,
        b"iCCP" => true,
        _ => false,
    }
}
