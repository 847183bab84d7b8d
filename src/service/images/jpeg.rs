//! JPEG: keeps the segments that make the picture, and drops everything else.

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::Reader;
use crate::domain::{Error, Result};

/// Application segments that affect how a picture looks: JFIF, the colour profile, Adobe's transform. Others, and
/// comments, may reveal a place or a camera or contain a second picture.
const JPEG_KEPT: [u8; 3] = [APP0, APP2, APP14];
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COMMENT: u8 = 0xfe;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
/// The start of an APP2 segment with a colour profile; other APP2 segments are previews and maps.
const ICC_HEADER: &[u8] = b"ICC_PROFILE\0";
const EXIF_HEADER: &[u8] = b"Exif\0\0";
const ORIENTATION_TAG: u16 = 0x0112;

/// Copies a JPEG from its first marker to its end marker, without private segments.
pub(super) fn clean(bytes: &[u8]) -> Result<Bytes> {
    let mut input = Reader(bytes);
    if input.take(2)? != [0xff, START_OF_IMAGE] {
        return Err(Error::UnsupportedType);
    }
    let mut output = BytesMut::with_capacity(bytes.len());
    output.put_slice(&[0xff, START_OF_IMAGE]);
    let mut orientation_found = None;
    loop {
        let marker = input.marker()?;
        match marker {
            END_OF_IMAGE => {
                output.put_slice(&[0xff, END_OF_IMAGE]);
                return Ok(output.freeze());
            }
            0x01 | 0xd0..=0xd7 => output.put_slice(&[0xff, marker]),
            _ => {
                let contents = input.segment()?;
                if marker == APP1 && orientation_found.is_none() {
                    orientation_found = contents.strip_prefix(EXIF_HEADER).and_then(orientation);
                    if let Some(turned) = orientation_found.filter(|turned| (2..=8).contains(turned)) {
                        put_segment(&mut output, APP1, &exif_with(turned));
                    }
                }
                if !is_private(marker, contents) {
                    put_segment(&mut output, marker, contents);
                }
                if marker == START_OF_SCAN {
                    output.put_slice(input.scan()?);
                }
            }
        }
    }
}

fn is_private(marker: u8, contents: &[u8]) -> bool {
    match marker {
        APP2 => !contents.starts_with(ICC_HEADER),
        APP0..=APP15 => !JPEG_KEPT.contains(&marker),
        other => other == COMMENT,
    }
}

fn put_segment(output: &mut BytesMut, marker: u8, contents: &[u8]) {
    output.put_slice(&[0xff, marker]);
    // The length was read from such a field, or the segment is short.
    output.put_u16(u16::try_from(contents.len() + 2).unwrap_or(u16::MAX));
    output.put_slice(contents);
}

/// The orientation in a TIFF block: tag 0x0112, a SHORT, of the first directory.
fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let pair = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| -> Option<usize> {
        let quad = tiff.get(at..at + 4)?.try_into().ok()?;
        let number = if is_little { u32::from_le_bytes(quad) } else { u32::from_be_bytes(quad) };
        usize::try_from(number).ok()
    };
    let directory = long(4)?;
    let entries = usize::from(short(directory)?);
    (0..entries).find_map(|index| {
        let entry = directory.checked_add(2 + index * 12)?;
        (short(entry)? == ORIENTATION_TAG).then(|| short(entry + 8))?
    })
}

/// An EXIF block with the orientation only.
pub(super) fn exif_with(orientation: u16) -> Bytes {
    let mut exif = BytesMut::from(EXIF_HEADER);
    exif.put_slice(b"MM\0*");
    exif.put_u32(8); // the directory follows
    exif.put_u16(1); // of one entry
    exif.put_u16(ORIENTATION_TAG);
    exif.put_u16(3); // a SHORT
    exif.put_u32(1); // of one value
    exif.put_u16(orientation);
    exif.put_u16(0);
    exif.put_u32(0); // no further directory
    exif.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lying_directory_is_harmless() {
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), None);
        assert_eq!(orientation(b"MM\0*\0\0\0\x08\xff\xff"), None);
    }
}
