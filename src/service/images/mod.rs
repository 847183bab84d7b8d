//! Images: metadata is removed without re-encoding, the size is read.

mod gif;
mod jpeg;
mod reader;

use bytes::{Bytes, BytesMut};
use img_parts::png::Png;
use img_parts::webp::WebP;

use crate::domain::{Error, FileKind, Result};

const PNG_PRIVATE: [[u8; 4]; 5] = [*b"eXIf", *b"tEXt", *b"zTXt", *b"iTXt", *b"tIME"];
const WEBP_PRIVATE: [[u8; 4]; 2] = [*b"EXIF", *b"XMP "];
/// The XMP and EXIF bits of a WebP's VP8X header.
const VP8X_PRIVATE_FLAGS: u8 = 0b0000_1100;
/// A picture without its metadata.
pub(super) struct Cleaned {
    /// The bytes of the file.
    pub(super) bytes: Bytes,
    /// Width and height in pixels, before the orientation is applied.
    pub(super) pixels: (u32, u32),
}

/// Removes metadata (GPS, camera, comments) and reads the size. Keeps the orientation of a JPEG, without which photos
/// of phones would be shown sideways.
///
/// # Errors
/// `UnsupportedType` unless the bytes are a complete picture of that type.
pub(super) fn clean(kind: FileKind, bytes: Bytes) -> Result<Cleaned> {
    let size = imagesize::blob_size(&bytes).map_err(|_| Error::UnsupportedType)?;
    let pixels = (to_u32(size.width)?, to_u32(size.height)?);
    if pixels.0 == 0 || pixels.1 == 0 {
        return Err(Error::UnsupportedType);
    }
    let bytes = match kind {
        FileKind::Jpeg => jpeg::clean(&bytes)?,
        FileKind::Gif => gif::clean(&bytes)?,
        FileKind::Png => clean_png(bytes)?,
        FileKind::WebP => clean_webp(bytes)?,
        FileKind::Pdf | FileKind::Txt | FileKind::Doc | FileKind::Docx | FileKind::Xls | FileKind::Xlsx => bytes,
    };
    Ok(Cleaned { bytes, pixels })
}

fn to_u32(pixels: usize) -> Result<u32> {
    u32::try_from(pixels).map_err(|_| Error::UnsupportedType)
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

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::jpeg::exif_with;
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
        // The blocks of the second extension do not add up, as for XMP in a GIF, whose text has no lengths: the reader
        // must reach a valid position or refuse.
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
}
