//! Names of files, for display. None is ever used as a path.

use super::error::{Error, Result};
use super::field::Field;
use super::file::FileKind;
use super::text::check_length;

const MAX_CHARS: usize = 255;

/// The name of an uploaded file: one path component without characters that are invisible or change the direction of
/// writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Reads the name that an upload carries. Of a path, whether of Unix or of Windows, the last component counts.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for names that are only dots.
    pub fn parse(text: &str) -> Result<Self> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown: String = last.chars().filter(|c| !is_hidden(*c)).collect();
        let name = shown.trim();
        check_length(Field::FileName, name, 1, MAX_CHARS)?;
        if name.chars().all(|c| c == '.') {
            return Err(Error::Invalid(Field::FileName));
        }
        Ok(Self(name.to_owned()))
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

/// Validates the name of a file that a message only mentions.
///
/// # Errors
/// `Length` above 255 characters, or `Invalid` for characters that are invisible or change the direction of writing.
pub fn check_file_name(text: &str) -> Result<()> {
    check_length(Field::FileName, text, 0, MAX_CHARS)?;
    if text.chars().any(is_hidden) {
        return Err(Error::Invalid(Field::FileName));
    }
    Ok(())
}

/// Control characters, separators of lines, and the controls of bidirectional text, by which `gpj.exe` reads `exe.jpg`.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        FileName::parse(text).ok().map(|name| name.0)
    }

    #[test]
    fn names_are_the_last_component_without_what_is_hidden() {
        let cases = [
            ("a.png", "a.png"),
            ("../../etc/a.png", "a.png"),
            ("C:\\Users\\李\\报告.PDF", "报告.PDF"),
            ("\\\\server\\share/a.txt", "a.txt"),
            ("a\tb\r\n.png", "ab.png"),
            ("a\0.png", "a.png"),
            ("\u{202e}gpj.exe.png", "gpj.exe.png"),
            ("\u{feff} a.png ", "a.png"),
            ("👨‍👩‍👧 علی‌رضا.png", "👨‍👩‍👧 علی‌رضا.png"),
        ];
        for (text, expected) in cases {
            assert_eq!(name(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn names_of_nothing_are_refused() {
        for bad in ["", "..", "../..", "a/", "C:\\", " ", "\u{202e}", "\r\n", &"x".repeat(256)] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        assert!(name(&"字".repeat(255)).is_some());
    }

    #[test]
    fn extensions_tell_the_type_of_documents() {
        assert_eq!(FileName::parse("报告.final.PDF").ok().and_then(|n| n.kind()), Some(FileKind::Pdf));
        assert_eq!(FileName::parse("photo.jfif").ok().and_then(|n| n.kind()), Some(FileKind::Jpeg));
        assert_eq!(FileName::parse("photo").ok().and_then(|n| n.kind()), None);
    }

    #[test]
    fn mentioned_names_are_bounded() {
        assert!(check_file_name("a/b 字.png").is_ok());
        for bad in ["a\u{202e}b", "a\nb", &"x".repeat(256)] {
            assert!(check_file_name(bad).is_err(), "{bad:?}");
        }
    }
}
