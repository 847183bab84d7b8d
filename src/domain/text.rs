//! What all texts have in common: their length and how they are folded.

use unicode_normalization::UnicodeNormalization;

use super::error::{Error, Result};
use super::field::Field;
use super::visible::{is_deceptive, is_visible};

/// Rejects a text whose number of characters is outside `min..=max`.
pub(super) fn check_length(field: Field, text: &str, min: usize, max: usize) -> Result<()> {
    // Counting stops after the limit, so that a huge body costs no more than a long one.
    let chars = text.chars().take(max + 1).count();
    if chars < min || chars > max {
        return Err(Error::Length { field, min, max });
    }
    Ok(())
}

/// Trims a text of one line, which may be empty, and validates it.
///
/// # Errors
/// `Length`, or `Invalid` for control characters, those that reorder text, and a text of which nothing is visible.
pub(super) fn line(field: Field, text: &str, max: usize) -> Result<&str> {
    let text = text.trim();
    check_length(field, text, 0, max)?;
    let is_invisible = !text.is_empty() && !text.chars().any(is_visible);
    if text.chars().any(is_deceptive) || is_invisible { Err(Error::Invalid(field)) } else { Ok(text) }
}

/// Folds case through upper case, so that `ß` equals `SS`, and normalises again.
pub fn folded(text: &str) -> String {
    text.to_uppercase().to_lowercase().nfkc().collect()
}

/// The extra bytes of a block of this length fit into a `u8`.
const MOST_SUMMED: usize = 32;

/// The bytes of a text as a JSON string without its quotes.
pub(super) fn escaped_bytes(text: &str) -> usize {
    // Counted without a branch and in bytes, so that the compiler takes many of them at once.
    let more = |byte: &u8| 5 * u8::from(*byte < 0x20) + u8::from(*byte == b'"') + u8::from(*byte == b'\\');
    let pieces = text.as_bytes().chunks(MOST_SUMMED);
    text.len() + pieces.map(|piece| usize::from(piece.iter().map(more).sum::<u8>())).sum::<usize>()
}
