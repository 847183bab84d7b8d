//! Documents: content and extension must agree.

mod office;
mod text;

pub(super) use text::Text;

use crate::domain::{Error, FileKind, Result};

const OLE_MAGIC: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// How the rest of a document is checked.
pub(super) enum Rest {
    /// Not at all: it begins as it should.
    Unchecked,
    /// As a text, while it is received.
    Text(Text),
    /// As a whole, by [`check_whole`].
    Whole,
}

/// Checks that a document begins like one of the promised type.
///
/// # Errors
/// `UnsupportedType`, also for pictures.
pub(super) fn check_start(promised: FileKind, head: &[u8]) -> Result<Rest> {
    let agrees = match promised {
        FileKind::Txt => return Text::beginning_with(head).map(Rest::Text),
        FileKind::Docx | FileKind::Xlsx if head.starts_with(ZIP_MAGIC) => return Ok(Rest::Whole),
        FileKind::Pdf => head.starts_with(b"%PDF-"),
        FileKind::Doc => is_ole(head) && !infer::doc::is_xls(head) && !infer::doc::is_ppt(head),
        FileKind::Xls => is_ole(head) && !infer::doc::is_doc(head) && !infer::doc::is_ppt(head),
        FileKind::Docx | FileKind::Xlsx | FileKind::Jpeg | FileKind::Png | FileKind::Gif | FileKind::WebP => false,
    };
    if agrees { Ok(Rest::Unchecked) } else { Err(Error::UnsupportedType) }
}

/// Checks that a whole document is one of the promised type.
///
/// # Errors
/// `UnsupportedType`.
pub(super) fn check_whole(promised: FileKind, bytes: &[u8]) -> Result<()> {
    if office::kind_of(bytes) == Some(promised) { Ok(()) } else { Err(Error::UnsupportedType) }
}

// A class id deep in the file distinguishes the older Office formats, and some programs omit it: a file that is not
// clearly of another type is accepted as what its name says.
fn is_ole(head: &[u8]) -> bool {
    head.starts_with(OLE_MAGIC)
}

#[cfg(test)]
mod tests;
