//! Images: recognised, measured, and freed of metadata without re-encoding.
//!
//! Each format has a list of the parts that decoders need; everything else is dropped, whatever it is. What browsers draw
//! is accepted, also where it breaks the rules of its format.

mod cleaned;
mod exif;
#[cfg(test)]
mod fuzz;
mod gif;
mod jpeg;
mod png;
mod reader;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod walk;
mod webp;

use cleaned::Cleaned;

use crate::domain::{Error, FileKind, Result};

/// The type of a picture by its first bytes; `None` for other files.
pub(super) fn kind_of(head: &[u8]) -> Option<FileKind> {
    let is_gif = || gif::SIGNATURES.iter().any(|signature| head.starts_with(signature));
    match head {
        [0xff, 0xd8, 0xff, ..] => Some(FileKind::Jpeg),
        _ if head.starts_with(png::SIGNATURE) => Some(FileKind::Png),
        _ if is_gif() => Some(FileKind::Gif),
        _ if webp::is_webp(head) => Some(FileKind::WebP),
        _ => None,
    }
}

/// Removes everything that is not needed to draw a picture (places, cameras, comments, previews, unknown parts), and reads
/// its size. Keeps the orientation, without which photos of phones would be shown sideways.
///
/// # Errors
/// `UnsupportedType` unless the bytes are a picture of that type of at most 50 megapixels.
pub(super) fn clean(kind: FileKind, bytes: &[u8]) -> Result<Cleaned> {
    match kind {
        FileKind::Jpeg => jpeg::clean(bytes),
        FileKind::Gif => gif::clean(bytes),
        FileKind::Png => png::clean(bytes),
        FileKind::WebP => webp::clean(bytes),
        FileKind::Pdf | FileKind::Txt | FileKind::Doc | FileKind::Docx | FileKind::Xls | FileKind::Xlsx => {
            Err(Error::UnsupportedType)
        }
    }
}
