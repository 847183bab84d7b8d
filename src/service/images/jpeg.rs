//! JPEG: keeps the segments that make the picture, and drops everything else.

use bytes::{BufMut, Bytes, BytesMut};

use super::cleaned::{Cleaned, check_pixels};
use super::reader::Reader;
use super::tables::{ARITHMETIC_CONDITIONS, HUFFMAN_TABLES, QUANTISATION_TABLES, RESTART_INTERVAL};
use super::{exif, tables};
use crate::domain::{Error, Result};

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const JFIF_HEADER: &[u8] = b"JFIF\0";
/// JFIF without its thumbnail, whose size takes the last two bytes.
const JFIF_BYTES: usize = 14;
const EXIF_HEADER: &[u8] = b"Exif\0\0";
/// The start of an APP2 segment with a colour profile; other APP2 segments are previews and maps.
const ICC_HEADER: &[u8] = b"ICC_PROFILE\0";
const ADOBE_HEADER: &[u8] = b"Adobe";
const ADOBE_BYTES: usize = 12;

/// Copies a JPEG from its first marker to its last scan, without anything that decoders do not need. A picture without
/// its end is drawn by browsers as far as it goes, and gets an end.
pub(super) fn clean(bytes: &[u8]) -> Result<Cleaned> {
    let mut input = Reader::new(bytes);
    if input.take(2) != Some(&[0xff, START_OF_IMAGE]) {
        return Err(Error::UnsupportedType);
    }
    let mut picture = Picture { output: BytesMut::with_capacity(bytes.len()), ..Picture::default() };
    picture.output.put_slice(&[0xff, START_OF_IMAGE]);
    while let Some(marker) = next_marker(&mut input) {
        match marker {
            END_OF_IMAGE => break,
            START_OF_IMAGE => return Err(Error::UnsupportedType),
            0x01 | 0xd0..=0xd7 => {} // without contents, and without meaning outside of a scan
            _ => {
                let Some(contents) = segment(&mut input)? else { break };
                picture.add(marker, contents)?;
                if marker == START_OF_SCAN {
                    picture.output.put_slice(scan(&mut input));
                }
            }
        }
    }
    picture.finish()
}

#[derive(Default)]
struct Picture {
    output: BytesMut,
    size: Option<(u32, u32)>,
    has_scan: bool,
    orientation: Option<u16>,
}

impl Picture {
    /// Copies what is needed of a segment.
    fn add(&mut self, marker: u8, contents: &[u8]) -> Result<()> {
        match marker {
            0xc0..=0xc3 | 0xc9 | 0xca => self.add_frame(marker, contents)?,
            0xc5..=0xc7 | 0xcb | 0xcd..=0xcf => return Err(Error::UnsupportedType), // of no browser
            START_OF_SCAN => {
                let is_whole = contents.first().is_some_and(|count| contents.len() == 4 + 2 * usize::from(*count));
                if !is_whole || self.size.is_none() {
                    return Err(Error::UnsupportedType);
                }
                self.has_scan = true;
                self.put(marker, contents);
            }
            HUFFMAN_TABLES | ARITHMETIC_CONDITIONS | QUANTISATION_TABLES | RESTART_INTERVAL => {
                if !tables::are_whole(marker, contents) {
                    return Err(Error::UnsupportedType);
                }
                self.put(marker, contents);
            }
            // Browsers read the orientation before they draw.
            APP1 if self.orientation.is_none() && !self.has_scan => {
                if let Some(turned) = contents.strip_prefix(EXIF_HEADER).and_then(exif::orientation) {
                    self.orientation = Some(turned);
                    self.put(marker, &exif_with(turned));
                }
            }
            APP0 if contents.starts_with(JFIF_HEADER) && contents.len() >= JFIF_BYTES => {
                self.put(marker, &[&contents[..JFIF_BYTES - 2], &[0, 0]].concat());
            }
            APP2 if contents.starts_with(ICC_HEADER) => self.put(marker, contents),
            APP14 if contents.starts_with(ADOBE_HEADER) && contents.len() >= ADOBE_BYTES => {
                self.put(marker, &contents[..ADOBE_BYTES]);
            }
            _ => {} // comments, previews, makers' notes, reserved markers
        }
        Ok(())
    }

    /// Copies the header of the frame, of which a picture has one.
    fn add_frame(&mut self, marker: u8, contents: &[u8]) -> Result<()> {
        let [_, high, low, wide, narrow, components] = *contents.first_chunk().ok_or(Error::UnsupportedType)?;
        let pixels = (u16::from_be_bytes([wide, narrow]).into(), u16::from_be_bytes([high, low]).into());
        if self.size.is_some() || contents.len() != 6 + 3 * usize::from(components) {
            return Err(Error::UnsupportedType);
        }
        check_pixels(pixels)?;
        self.size = Some(pixels);
        self.put(marker, contents);
        Ok(())
    }

    fn put(&mut self, marker: u8, contents: &[u8]) {
        self.output.put_slice(&[0xff, marker]);
        // The length was read from such a field, or the segment is short.
        self.output.put_u16(u16::try_from(contents.len() + 2).unwrap_or(u16::MAX));
        self.output.put_slice(contents);
    }

    fn finish(mut self) -> Result<Cleaned> {
        let size = self.size.filter(|_| self.has_scan).ok_or(Error::UnsupportedType)?;
        self.output.put_slice(&[0xff, END_OF_IMAGE]);
        Ok(Cleaned { bytes: self.output.freeze(), pixels: exif::as_shown(size, self.orientation) })
    }
}

/// The next marker, after any number of fill bytes and of bytes that belong to no segment. `None` at the end.
fn next_marker(input: &mut Reader<'_>) -> Option<u8> {
    input.take_until(|first, second| first == 0xff && !matches!(second, 0x00 | 0xff));
    let [_, marker] = input.array()?;
    Some(marker)
}

/// The contents of a segment. `None` if it is cut short.
fn segment<'a>(input: &mut Reader<'a>) -> Result<Option<&'a [u8]>> {
    let Some(length) = input.array().map(u16::from_be_bytes) else { return Ok(None) };
    Ok(input.take(usize::from(length.checked_sub(2).ok_or(Error::UnsupportedType)?)))
}

/// The data of a scan, up to the next marker that is neither stuffing nor a restart, without the fill bytes before it.
fn scan<'a>(input: &mut Reader<'a>) -> &'a [u8] {
    let data = input.take_until(|first, second| first == 0xff && !matches!(second, 0x00 | 0xd0..=0xd7 | 0xff));
    let end = data.iter().rposition(|byte| *byte != 0xff).map_or(0, |last| last + 1);
    &data[..end]
}

/// The contents of an EXIF segment with the orientation only.
pub(super) fn exif_with(orientation: u16) -> Bytes {
    [EXIF_HEADER, &exif::tiff_with(orientation)].concat().into()
}
