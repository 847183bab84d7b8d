//! Subscriptions to notifications of browsers without an open window: Web Push (RFC 8030, RFC 8291).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{Error, Result};
use super::field::Field;
use super::session::TokenId;

/// Longest address of a push service. Those in use take about 200 characters.
const MAX_ENDPOINT: usize = 1000;
/// Length of an uncompressed point of P-256.
pub const POINT_BYTES: usize = 65;
/// Length of the secret that a browser shares with those who may send to it.
const AUTH_BYTES: usize = 16;

/// Where a browser receives notifications, and what they are encrypted with.
#[derive(Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// The address at the push service. Whoever knows it can send to it, but nothing that the browser can decrypt.
    pub endpoint: String,
    /// The browser's public key.
    pub key: [u8; POINT_BYTES],
    /// The browser's authentication secret.
    pub auth: [u8; AUTH_BYTES],
}

impl PushSubscription {
    /// Reads a subscription as browsers describe it.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(endpoint: &str, key: &str, auth: &str) -> Result<Self> {
        let has_fitting_length = (1..=MAX_ENDPOINT).contains(&endpoint.len());
        if !has_fitting_length || endpoint.contains(char::is_whitespace) || endpoint.contains(char::is_control) {
            return Err(Error::Invalid(Field::Endpoint));
        }
        let key: [u8; POINT_BYTES] = read(key).ok_or(Error::Invalid(Field::PushKey))?;
        // The mark of an uncompressed point.
        if key[0] != 4 {
            return Err(Error::Invalid(Field::PushKey));
        }
        let auth = read(auth).ok_or(Error::Invalid(Field::PushAuth))?;
        Ok(Self { endpoint: endpoint.to_owned(), key, auth })
    }

    /// The public key and the secret, as browsers describe them.
    pub fn texts(&self) -> (String, String) {
        (URL_SAFE_NO_PAD.encode(self.key), URL_SAFE_NO_PAD.encode(self.auth))
    }
}

/// Until when what belongs to a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// The token.
    pub token: TokenId,
    /// Its epoch.
    pub epoch: u64,
    /// Its generation.
    pub generation: u64,
    /// The last second in which it is valid.
    pub expires_at_secs: u64,
}

fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8291, §5.
    const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn what_browsers_describe_is_read_and_printed_again() {
        let read =
            PushSubscription::parse("https://push.example/1", KEY, &format!("{AUTH}==")).expect("a subscription");
        assert_eq!(read.texts(), (KEY.to_owned(), AUTH.to_owned()));
    }

    #[test]
    fn what_is_no_subscription_is_refused() {
        let long = format!("https://push.example/{}", "a".repeat(MAX_ENDPOINT));
        let compressed = format!("A{}", &KEY[1..]);
        for (endpoint, key, auth) in [
            ("", KEY, AUTH),
            ("https://a b", KEY, AUTH),
            (&long, KEY, AUTH),
            ("https://a", &KEY[4..], AUTH),
            ("https://a", &compressed, AUTH),
            ("https://a", KEY, "BTBZ"),
            ("https://a", KEY, "***"),
        ] {
            assert!(PushSubscription::parse(endpoint, key, auth).is_err(), "{endpoint} {key} {auth}");
        }
    }
}
