//! Invites to register.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::error::{Error, Result};

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
    /// Terms within what is allowed: 1 to 1000 uses, 1 to 365 days.
    pub fn new(uses: u32, days: u32) -> Option<Self> {
        ((1..=1000).contains(&uses) && (1..=365).contains(&days)).then_some(Self { uses, days })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
