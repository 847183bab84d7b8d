//! What all texts have in common: their length and how they are folded.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

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

/// The form in which searches compare texts: folded, and letters of Latin, Greek and Cyrillic without the marks above and
/// below them, because many people type none. In other scripts marks are letters, or make one of another, as in か and が.
pub fn searchable(text: &str) -> String {
    unmarked(&folded(text))
}

/// A folded text as searches compare it.
pub(super) fn unmarked(folded: &str) -> String {
    if folded.is_ascii() {
        return folded.to_owned();
    }
    let mut result = String::with_capacity(folded.len());
    let mut drops_marks = false;
    for c in folded.nfd() {
        let is_mark = c.general_category() == GeneralCategory::NonspacingMark;
        match c {
            _ if is_mark && drops_marks => continue,
            // Letters that are no combination of another with a mark.
            'ø' => result.push('o'),
            'ł' => result.push('l'),
            'đ' => result.push('d'),
            'æ' => result.push_str("ae"),
            'œ' => result.push_str("oe"),
            // As inside of a word.
            'ς' => result.push('σ'),
            _ => result.push(c),
        }
        drops_marks = matches!(c.script(), Script::Latin | Script::Greek | Script::Cyrillic);
    }
    result.nfc().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_ignore_marks_where_they_are_no_letters() {
        for (text, form) in [
            ("Café", "cafe"),
            ("cafe\u{301}", "cafe"),
            ("Müller-Lüdenscheidt", "muller-ludenscheidt"),
            ("Straße", "strasse"),
            ("ＡＢＣ", "abc"),
            ("ướp Đà Nẵng", "uop da nang"),
            ("Ångström, smørrebrød, Łódź, œuvre", "angstrom, smorrebrod, lodz, oeuvre"),
            ("İstanbul, Iğdır", "istanbul, igdir"),
            ("Ωμέγα, ΟΔΟΣ", "ωμεγα, οδοσ"),
            ("Ёлка, й", "елка, и"),
            ("がぎぐ ガギグ", "がぎぐ ガギグ"),
            ("हिन्दी", "हिन्दी"),
            ("ที่นี่", "ที่นี่"),
            ("한국어", "한국어"),
            ("中文e\u{301}", "中文e"),
            ("1\u{fe0f}\u{20e3} ❤\u{fe0f}", "1\u{fe0f}\u{20e3} ❤\u{fe0f}"),
        ] {
            assert_eq!(searchable(text), form, "{text}");
            assert_eq!(searchable(form), form, "{form}");
        }
    }
}
