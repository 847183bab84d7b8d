//! Uploaded files: the allowed types, recognised by content and extension together.

use super::error::{Error, Field, Result};
use super::text::check_length;

const FILE_NAME_MAX_CHARS: usize = 255;

/// The allowed types. Document 003, §2: JPEG, PNG, GIF, WebP; PDF, TXT, DOC, DOCX, XLS, XLSX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `.jpg`, `.jpeg`
    Jpeg,
    /// `.png`
    Png,
    /// `.gif`
    Gif,
    /// `.webp`
    WebP,
    /// `.pdf`
    Pdf,
    /// `.txt`
    Txt,
    /// `.doc`
    Doc,
    /// `.docx`
    Docx,
    /// `.xls`
    Xls,
    /// `.xlsx`
    Xlsx,
}

impl FileKind {
    /// The type of an extension, in any case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Self::Jpeg,
            "png" => Self::Png,
            "gif" => Self::Gif,
            "webp" => Self::WebP,
            "pdf" => Self::Pdf,
            "txt" => Self::Txt,
            "doc" => Self::Doc,
            "docx" => Self::Docx,
            "xls" => Self::Xls,
            "xlsx" => Self::Xlsx,
            _ => return None,
        })
    }

    /// The extension of stored files of this type.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Pdf => "pdf",
            Self::Txt => "txt",
            Self::Doc => "doc",
            Self::Docx => "docx",
            Self::Xls => "xls",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type of served files of this type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Txt => "text/plain; charset=utf-8",
            Self::Doc => "application/msword",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xls => "application/vnd.ms-excel",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Whether browsers may display it inline; other types are served as downloads.
    pub fn is_image(self) -> bool {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::WebP => true,
            Self::Pdf | Self::Txt | Self::Doc | Self::Docx | Self::Xls | Self::Xlsx => false,
        }
    }
}

/// Display name of a file: one path component without control characters, with an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Validates the name of an upload. It is displayed, never used as a path.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for path separators, control characters and names that are only dots.
    pub fn parse(text: &str) -> Result<Self> {
        check_length(Field::FileName, text, 1, FILE_NAME_MAX_CHARS)?;
        let is_path = text.contains(['/', '\\']) || text.chars().all(|c| c == '.');
        if is_path || text.chars().any(char::is_control) {
            return Err(Error::Invalid(Field::FileName));
        }
        Ok(Self(text.to_owned()))
    }

    /// The type of the extension.
    pub fn kind(&self) -> Option<FileKind> {
        let (_, extension) = self.0.rsplit_once('.')?;
        FileKind::of_extension(extension)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_path_component() {
        for bad in ["", "..", "../a.png", "a/b.png", "C:\\a.png", "a\0.png", "a\r\n.png"] {
            assert!(FileName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(FileName::parse("报告.final.PDF").ok().and_then(|n| n.kind()), Some(FileKind::Pdf));
        assert_eq!(FileName::parse("photo").ok().and_then(|n| n.kind()), None);
    }
}
