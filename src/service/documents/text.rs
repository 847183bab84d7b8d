//! Plain texts: what marks one, and which charset it shows.

use crate::domain::{Charset, Error, Result};

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
/// The end of a text in DOS and CP/M, which fills the rest of a block with it.
const DOS_END: u16 = 0x1a;
/// How documents begin that are texts, and that programs would interpret.
const OTHERS: [&str; 8] = ["<!doctype", "<html", "<head", "<body", "<script", "<iframe", "<svg", "<?xml"];
/// Characters of a text that are compared with these.
const COMPARED: usize = 256;

/// A text while it is received.
pub(in crate::service) struct Text {
    units: Units,
    /// Bytes at the end of the last chunk that begin a character.
    rest: Vec<u8>,
    has_ended: bool,
}

/// The units of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Units {
    Utf8,
    /// Bytes of a charset that does not show, such as GBK.
    Bytes,
    Utf16Little,
    Utf16Big,
}

impl Text {
    /// The text that begins with `head`.
    ///
    /// # Errors
    /// `UnsupportedType` for what programs would take for something else than a text.
    pub(super) fn beginning_with(head: &[u8]) -> Result<Self> {
        let units = match head {
            [0xff, 0xfe, ..] => Units::Utf16Little,
            [0xfe, 0xff, ..] => Units::Utf16Big,
            _ => Units::Utf8,
        };
        let start: String = match units {
            Units::Utf16Little => decoded(&head[2..], u16::from_le_bytes),
            Units::Utf16Big => decoded(&head[2..], u16::from_be_bytes),
            Units::Utf8 | Units::Bytes => {
                let head = head.strip_prefix(UTF8_MARK).unwrap_or(head).trim_ascii_start();
                String::from_utf8_lossy(&head[..head.len().min(COMPARED)]).into_owned()
            }
        };
        if is_other(&start) {
            Err(Error::UnsupportedType)
        } else {
            Ok(Self { units, rest: Vec::new(), has_ended: false })
        }
    }

    /// Checks the next bytes.
    ///
    /// # Errors
    /// `UnsupportedType` for control characters that no text has. They mark programs and archives.
    pub(in crate::service) fn check(&mut self, chunk: &[u8]) -> Result<()> {
        match self.units {
            Units::Utf16Little => self.check_pairs(chunk, u16::from_le_bytes),
            Units::Utf16Big => self.check_pairs(chunk, u16::from_be_bytes),
            Units::Bytes => self.check_units(chunk.iter().map(|byte| u16::from(*byte))),
            Units::Utf8 => {
                self.note_utf8(chunk);
                self.check_units(chunk.iter().map(|byte| u16::from(*byte)))
            }
        }
    }

    /// The charset that the whole text shows, if it shows one.
    ///
    /// # Errors
    /// `UnsupportedType` for half a character of UTF-16.
    pub(in crate::service) fn finish(self) -> Result<Option<Charset>> {
        match self.units {
            Units::Utf16Little | Units::Utf16Big if self.rest.is_empty() => Ok(Some(Charset::Utf16)),
            Units::Utf16Little | Units::Utf16Big => Err(Error::UnsupportedType),
            Units::Utf8 if self.rest.is_empty() => Ok(Some(Charset::Utf8)),
            Units::Utf8 | Units::Bytes => Ok(None),
        }
    }

    fn check_pairs(&mut self, chunk: &[u8], unit: fn([u8; 2]) -> u16) -> Result<()> {
        let bytes = [&self.rest, chunk].concat();
        let (pairs, rest) = bytes.as_chunks();
        self.rest = rest.to_vec();
        self.check_units(pairs.iter().map(|pair| unit(*pair)))
    }

    fn check_units(&mut self, units: impl Iterator<Item = u16>) -> Result<()> {
        for unit in units {
            self.has_ended |= unit == DOS_END;
            if is_control(unit) || (self.has_ended && unit != DOS_END) {
                return Err(Error::UnsupportedType);
            }
        }
        Ok(())
    }

    fn note_utf8(&mut self, chunk: &[u8]) {
        let bytes = [&self.rest, chunk].concat();
        self.rest.clear();
        match std::str::from_utf8(&bytes) {
            Ok(_) => {}
            Err(error) if error.error_len().is_none() => self.rest = bytes[error.valid_up_to()..].to_vec(),
            Err(_) => self.units = Units::Bytes,
        }
    }
}

fn is_control(unit: u16) -> bool {
    matches!(unit, 0..=8 | 0x0e..=0x19 | 0x1c..=0x1f | 0x7f)
}

fn decoded(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks().0.iter().take(COMPARED).map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn is_other(start: &str) -> bool {
    let start = start.trim_start();
    let begins = |other: &str| {
        let is_same = start.get(..other.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(other));
        is_same && !start[other.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    start.starts_with("%PDF-") || OTHERS.into_iter().any(begins)
}
