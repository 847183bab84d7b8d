//! Uploaded files: the allowed types. Images are recognised by their content, documents by content and extension
//! together.

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
            "jpg" | "jpeg" | "jpe" | "jfif" => Self::Jpeg,
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
            Self::Txt => "text/plain",
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

/// The charset of a text, as far as its content shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, ASCII included.
    Utf8,
    /// UTF-16 with a byte order mark.
    Utf16,
}

impl Charset {
    /// The name in a media type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
        }
    }

    /// The charset with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Utf8, Self::Utf16].into_iter().find(|charset| charset.name() == name)
    }
}
