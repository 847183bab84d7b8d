//! Where an account comes from that nobody registered.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::hex::{from_hex, hex};
use super::text::folded;

/// Bytes of a digest.
const BYTES: usize = 16;

/// The origin of an account: a digest of the application that acts as it, or of the issuer and the subject of a token.
/// There is at most one account of each origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountOrigin([u8; BYTES]);

impl AccountOrigin {
    /// The origin of the account as which an application acts.
    pub fn of_application(name: &str) -> Self {
        Self::of(&["application", &folded(name)])
    }

    /// The origin of the account in whose name incoming webhooks with this name post into a room.
    pub fn of_hook(room: u32, name: &str) -> Self {
        Self::of(&["hook", &room.to_string(), &folded(name)])
    }

    /// The origin of the account of a subject of another issuer of tokens.
    pub fn of_subject(issuer: &str, subject: &str) -> Self {
        Self::of(&["issuer", issuer, subject])
    }

    fn of(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            // With its length, so that no other parts make the same bytes.
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let mut digest = [0; BYTES];
        digest.copy_from_slice(&hasher.finalize()[..BYTES]);
        Self(digest)
    }
}

impl fmt::Display for AccountOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for AccountOrigin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        from_hex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_differ_wherever_a_part_ends_and_are_read_as_printed() {
        let origins = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]].map(AccountOrigin::of);
        for (number, origin) in origins.iter().enumerate() {
            assert_eq!(origins.iter().position(|other| other == origin), Some(number));
            assert_eq!(origin.to_string().parse(), Ok(*origin));
        }
        assert_eq!(AccountOrigin::of_application("Bridge"), AccountOrigin::of_application("bridge"));
        assert_eq!("00ff".parse::<AccountOrigin>(), Err(()));
    }
}
