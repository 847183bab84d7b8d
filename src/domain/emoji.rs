//! Emoji with which users react to messages.

use std::sync::Arc;

use unicode_properties::UnicodeEmoji;
use unicode_properties::emoji::EmojiStatus;

use super::error::{Error, Result};
use super::field::Field;
use super::spelling::{EMOJI_STYLE, JOINER, KEYCAP, TAGGED_FLAGS};

/// Maximum number of emoji that are joined to one. A family has four, a couple with hearts and kisses as well.
const MAX_JOINED: usize = 4;

/// One emoji as UTS #51 spells it. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Emoji(Arc<str>);

impl Emoji {
    /// Parses one emoji. With and without the selector of the emoji style it is the same one.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let chars: Vec<char> = text.chars().take(4 * MAX_JOINED + 1).collect();
        match chars.as_slice() {
            [base] | [base, EMOJI_STYLE] if is_base(*base) && !is_picture(*base) => {
                Ok(Self(format!("{base}{EMOJI_STYLE}").into()))
            }
            [base, EMOJI_STYLE] if is_base(*base) => Ok(Self(base.to_string().into())),
            chars if is_one(chars) || TAGGED_FLAGS.contains(&text) => Ok(Self(text.into())),
            _ => Err(Error::Invalid(Field::Emoji)),
        }
    }

    /// Takes an emoji that was parsed before.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The emoji.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_one(chars: &[char]) -> bool {
    match chars {
        [key, EMOJI_STYLE, KEYCAP] => key.is_ascii_digit() || matches!(key, '#' | '*'),
        [first, second] if is_indicator(*first) => is_indicator(*second),
        chars => {
            let mut joined = chars.split(|c| *c == JOINER);
            joined.clone().count() <= MAX_JOINED && joined.all(is_element)
        }
    }
}

/// Whether this is an emoji without joiners.
fn is_element(chars: &[char]) -> bool {
    match chars {
        [base] | [base, EMOJI_STYLE] => is_base(*base),
        [base, modifier] => is_modifier(*modifier) && takes_modifier(*base),
        _ => false,
    }
}

/// Whether a character is an emoji by itself. Of the characters that are components of emoji, only hair is.
fn is_base(c: char) -> bool {
    c.is_emoji_char() && (!c.is_emoji_component() || matches!(c, '\u{1f9b0}'..='\u{1f9b3}'))
}

/// Whether a character has emoji style without a selector.
fn is_picture(c: char) -> bool {
    matches!(
        c.emoji_status(),
        EmojiStatus::EmojiPresentation
            | EmojiStatus::EmojiPresentationAndModifierBase
            | EmojiStatus::EmojiPresentationAndEmojiComponent
    )
}

fn takes_modifier(c: char) -> bool {
    matches!(c.emoji_status(), EmojiStatus::EmojiModifierBase | EmojiStatus::EmojiPresentationAndModifierBase)
}

fn is_modifier(c: char) -> bool {
    c.emoji_status() == EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent
}

fn is_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Emoji::parse(text).ok().map(|emoji| emoji.as_str().to_owned())
    }

    #[test]
    fn one_emoji_of_any_kind_is_taken() {
        for text in ["👍", "👍🏽", "☝🏿", "😀", "🦰", "👨‍🦰", "👩‍🚀", "👩🏽‍🚀", "👨‍👩‍👧‍👦", "👩‍❤️‍💋‍👨", "🏳️‍🌈", "🏴‍☠️", "🇨🇳", "1️⃣", "#️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
        {
            assert_eq!(parsed(text).as_deref(), Some(text), "{text}");
        }
    }

    #[test]
    fn the_selector_makes_no_difference() {
        for (text, same) in [("❤", "❤\u{fe0f}"), ("❤\u{fe0f}", "❤\u{fe0f}"), ("👍\u{fe0f}", "👍"), ("©", "©\u{fe0f}")]
        {
            assert_eq!(parsed(text).as_deref(), Some(same), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "👩‍".repeat(4) + "👩";
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "好",
            ":+1:",
            "👍🏽🏽",
            "😀🏽",
            "🏽",
            "🇨",
            "🇨🇳🇨",
            "🇨a",
            "\u{200d}",
            "👩\u{200d}",
            "\u{200d}👩",
            "👩\u{200d}\u{200d}🚀",
            "\u{fe0f}",
            "a\u{fe0f}\u{20e3}",
            "1\u{20e3}",
            "❤\u{fe0e}",
            &long,
            "🏴\u{e0067}",
            "👍\n",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
