//! Settings that are one of some words.

use jsonwebtoken::Algorithm;
use serde::Deserialize;

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Registration {
    /// Everyone.
    Open,
    /// Those with an invite.
    Invite,
    /// Nobody.
    Closed,
}

impl TryFrom<String> for Registration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("open", Self::Open), ("invite", Self::Invite), ("closed", Self::Closed)])
    }
}

/// Users who may add another to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Adding {
    /// All users.
    Everyone,
    /// Users who share a room with the other.
    Known,
}

impl TryFrom<String> for Adding {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("everyone", Self::Everyone), ("known", Self::Known)])
    }
}

/// Users who may see the IP addresses of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum IpVisibility {
    /// All users.
    Everyone,
    /// Administrators.
    Admins,
}

impl TryFrom<String> for IpVisibility {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("everyone", Self::Everyone), ("admins", Self::Admins)])
    }
}

/// The algorithm by which an issuer signs tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SigningAlgorithm {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The key that checks its signatures.
    pub key: KeyKind,
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A secret that both sides have.
    Secret,
    /// A public key of RSA.
    Rsa,
    /// A public key on the curve P-256.
    P256,
    /// A public key on the curve P-384.
    P384,
    /// A public key of Ed25519.
    Ed25519,
}

impl KeyKind {
    /// The object identifiers in DER format that distinguish a public key of this kind from others. `None` for a
    /// secret.
    pub(super) fn identifiers(self) -> Option<&'static [u8]> {
        match self {
            Self::Secret => None,
            Self::Rsa => Some(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
            Self::P256 => Some(b"\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
            Self::P384 => Some(b"\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"),
            Self::Ed25519 => Some(b"\x2b\x65\x70"),
        }
    }
}

impl TryFrom<String> for SigningAlgorithm {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let words = [
            ("HS256", (Algorithm::HS256, KeyKind::Secret)),
            ("HS384", (Algorithm::HS384, KeyKind::Secret)),
            ("HS512", (Algorithm::HS512, KeyKind::Secret)),
            ("RS256", (Algorithm::RS256, KeyKind::Rsa)),
            ("RS384", (Algorithm::RS384, KeyKind::Rsa)),
            ("RS512", (Algorithm::RS512, KeyKind::Rsa)),
            ("PS256", (Algorithm::PS256, KeyKind::Rsa)),
            ("PS384", (Algorithm::PS384, KeyKind::Rsa)),
            ("PS512", (Algorithm::PS512, KeyKind::Rsa)),
            ("ES256", (Algorithm::ES256, KeyKind::P256)),
            ("ES384", (Algorithm::ES384, KeyKind::P384)),
            ("EdDSA", (Algorithm::EdDSA, KeyKind::Ed25519)),
        ];
        one_of(&text, &words).map(|(algorithm, key)| Self { algorithm, key })
    }
}

/// Format of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// Human-readable on a terminal, JSON otherwise.
    Auto,
    /// Human-readable lines.
    Human,
    /// One JSON object per line.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("auto", Self::Auto), ("human", Self::Human), ("json", Self::Json)])
    }
}

/// Finds the value of a word.
///
/// # Errors
/// A sentence with all words.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be {}, not {text:?}", words.join(" or "))
    })
}
