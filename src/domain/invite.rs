//! Invites to register.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::error::{Error, Result};
use super::field::Field;
use super::ids::UserId;

const CODE_CHARS: usize = 20;
const DIGEST_CHARS: usize = 32;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Generates a code of five random bits for each character.
///
/// # Errors
/// `Internal` when the operating system provides no random bytes.
pub(super) fn draw_code(chars: usize) -> Result<String> {
    let mut bytes = vec![0; chars];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// Whether a text may be a code.
pub(super) fn is_code(text: &str, chars: usize) -> bool {
    text.len() == chars && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// The code of an invite: 20 characters `a` to `z` and `2` to `7`, a hundred random bits. Never printed by accident.
#[derive(Clone)]
pub struct InviteCode(SecretString);

impl InviteCode {
    /// Generates a new code.
    ///
    /// # Errors
    /// `Internal` when the operating system provides no random bytes.
    pub fn new() -> Result<Self> {
        Ok(Self(draw_code(CODE_CHARS)?.into()))
    }

    /// Reads a code as a user enters it.
    ///
    /// # Errors
    /// `InviteInvalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let code = text.trim().to_ascii_lowercase();
        if is_code(&code, CODE_CHARS) { Ok(Self(code.into())) } else { Err(Error::InviteInvalid) }
    }

    /// The code itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode")
    }
}

/// Who may use an invite, and until when.
#[derive(Clone, Copy, Debug)]
pub struct InviteTerms {
    /// Accounts that it may make.
    pub uses: u32,
    /// Days for which it is valid.
    pub days: u32,
}

impl InviteTerms {
    /// Checks terms: 1 to 1000 uses, 1 to 365 days.
    ///
    /// # Errors
    /// `Invalid(Uses)`, `Invalid(Days)`.
    pub fn new(uses: u32, days: u32) -> Result<Self> {
        match (uses, days) {
            (1..=1000, 1..=365) => Ok(Self { uses, days }),
            (1..=1000, _) => Err(Error::Invalid(Field::Days)),
            _ => Err(Error::Invalid(Field::Uses)),
        }
    }
}

/// The id of a stored invite, which does not reveal its code. Written as digest, time and creator:
/// `0f…c3-1761480000000-3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteId {
    /// Digest of the code, 32 hexadecimal digits.
    pub digest: String,
    /// When it was created, UTC milliseconds.
    pub made_at_ms: u64,
    /// Who created it; the server's own number for the command line.
    pub made_by: UserId,
}

impl InviteId {
    /// Parses an id.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (digest, made_at_ms, made_by) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let is_digest = digest.len() == DIGEST_CHARS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = Self { digest: digest.to_owned(), made_at_ms, made_by: UserId(made_by) };
        (is_digest && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for InviteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.digest, self.made_at_ms, self.made_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let digest = "0123456789abcdef0123456789abcdef";
        let text = format!("{digest}-1761480000000-3");
        let id = InviteId::parse(&text).expect("valid");
        assert_eq!((id.made_at_ms, id.made_by, id.to_string()), (1_761_480_000_000, UserId(3), text));
        for bad in ["", digest, "x-1-3", &format!("{digest}-01-3"), &format!("{digest}-1-3-4"), &format!("{digest}-1-")]
        {
            assert_eq!(InviteId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_field_that_is_out_of_its_range_is_named() {
        for (uses, days, wrong) in [
            (1, 1, None),
            (1000, 365, None),
            (0, 1, Some("uses")),
            (1001, 0, Some("uses")),
            (1, 0, Some("days")),
            (1, 366, Some("days")),
        ] {
            let field = InviteTerms::new(uses, days).err().and_then(|error| error.field());
            assert_eq!(field.map(Field::name), wrong, "{uses} {days}");
        }
    }

    #[test]
    fn codes_are_random_and_read_as_entered() {
        let code = InviteCode::new().expect("drawn");
        assert_ne!(code.expose(), InviteCode::new().expect("drawn").expose());
        let entered = format!(" {} \n", code.expose().to_uppercase());
        assert_eq!(InviteCode::parse(&entered).expect("valid").expose(), code.expose());
        for text in ["", "abc", "abcdefghijklmnopqrs1", "abcdefghijklmnopqrst2", "abcdefghijklmnopqr é"] {
            assert!(matches!(InviteCode::parse(text), Err(Error::InviteInvalid)), "{text:?}");
        }
        assert!(!format!("{code:?}").contains(code.expose()));
    }
}
