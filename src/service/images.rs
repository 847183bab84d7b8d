//! Images: what they tell about their maker is removed without re-encoding, their size is read.

use bytes::{BufMut, Bytes, BytesMut};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::Png;
use img_parts::webp::WebP;

use crate::domain::{Error, FileKind, Result};

/// A place, camera and comments may stand in these segments; colour profiles (APP2) and Adobe's transform
/// (APP14) change how a picture looks and stay.
const JPEG_PRIVATE: [u8; 13] = [
    markers::APP1,
    markers::APP3,
    markers::APP4,
    markers::APP5,
    markers::APP6,
    markers::APP7,
    markers::APP8,
    markers::APP9,
    markers::APP10,
    markers::APP11,
    markers::APP12,
    markers::APP13,
    markers::COM,
];
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
        FileKind::Jpeg => clean_jpeg(bytes)?,
        FileKind::Png => clean_png(bytes)?,
        FileKind::WebP => clean_webp(bytes)?,
        FileKind::Gif
        | FileKind::Pdf
        | FileKind::Txt
        | FileKind::Doc
        | FileKind::Docx
        | FileKind::Xls
        | FileKind::Xlsx => bytes,
    };
    Ok(Cleaned { bytes, pixels })
}

fn to_u32(pixels: usize) -> Result<u32> {
    u32::try_from(pixels).map_err(|_| Error::UnsupportedType)
}

fn clean_jpeg(bytes: Bytes) -> Result<Bytes> {
    let mut jpeg = Jpeg::from_bytes(bytes).map_err(|_| Error::UnsupportedType)?;
    let orientation = jpeg
        .segments_by_marker(markers::APP1)
        .find_map(|segment| segment.contents().strip_prefix(EXIF_HEADER).and_then(orientation));
    for marker in JPEG_PRIVATE {
        jpeg.remove_segments_by_marker(marker);
    }
    if let Some(orientation) = orientation.filter(|orientation| (2..=8).contains(orientation)) {
        let segment = JpegSegment::new_with_contents(markers::APP1, exif_with(orientation));
        let place = jpeg.segments().iter().take_while(|segment| segment.marker() == markers::APP0).count();
        jpeg.segments_mut().insert(place, segment);
    }
    Ok(jpeg.encoder().bytes())
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
