//! Names of users: those that users choose, and those that are typed to find a user.

use unicode_normalization::UnicodeNormalization;

use super::error::{Error, Result};
use super::field::Field;
use super::look_alike;
use super::spelling;
use super::text::{check_length, folded};

const USER_NAME_MAX_CHARS: usize = 32;

/// A name that a user may choose: NFKC, 1–32 characters, by the rules of UTS #39.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Normalises and validates a new name.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for invisible characters, mixed scripts and everything else with which a name can be made to
    /// look like another's.
    pub fn parse(text: &str) -> Result<Self> {
        let name = normalised(text);
        check_length(Field::UserName, &name, 1, USER_NAME_MAX_CHARS)?;
        if !spelling::is_allowed(&name) {
            return Err(Error::Invalid(Field::UserName));
        }
        Ok(Self(name))
    }

    /// Like [`Self::parse`], for a user whose name is `current` as far as is known; `None` when that is the name, and it is from
    /// before today's rules: a client that sends a whole profile repeats it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_change(text: &str, current: &str) -> Result<Option<Self>> {
        match Self::parse(text) {
            Ok(name) if text != current || (name.as_str() == text && !name.is_reserved()) => Ok(Some(name)),
            Ok(_) | Err(_) if text == current => Ok(None),
            refused => refused.map(Some),
        }
    }

    /// The name for display.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which names are unique.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }

    /// Whether the name is one of the server's own, or looks like one.
    pub fn is_reserved(&self) -> bool {
        look_alike::is_reserved(&self.0)
    }
}

/// A name that somebody typed to find its user. It need not be one that could be chosen today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedName(Vec<String>);

impl TypedName {
    /// Reads a name; `None` for a text that is no user's name.
    pub fn parse(text: &str) -> Option<Self> {
        // Names of earlier versions may have several spaces in a row.
        let exact = nfkc(text).trim().to_owned();
        check_length(Field::UserName, &exact, 1, USER_NAME_MAX_CHARS).ok()?;
        let mut forms = vec![folded(&exact), folded(&normalised(text))];
        forms.dedup();
        Some(Self(forms))
    }

    /// The forms under which the user may be found: one or two.
    pub fn forms(&self) -> &[String] {
        &self.0
    }
}

/// The forms of a name that its look-alikes share: two names look alike when they have one in common.
pub fn looks(name: &str) -> Vec<String> {
    look_alike::looks(name)
}

/// NFKC with single spaces, none of them at the ends.
fn normalised(text: &str) -> String {
    let name = nfkc(&without_lost_styles(text));
    name.trim().split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Removes the style of emoji that NFKC replaces by letters, as of ™️.
fn without_lost_styles(text: &str) -> String {
    let mut before = None;
    let mut keep = |c: char| {
        let is_lost =
            c == '\u{fe0f}' && before.is_some_and(|before: char| !std::iter::once(before).nfkc().eq([before]));
        before = Some(c);
        !is_lost
    };
    text.chars().filter(|c| keep(*c)).collect()
}

fn nfkc(text: &str) -> String {
    // No normal form is shorter than an eighteenth of its source: a longer text needs no normalising.
    let is_hopeless = text.chars().nth(USER_NAME_MAX_CHARS * 18).is_some();
    if is_hopeless { text.to_owned() } else { text.nfkc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_and_folded() {
        assert_eq!(UserName::parse(" Ａlice ").map(|name| name.folded()).ok().as_deref(), Some("alice"));
        assert_eq!(UserName::parse("张三").map(|name| name.0).ok().as_deref(), Some("张三"));
        assert_eq!(UserName::parse("Anna \u{3000} Lee™️").map(|name| name.0).ok().as_deref(), Some("Anna LeeTM"));
        assert_eq!(folded("Straße"), folded("STRASSE"));
    }

    #[test]
    fn a_typed_name_finds_what_was_chosen_by_earlier_rules() {
        let forms = |text: &str| TypedName::parse(text).map(|name| name.0).unwrap_or_default();
        assert_eq!(forms(" Ａlice "), ["alice"]);
        assert_eq!(forms("Anna  Lee"), ["anna  lee", "anna lee"]);
        assert_eq!(forms("p\u{430}ypal"), ["p\u{430}ypal"]);
        assert!(forms("  ").is_empty() && forms(&"x".repeat(33)).is_empty());
    }

    #[test]
    fn the_present_name_is_no_change() {
        assert_eq!(UserName::parse_change("p\u{430}ypal", "p\u{430}ypal").ok(), Some(None));
        assert_eq!(UserName::parse_change("anna  lee", "anna  lee").ok(), Some(None));
        assert!(UserName::parse_change("p\u{430}ypal", "paypal").is_err());
    }
}
