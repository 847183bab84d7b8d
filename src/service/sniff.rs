//! Checks that the content of a file agrees with its extension.

use crate::domain::{Error, FileKind, Result};

/// Bytes of a file that are examined.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

const OLE_MAGIC: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Checks that a file begins like a file of the promised type.
///
/// # Errors
/// `UnsupportedType`.
pub(super) fn check(promised: FileKind, head: &[u8]) -> Result<()> {
    let agrees = match promised {
        FileKind::Jpeg => infer::image::is_jpeg(head),
        FileKind::Png => infer::image::is_png(head),
        FileKind::Gif => infer::image::is_gif(head),
        FileKind::WebP => infer::image::is_webp(head),
        FileKind::Pdf => head.starts_with(b"%PDF-"),
        FileKind::Txt => is_text(head),
        FileKind::Doc => is_ole(head) && !infer::doc::is_xls(head) && !infer::doc::is_ppt(head),
        FileKind::Xls => is_ole(head) && !infer::doc::is_doc(head) && !infer::doc::is_ppt(head),
        FileKind::Docx => is_office_zip(head) && holds(head, b"word/") && !holds(head, b"xl/workbook"),
        FileKind::Xlsx => is_office_zip(head) && holds(head, b"xl/") && !holds(head, b"word/document"),
    };
    if agrees { Ok(()) } else { Err(Error::UnsupportedType) }
}

/// Whether a file may be plain text, in UTF-8 or an encoding like GBK. Control characters other than white space mark
/// programs and archives; HTML, XML and PDF are text formats that a browser would interpret.
fn is_text(head: &[u8]) -> bool {
    !has_control(head) && !infer::text::is_html(head) && !infer::text::is_xml(head) && !head.starts_with(b"%PDF-")
}

/// Whether bytes contain control characters that no plain text has.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().any(|b| matches!(b, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f))
}

// A class id deep in the file distinguishes the older Office formats, and some programs omit it: a file that is not
// clearly of another type is accepted as what its name says.
fn is_ole(head: &[u8]) -> bool {
    head.starts_with(OLE_MAGIC)
}

fn is_office_zip(head: &[u8]) -> bool {
    head.starts_with(ZIP_MAGIC) && holds(head, b"[Content_Types].xml")
}

/// Whether a name appears in the local headers of a zip's first entries.
fn holds(head: &[u8], name: &[u8]) -> bool {
    head.windows(name.len()).any(|window| window == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_must_agree_with_the_name() {
        assert!(check(FileKind::Png, b"\x89PNG\r\n\x1a\n....").is_ok());
        assert!(check(FileKind::Jpeg, b"\x89PNG\r\n\x1a\n....").is_err());
        assert!(check(FileKind::Txt, "你好\r\n".as_bytes()).is_ok());
        assert!(check(FileKind::Txt, b"BMW and MZ notes").is_ok());
        assert!(check(FileKind::Txt, b"\x7fELF\x02\x01\x01").is_err());
        assert!(check(FileKind::Txt, b"<html><script>alert(1)</script></html>").is_err());
        assert!(check(FileKind::Pdf, b"%PDF-1.7\n").is_ok());
        assert!(check(FileKind::Docx, b"PK\x03\x04....[Content_Types].xml....word/document.xml").is_ok());
        assert!(check(FileKind::Xlsx, b"PK\x03\x04....[Content_Types].xml....word/document.xml").is_err());
        assert!(check(FileKind::Docx, b"PK\x03\x04....evil.exe").is_err());
    }
}
