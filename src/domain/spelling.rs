//! What a new user name may consist of: the highly restrictive profile of UTS #39, with the symbols and emoji that names
//! are decorated with.
//!
//! Everything is refused that is not listed: a character that Unicode adds later is no risk until the tables know it.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::general_security_profile::GeneralSecurityProfile;
use unicode_security::mixed_script::AugmentedScriptSet;

const NON_JOINER: char = '\u{200c}';
pub(super) const JOINER: char = '\u{200d}';
pub(super) const KEYCAP: char = '\u{20e3}';
pub(super) const EMOJI_STYLE: char = '\u{fe0f}';
const TEXT_STYLE: char = '\u{fe0e}';
/// Flags that are spelled with invisible tags behind a black flag. No other sequence of tags is in use.
pub(super) const TAGGED_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];
/// Visible symbols of no script. The profile has none but those of identifiers.
const DECORATIONS: &str = "¡¿§©®°×÷«»‹›–—‘“”„•※€£¥₩₹₽₺₴★☆♪♫♬♡♢♤♧✓✦✧✩✪✫✬✭✮✯✰✿❀❁❃❋、。〃「」『』【】〈〉《》〔〕〜־";
/// Maximum number of combining marks on one letter. Tibetan and pointed Hebrew need as many.
const MAX_MARKS: usize = 4;

/// Whether a name, in form NFKC, has none but these characters, in places where they are visible or needed.
pub(super) fn is_allowed(name: &str) -> bool {
    let name = TAGGED_FLAGS.iter().fold(name.to_owned(), |name, flag| name.replace(flag, "\u{1f3f4}"));
    let chars: Vec<char> = name.chars().collect();
    (0..chars.len()).all(|at| may_stand(&chars, at))
        && is_highly_restrictive(&chars)
        && has_one_numeral_system(&chars)
        && !has_stacked_marks(&chars)
}

fn may_stand(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| chars[at]);
    let after = chars.get(at + 1).copied();
    match chars[at] {
        ' ' => true,
        JOINER => joins_emoji(before, after) || follows_virama(chars, at),
        NON_JOINER => parts_arabic(before, after) || follows_virama(chars, at),
        EMOJI_STYLE | TEXT_STYLE => before.is_some_and(is_emoji) || after == Some(KEYCAP) && is_key(before),
        KEYCAP if before == Some(EMOJI_STYLE) => at > 1 && is_key(Some(chars[at - 2])),
        KEYCAP => is_key(before),
        '\u{1f1e6}'..='\u{1f1ff}' => is_in_flag(chars, at),
        mark if is_mark(mark) => is_mark_of_names(mark) && before.is_some_and(|base| takes_mark(base, mark)),
        other => {
            other.is_ascii_graphic() || is_emoji(other) || is_letter_of_names(other) || DECORATIONS.contains(other)
        }
    }
}

pub(super) fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_emoji(c: char) -> bool {
    c.is_emoji_char() && !c.is_ascii()
}

fn is_key(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_digit() || c == '#' || c == '*')
}

/// Regional indicators make flags in pairs, counted from the first of a run. A single one looks like a letter.
fn is_in_flag(chars: &[char], at: usize) -> bool {
    let is_indicator = |c: &&char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    let before = chars[..at].iter().rev().take_while(is_indicator).count();
    before % 2 == 1 || chars.get(at + 1).as_ref().is_some_and(is_indicator)
}

/// The marks of identifiers, and the vowel signs of Hebrew and Arabic.
fn is_mark_of_names(c: char) -> bool {
    let is_point = matches!(c, '\u{5b0}'..='\u{5bc}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}');
    let is_vowel_sign = matches!(c, '\u{64b}'..='\u{652}' | '\u{670}');
    c.identifier_allowed() || is_point || is_vowel_sign
}

/// Letters, digits and punctuation of identifiers. Ideographs and Bopomofo are allowed, as any may be in a name; so are rare
/// letters that are common ones with accents, and the digraphs of Yiddish.
fn is_letter_of_names(c: char) -> bool {
    let is_yiddish = matches!(c, '\u{5f0}'..='\u{5f2}');
    c.identifier_allowed() || is_yiddish || is_ideograph(c) || is_accented(c)
}

fn is_ideograph(c: char) -> bool {
    matches!(c.script(), Script::Han | Script::Bopomofo) && c.general_category() == GeneralCategory::OtherLetter
}

fn is_accented(c: char) -> bool {
    let (mut parts, mut are_allowed) = (0, true);
    unicode_normalization::char::decompose_canonical(c, |part| {
        parts += 1;
        are_allowed &= part.identifier_allowed();
    });
    parts > 1 && are_allowed
}

/// Marks follow letters. Those of no script follow the letters that are written with them, and a dot never follows a
/// letter that has one already.
fn takes_mark(base: char, mark: char) -> bool {
    let is_letter = base.general_category_group() == GeneralCategoryGroup::Letter;
    if mark == '\u{307}' && matches!(base, 'i' | 'j' | 'ı' | 'ȷ' | 'į' | 'ɨ' | 'ị' | 'ḭ' | 'і' | 'ј') {
        return false;
    }
    if !matches!(mark, '\u{300}'..='\u{36f}') {
        return is_letter || is_mark(base) || matches!(base, JOINER | NON_JOINER);
    }
    is_mark(base) || is_letter && matches!(base.script(), Script::Latin | Script::Greek | Script::Cyrillic)
}

fn has_stacked_marks(chars: &[char]) -> bool {
    let is_repeated = chars.windows(2).any(|pair| pair[0] == pair[1] && is_mark(pair[0]));
    is_repeated || chars.windows(MAX_MARKS + 1).any(|run| run.iter().copied().all(is_mark))
}

/// As in 👩‍🚀: an emoji, possibly with its style, before an emoji.
fn joins_emoji(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(|c| is_emoji(c) || c == EMOJI_STYLE) && after.is_some_and(is_emoji)
}

/// As in ශ්‍රී: behind the sign that takes a consonant's vowel away. UAX #31, A1 and A2.
fn follows_virama(chars: &[char], at: usize) -> bool {
    let Some(virama) = at.checked_sub(1).map(|at| chars[at]) else { return false };
    let is_virama = unicode_normalization::char::canonical_combining_class(virama) == 9;
    is_virama && is_indic(virama) && chars.get(at + 1).is_none_or(|next| next.script() == virama.script())
}

fn is_indic(c: char) -> bool {
    use Script::{Bengali, Devanagari, Gujarati, Gurmukhi, Kannada, Malayalam, Oriya, Sinhala, Tamil, Telugu};
    matches!(
        c.script(),
        Bengali | Devanagari | Gujarati | Gurmukhi | Kannada | Malayalam | Oriya | Sinhala | Tamil | Telugu
    )
}

/// As in علی‌رضا: between two letters of which the first would be joined to the second.
fn parts_arabic(before: Option<char>, after: Option<char>) -> bool {
    let is_letter = |c: &char| c.script() == Script::Arabic && c.general_category() == GeneralCategory::OtherLetter;
    before.filter(is_letter).is_some_and(joins_forward) && after.is_some_and(|c| is_letter(&c) && c != 'ء')
}

/// Whether an Arabic letter is joined to the next one: those that are not are joined to the one before only, or to none.
fn joins_forward(c: char) -> bool {
    !matches!(c, '\u{621}'..='\u{625}' | 'ا' | 'ة' | '\u{62f}'..='\u{632}' | 'و' | '\u{671}'..='\u{677}'
        | '\u{688}'..='\u{699}' | 'ۀ' | '\u{6c3}'..='\u{6cb}' | 'ۍ' | 'ۏ' | 'ے' | 'ۓ' | 'ە' | 'ۮ' | 'ۯ'
        | '\u{759}'..='\u{75b}' | '\u{76b}' | '\u{76c}' | '\u{771}' | '\u{773}' | '\u{774}' | '\u{778}' | '\u{779}')
}

/// One script, or Latin with those of Chinese, of Japanese or of Korean. UTS #39, §5.2.
fn is_highly_restrictive(chars: &[char]) -> bool {
    let (mut all, mut without_latin) = (AugmentedScriptSet::default(), AugmentedScriptSet::default());
    for c in chars {
        let scripts = AugmentedScriptSet::from(*c);
        all.intersect_with(scripts);
        if !scripts.base.contains_script(Script::Latin) {
            without_latin.intersect_with(scripts);
        }
    }
    !all.is_empty() || without_latin.hanb || without_latin.jpan || without_latin.kore
}

/// UTS #39, §5.3. The digits of each system lie in sixteen places of their own.
fn has_one_numeral_system(chars: &[char]) -> bool {
    let mut digits = chars.iter().filter(|c| c.general_category() == GeneralCategory::DecimalNumber);
    let first = digits.next().map(|c| u32::from(*c) >> 4);
    digits.all(|c| Some(u32::from(*c) >> 4) == first)
}
