//! The key that identifies this server to push services (VAPID, RFC 8292).

use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::domain::{Error, Result};

/// How long a token is valid. Push services refuse more than a day.
const TOKEN_SECS: u64 = 12 * 60 * 60;
/// A token is used for this long, so that what is sent with it arrives in time.
const USED_FOR: std::time::Duration = std::time::Duration::from_secs(TOKEN_SECS / 2);
/// Push services whose tokens are remembered.
const MAX_SERVICES: u64 = 1000;

/// Signs for this server.
pub struct Vapid {
    pair: EcdsaKeyPair,
    public: String,
    /// Contact of the operator for push services: a `mailto:` or `https:` address.
    contact: String,
    tokens: Cache<String, String>,
}

impl Vapid {
    /// Reads a private key: 32 bytes as base64url, as tools for Web Push print it.
    ///
    /// # Errors
    /// `Internal` when the text is no key.
    pub fn new(key: &SecretString, contact: &str) -> Result<Self> {
        let private = URL_SAFE_NO_PAD.decode(key.expose_secret()).map_err(|_| no_key())?;
        let pair = pair_of(&private).ok_or_else(no_key)?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key());
        let tokens = Cache::builder().max_capacity(MAX_SERVICES).time_to_live(USED_FOR).build();
        Ok(Self { pair, public, contact: contact.to_owned(), tokens })
    }

    /// The public key, which browsers need to subscribe.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The value of `Authorization` for a request to a push service with this origin.
    ///
    /// # Errors
    /// `Internal` when the key does not sign.
    pub(super) fn authorization(&self, origin: &str, now_secs: u64) -> Result<String> {
        if let Some(known) = self.tokens.get(origin) {
            return Ok(known);
        }
        let claims = json!({"aud": origin, "exp": now_secs + TOKEN_SECS, "sub": self.contact});
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| Error::internal("the key for Web Push does not sign"))?;
        let value = format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public);
        self.tokens.insert(origin.to_owned(), value.clone());
        Ok(value)
    }
}

/// Generates a private key from the operating system's random source, as base64url.
pub fn new_push_key() -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let private: Option<EcPrivateKeyBin<'_>> =
        pair.as_ref().ok().and_then(|pair| pair.private_key().as_be_bytes().ok());
    URL_SAFE_NO_PAD.encode(private.expect("the operating system provides random bytes").as_ref())
}

/// The pair of a private key. The library takes a pair only as a whole; its structure names the private half alone.
fn pair_of(private: &[u8]) -> Option<EcdsaKeyPair> {
    use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
    let public = PrivateKey::from_private_key(&ECDH_P256, private).ok()?.compute_public_key().ok()?;
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, private, public.as_ref()).ok()
}

fn no_key() -> Error {
    Error::internal("the key for Web Push is not a private key of P-256, 32 bytes as base64url")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    #[test]
    fn the_public_key_belongs_to_the_private_one() {
        // RFC 8291, §5.
        let vapid = Vapid::new(&"yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw".into(), "").expect("a key");
        let public = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        assert_eq!(vapid.public_key(), public);
        for no_key in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "?"] {
            assert!(Vapid::new(&no_key.into(), "").is_err(), "{no_key}");
        }
    }

    #[test]
    fn a_push_service_finds_who_sends() {
        let vapid = Vapid::new(&new_push_key().into(), "mailto:operator@chat.example").expect("a key");
        let value = vapid.authorization("https://push.example", 1000).expect("signs");
        let (token, key) = value.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("two parts");
        assert_eq!(key, vapid.public_key());
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decode(key));
        public.verify(signed.as_bytes(), &decode(signature)).expect("signed by the key");
        let claims: Value = serde_json::from_slice(&decode(signed.split_once('.').expect("claims").1)).expect("JSON");
        let expected =
            json!({"aud": "https://push.example", "exp": 1000 + TOKEN_SECS, "sub": "mailto:operator@chat.example"});
        assert_eq!(claims, expected);
        assert_eq!(vapid.authorization("https://push.example", 2000).expect("signs"), value, "it is used again");
    }
}
