//! Invites to register.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::error::{Error, Result};
use super::field::Field;

const CODE_CHARS: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The code of an invite: 20 characters `a` to `z` and `2` to `7`, a hundred random bits. Never printed by accident.
#[derive(Clone)]
pub struct InviteCode(SecretString);

impl InviteCode {
    /// Draws a new code.
    ///
    /// # Errors
    /// `Internal` when the operating system provides no random bytes.
    pub fn new() -> Result<Self> {
        let mut bytes = [0; CODE_CHARS];
        getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
        let code: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        Ok(Self(code.into()))
    }

    /// Reads a code as a user enters it.
    ///
    /// # Errors
    /// `InviteInvalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let code = text.trim().to_ascii_lowercase();
        let is_code = code.len() == CODE_CHARS && code.bytes().all(|byte| ALPHABET.contains(&byte));
        if is_code { Ok(Self(code.into())) } else { Err(Error::InviteInvalid) }
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

#[cfg(test)]
mod tests {
    use super::*;

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
