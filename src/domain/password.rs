//! Passwords, normalised as OpaqueString of RFC 8265, because keyboards encode the same letter differently.

use std::collections::HashSet;
use std::sync::LazyLock;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::error::{Error, Result};
use super::field::Field;
use super::text::folded;

const MIN_CHARS: usize = 6;
/// bcrypt's 72 bytes less its terminator.
const MAX_BYTES: usize = 71;
/// How many times shorter than a text its composed form may be; no character has a decomposition as long.
const MAX_SHRINKING: usize = 18;
/// Maximum number of characters by which a password may differ from its user's name and still be easy to guess.
const MAX_ADDED_CHARS: usize = 4;

/// The commonest passwords of public lists of leaked ones, folded, of six characters and more, one a line. The passwords in
/// the documents' examples are not among them: a client that repeats an example is answered as documented.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A new password: at least 6 characters, at most 71 bytes, normalised. Never printed.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Normalises and validates a new password.
    ///
    /// # Errors
    /// `Length`, or `Invalid` for a NUL, at which bcrypt would stop reading.
    pub fn parse(text: &str) -> Result<Self> {
        let text = opaque(text);
        if !fits(&text) {
            return Err(Error::Length { field: Field::Password, min: MIN_CHARS, max: MAX_BYTES });
        }
        if text.contains('\0') {
            return Err(Error::Invalid(Field::Password));
        }
        Ok(Self(text.into()))
    }

    /// Rejects a password that is easy to guess: one of the commonest, or the user's own name with a few more
    /// characters.
    ///
    /// # Errors
    /// `WeakPassword`.
    pub fn check_strength(&self, name: &str) -> Result<()> {
        let password = folded(self.expose());
        let is_weak = COMMON.contains(password.as_str()) || resembles(&squeezed(&password), &squeezed(&folded(name)));
        if is_weak { Err(Error::WeakPassword) } else { Ok(()) }
    }

    /// The text, for the hash function only.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A password as somebody typed it to log in. Never printed.
#[derive(Clone, Debug)]
pub struct TypedPassword(Vec<SecretString>);

impl TypedPassword {
    /// Reads a password; `None` for a text that is no account's password.
    pub fn parse(text: &str) -> Option<Self> {
        let mut forms = vec![opaque(text)];
        if forms[0] != text {
            forms.push(text.to_owned()); // as versions without normalisation hashed it
        }
        forms.retain(|form| fits(form) && !form.contains('\0'));
        (!forms.is_empty()).then(|| Self(forms.into_iter().map(SecretString::from).collect()))
    }

    /// The forms of which one may be hashed: the normalised one, then the text itself where it differs. At most two.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }
}

/// The string that RFC 8265, §4.2.2 compares: every space is U+0020, the form NFC. Case and width count.
fn opaque(text: &str) -> String {
    if text.len() > MAX_BYTES * MAX_SHRINKING {
        return text.to_owned(); // too long in any form
    }
    let space = |c: char| if c.general_category() == GeneralCategory::SpaceSeparator { ' ' } else { c };
    text.chars().map(space).nfc().collect()
}

fn fits(text: &str) -> bool {
    text.len() <= MAX_BYTES && text.chars().count() >= MIN_CHARS
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| *c != ' ').collect()
}

/// Whether a password is a name, forwards or backwards, once or repeated, with a few more digits and symbols.
fn resembles(password: &str, name: &str) -> bool {
    let is_repeated = !name.is_empty() && password.replace(name, "").is_empty();
    let core = |text: &str| text.trim_matches(|c: char| !c.is_alphabetic()).to_owned();
    let (added, reversed) =
        (password.chars().count().saturating_sub(name.chars().count()), core(name).chars().rev().collect());
    is_repeated
        || added <= MAX_ADDED_CHARS && !core(name).is_empty() && [core(name), reversed].contains(&core(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_fit_bcrypt() {
        assert!(Password::parse("12345").is_err());
        assert!(Password::parse("六个字的密码").is_ok());
        assert!(Password::parse(&"x".repeat(72)).is_err());
        assert!(Password::parse("abc\0defg").is_err());
        assert!(!format!("{:?}", Password::parse("secret-text")).contains("secret-text"));
        assert!(!format!("{:?}", TypedPassword::parse("secret-text")).contains("secret-text"));
    }

    #[test]
    fn limits_are_those_of_the_normalised_password() {
        // 72 bytes as typed, 48 composed.
        assert!(Password::parse(&"e\u{301}".repeat(24)).is_ok());
        assert!(Password::parse(&"e\u{301}".repeat(5)).is_err());
        // A composition exclusion: NFC is longer.
        assert!(Password::parse(&"\u{958}".repeat(20)).is_err());
    }

    #[test]
    fn a_typed_password_has_the_form_of_today_and_that_of_before() {
        let forms =
            |text: &str| TypedPassword::parse(text).map(|typed| typed.forms().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(forms("plain password").unwrap_or_default(), ["plain password"]);
        assert_eq!(forms("cafe\u{301}\u{3000}noir").unwrap_or_default(), ["café noir", "cafe\u{301}\u{3000}noir"]);
        // Valid before, too long composed; and the reverse.
        assert_eq!(forms(&"\u{958}".repeat(20)).map(|forms| forms.len()), Some(1));
        assert_eq!(forms(&"e\u{301}".repeat(24)).map(|forms| forms.len()), Some(1));
        assert!(forms("short").is_none());
    }

    #[test]
    fn passwords_that_are_guessed_first_are_refused() {
        let weak = ["password", "PassWord", "１２３４５６", "123456", "qwerty123", "5201314", "woaini1314"];
        let own =
            ["zebedee", "Zebedee1", "zebedee!!", "2024zebedee", "eedebez", "zebedeezebedee", "ZEBEDEE_99", "ze be dee"];
        for text in weak.into_iter().chain(own) {
            let password = Password::parse(text).expect("long enough");
            assert!(matches!(password.check_strength("Zebedee"), Err(Error::WeakPassword)), "{text}");
        }
        for text in ["your_strong_password", "string", "correct horse", "zebedee eats grass", "a1b9c7d5"] {
            assert!(Password::parse(text).is_ok_and(|password| password.check_strength("Zebedee").is_ok()), "{text}");
        }
        assert!(Password::parse("a7294810365").is_ok_and(|password| password.check_strength("a").is_ok()));
    }

    #[test]
    fn the_list_is_folded_and_sorted() {
        let lines: Vec<&str> = include_str!("common_passwords.txt").lines().collect();
        assert!(
            lines.is_sorted() && lines.iter().all(|line| folded(line) == *line && line.chars().count() >= MIN_CHARS)
        );
    }
}
