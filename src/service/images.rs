//! Images: what they tell about their maker is removed without re-encoding, their size is read.

use bytes::{BufMut, Bytes, BytesMut};
use img_parts::png::Png;
use img_parts::webp::WebP;

use crate::domain::{Error, FileKind, Result};

/// Application segments that change how a picture looks: JFIF, the colour profile, Adobe's transform. All
/// others, and comments, may tell a place, a camera or hold a second picture.
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
/// What APP2 of a colour profile begins with; others of that number are previews and maps.
const ICC_HEADER: &[u8] = b"ICC_PROFILE\0";
/// Extensions of a GIF that make it play in a loop.
const GIF_LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];
const PNG_PRIVATE: [[u8; 4]; 5] = [*b"eXIf", *b"tEXt", *b"zTXt", *b"iTXt", *b"tIME"];
const WEBP_PRIVATE: [[u8; 4]; 2] = [*b"EXIF", *b"XMP "];
/// The XMP and EXIF bits of a WebP's VP8X header.
const VP8X_PRIVATE_FLAGS: u8 = 0b0000_1100;
const EXIF_HEADER: &[u8] = b"Exif\0\0";
const ORIENTATION_TAG: u16 = 0x0112;

/// A picture without its metadata.
pub(super) struct Cleaned {
    /// The file.
    pub(super) bytes: Bytes,
    /// Width and height in pixels, before the orientation is applied.
    pub(super) pixels: (u32, u32),
}

/// Removes metadata (GPS, camera, comments) and reads the size. The orientation of a JPEG is kept, since
/// without it a phone's pictures would lie on their side.
///
/// # Errors
/// `UnsupportedType` for what is no whole picture of that type.
pub(super) fn clean(kind: FileKind, bytes: Bytes) -> Result<Cleaned> {
    let size = imagesize::blob_size(&bytes).map_err(|_| Error::UnsupportedType)?;
    let pixels = (to_u32(size.width)?, to_u32(size.height)?);
    if pixels.0 == 0 || pixels.1 == 0 {
        return Err(Error::UnsupportedType);
    }
    let bytes = match kind {
        FileKind::Jpeg => clean_jpeg(&bytes)?,
        FileKind::Gif => clean_gif(&bytes)?,
        FileKind::Png => clean_png(bytes)?,
        FileKind::WebP => clean_webp(bytes)?,
        FileKind::Pdf | FileKind::Txt | FileKind::Doc | FileKind::Docx | FileKind::Xls | FileKind::Xlsx => bytes,
    };
    Ok(Cleaned { bytes, pixels })
}

fn to_u32(pixels: usize) -> Result<u32> {
    u32::try_from(pixels).map_err(|_| Error::UnsupportedType)
}

/// Copies a JPEG from its first marker to its end, without private segments, and nothing behind.
fn clean_jpeg(bytes: &[u8]) -> Result<Bytes> {
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
    // No longer than it was when it was read, or a few bytes of ours.
    output.put_u16(u16::try_from(contents.len() + 2).unwrap_or(u16::MAX));
    output.put_slice(contents);
}

/// Copies a GIF to its trailer without comments and extensions other than those that make it play.
fn clean_gif(bytes: &[u8]) -> Result<Bytes> {
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
                output.put_slice(input.take(colour_table(place[8]) + 1)?); // with the size of the first code
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

/// Bytes of the colour table that a GIF's flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0x07) + 1) }
}

/// Reads a picture from its beginning; what is cut short is no picture.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Error::UnsupportedType)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A JPEG's next marker, after any number of fill bytes.
    fn marker(&mut self) -> Result<u8> {
        if self.take(1)?[0] != 0xff {
            return Err(Error::UnsupportedType);
        }
        loop {
            match self.take(1)?[0] {
                0xff => {}
                0x00 => return Err(Error::UnsupportedType),
                marker => return Ok(marker),
            }
        }
    }

    /// The contents of a JPEG's segment.
    fn segment(&mut self) -> Result<&'a [u8]> {
        let length = self.take(2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        self.take(length.checked_sub(2).ok_or(Error::UnsupportedType)?)
    }

    /// A JPEG's scan: up to the next marker that is neither stuffing nor a restart.
    fn scan(&mut self) -> Result<&'a [u8]> {
        let is_end = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
        let end = self.0.windows(2).position(is_end).ok_or(Error::UnsupportedType)?;
        self.take(end)
    }

    /// A GIF's data blocks, each with its length in front, with the empty one that ends them.
    fn blocks(&mut self) -> Result<&'a [u8]> {
        let mut length = 0;
        loop {
            let block = usize::from(*self.0.get(length).ok_or(Error::UnsupportedType)?);
            length += block + 1;
            if block == 0 {
                return self.take(length);
            }
        }
    }
}

fn clean_png(bytes: Bytes) -> Result<Bytes> {
    let mut png = Png::from_bytes(bytes).map_err(|_| Error::UnsupportedType)?;
    for kind in PNG_PRIVATE {
        png.remove_chunks_by_type(kind);
    }
    Ok(png.encoder().bytes())
}

fn clean_webp(bytes: Bytes) -> Result<Bytes> {
    let mut webp = WebP::from_bytes(bytes).map_err(|_| Error::UnsupportedType)?;
    for id in WEBP_PRIVATE {
        webp.remove_chunks_by_id(id);
    }
    let mut bytes = BytesMut::from(&webp.encoder().bytes()[..]);
    // RIFF header (12), chunk id and length (8), then the flags that announce what was removed.
    if bytes.get(12..16) == Some(b"VP8X")
        && let Some(flags) = bytes.get_mut(20)
    {
        *flags &= !VP8X_PRIVATE_FLAGS;
    }
    Ok(bytes.freeze())
}

/// The orientation in a TIFF block: the first directory's tag 0x0112, a SHORT.
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

/// An EXIF block that says the orientation and nothing else.
fn exif_with(orientation: u16) -> Bytes {
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

    /// A JPEG of 3 × 2 pixels with JFIF, EXIF (GPS text and orientation 6), a comment and some scan data.
    fn jpeg_with_secrets() -> Bytes {
        let mut exif = BytesMut::from(&exif_with(6)[..]);
        exif.put_slice(b"GPS 39.9042N 116.4074E");
        let mut out = BytesMut::from(&[0xff, 0xd8][..]);
        let mut segment = |marker: u8, contents: &[u8]| {
            out.put_slice(&[0xff, marker]);
            out.put_u16(contents.len() as u16 + 2);
            out.put_slice(contents);
        };
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
        segment(0xe1, &exif);
        segment(0xfe, b"my home");
        segment(0xc0, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0]);
        segment(0xda, &[1, 1, 0, 0, 63, 0]);
        out.put_slice(&[0x12, 0x34, 0xff, 0xd9]);
        out.freeze()
    }

    #[test]
    fn a_jpeg_loses_its_secrets_and_keeps_its_orientation() {
        let cleaned = clean(FileKind::Jpeg, jpeg_with_secrets()).expect("a picture");
        let has = |text: &[u8]| cleaned.bytes.windows(text.len()).any(|window| window == text);
        assert_eq!(cleaned.pixels, (3, 2));
        assert!(!has(b"GPS") && !has(b"my home"));
        assert!(has(&exif_with(6)));
        assert!(has(&[0x12, 0x34, 0xff, 0xd9]));
    }

    #[test]
    fn nothing_hides_behind_the_picture_or_inside_its_scans() {
        let picture = jpeg_with_secrets();
        let exif: &[u8] = b"\xff\xe1\x00\x12Exif\0\0GPSSECRET!";
        let end = picture.len() - 2;
        let second = [&picture[..], b"\xff\xd8", exif, b"\xff\xd9"].concat();
        let after_scan = [&picture[..end], exif, &picture[end..]].concat();
        for secret in [second, after_scan] {
            let cleaned = clean(FileKind::Jpeg, secret.into()).expect("a picture").bytes;
            assert!(!cleaned.windows(9).any(|window| window == b"GPSSECRET"));
            assert!(cleaned.ends_with(&[0xff, 0xd9]));
        }
    }

    #[test]
    fn a_gif_keeps_its_loop_and_loses_its_comments() {
        let gif: Vec<u8> = [
            &b"GIF89a\x02\0\x01\0\x80\0\0"[..],
            &[0; 6],
            b"\x21\xfe\x09GPSSECRET\0",
            b"\x21\xff\x0bXMP DataXMPGPSSECRET\x01\0\0",
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
            b"\x21\xf9\x04\0\0\0\0\0",
            b"\x2c\0\0\0\0\x02\0\x01\0\0\x02\x02\x44\x0a\0",
            b"\x3bGPSSECRET",
        ]
        .concat();
        // The second extension is cut off in the middle of its text, as XMP in a GIF is for those who do not
        // know it: the reader skips by lengths and must end up somewhere sound or refuse.
        let without_xmp: Vec<u8> = [&gif[..31], &gif[31 + 3 + 11 + 12..]].concat();
        let cleaned = clean(FileKind::Gif, without_xmp.into()).expect("a picture").bytes;
        assert!(!cleaned.windows(9).any(|window| window == b"GPSSECRET"));
        assert!(cleaned.windows(11).any(|window| window == b"NETSCAPE2.0"));
        assert!(cleaned.ends_with(b"\x0a\0\x3b"));
        if let Ok(cleaned) = clean(FileKind::Gif, gif.into()) {
            assert!(!cleaned.bytes.windows(9).any(|window| window == b"GPSSECRET"));
        }
    }

    #[test]
    fn cut_and_foreign_files_are_refused() {
        let whole = jpeg_with_secrets();
        for end in 0..30 {
            assert!(clean(FileKind::Jpeg, whole.slice(..end)).is_err(), "cut at {end}");
        }
        assert!(clean(FileKind::Png, whole).is_err());
    }

    #[test]
    fn a_lying_directory_is_harmless() {
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), None);
        assert_eq!(orientation(b"MM\0*\0\0\0\x08\xff\xff"), None);
    }
}
