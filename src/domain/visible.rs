//! What readers of a text see of it.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::skeleton;

/// Whether a character is drawn. Joiners, selectors and fillers are not, nor are some letters and symbols that are blank.
pub(super) fn is_visible(c: char) -> bool {
    let is_blank = matches!(c, '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{16fe4}' | '\u{1d159}');
    let is_undrawn = matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Unassigned
    );
    !is_blank && !is_undrawn && !is_ignorable(c)
}

/// Whether a character has the property Default_Ignorable_Code_Point: skeletons lack those.
fn is_ignorable(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

/// Whether a character controls the terminal, the line or the direction of the text around it, or is none.
pub(super) fn is_deceptive(c: char) -> bool {
    let is_bidi = matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    c.is_control() || is_bidi || is_noncharacter || matches!(c, '\u{2028}' | '\u{2029}')
}
