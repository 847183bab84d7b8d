//! Encrypts what a push service must not read (RFC 8291, with the content encoding of RFC 8188).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use crate::domain::{Error, Field, POINT_BYTES, PushSubscription, Result};

const SALT_BYTES: usize = 16;
/// The payload is a single record: push services accept 4096 bytes at most.
const RECORD_BYTES: u32 = 4096;
/// Ends the text of the last record; zeros may follow.
const LAST_RECORD: u8 = 2;

/// Encrypts a text for a browser, padded to `padded` bytes, so that its length reveals nothing.
///
/// # Errors
/// `Invalid` when the browser's key is no point of the curve; `Internal`.
pub(super) fn encrypt(subscription: &PushSubscription, text: &[u8], padded: usize) -> Result<Vec<u8>> {
    let own = PrivateKey::generate(&ECDH_P256).map_err(failed)?;
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| Error::internal(error.to_string()))?;
    encrypt_with(subscription, text, padded, &own, &salt)
}

/// Whether a browser's key can be encrypted to.
pub(super) fn check(subscription: &PushSubscription) -> Result<()> {
    encrypt(subscription, b"", 0).map(drop)
}

fn encrypt_with(
    subscription: &PushSubscription,
    text: &[u8],
    padded: usize,
    own: &PrivateKey,
    salt: &[u8; SALT_BYTES],
) -> Result<Vec<u8>> {
    let public = own.compute_public_key().map_err(failed)?;
    let (key, nonce) = secrets(subscription, own, public.as_ref(), salt)?;
    let mut record = text.to_vec();
    record.push(LAST_RECORD);
    record.resize(padded.max(text.len()) + 1, 0);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).map_err(failed)?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).map_err(failed)?;
    let head = [&salt[..], &RECORD_BYTES.to_be_bytes(), &[POINT_BYTES as u8], public.as_ref()].concat();
    Ok([head, record].concat())
}

/// The key of the content, and its nonce.
fn secrets(
    subscription: &PushSubscription,
    own: &PrivateKey,
    public: &[u8],
    salt: &[u8],
) -> Result<([u8; 16], [u8; NONCE_LEN])> {
    let theirs = UnparsedPublicKey::new(&ECDH_P256, subscription.key);
    let shared = agree(own, theirs, Error::Invalid(Field::PushKey), |secret| {
        Ok(Salt::new(HKDF_SHA256, &subscription.auth).extract(secret))
    })?;
    let of_both: [u8; 32] = expand(&shared, &[b"WebPush: info\0", &subscription.key, public])?;
    let of_content = Salt::new(HKDF_SHA256, salt).extract(&of_both);
    Ok((
        expand(&of_content, &[b"Content-Encoding: aes128gcm\0"])?,
        expand(&of_content, &[b"Content-Encoding: nonce\0"])?,
    ))
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N]> {
    let mut out = [0; N];
    key.expand(info, Length(N)).and_then(|okm| okm.fill(&mut out)).map_err(failed)?;
    Ok(out)
}

fn failed(_: Unspecified) -> Error {
    Error::internal("what is for a push service could not be encrypted")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    // RFC 8291, §5 and appendix A.
    const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const OWN: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
    const TEXT: &[u8] = b"When I grow up, I want to be a watermelon";
    const ENCRYPTED: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS\
        6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn subscription() -> PushSubscription {
        PushSubscription::parse("https://push.example/1", KEY, AUTH).expect("a subscription")
    }

    #[test]
    fn the_example_of_the_rfc_is_encrypted_as_there() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let own = PrivateKey::from_private_key(&ECDH_P256, &decode(OWN)).expect("a key");
        let salt = decode(SALT).try_into().expect("16 bytes");
        let encrypted = encrypt_with(&subscription(), TEXT, 0, &own, &salt).expect("encrypts");
        assert_eq!(URL_SAFE_NO_PAD.encode(encrypted), ENCRYPTED);
    }

    #[test]
    fn short_and_long_texts_become_equally_long() {
        let encrypted = |text: &[u8]| encrypt(&subscription(), text, 100).expect("encrypts");
        assert_eq!(encrypted(b"").len(), encrypted(TEXT).len());
        assert_ne!(encrypted(TEXT), encrypted(TEXT), "each time with another key");
    }

    #[test]
    fn a_key_that_is_no_point_is_refused() {
        let mut subscription = subscription();
        subscription.key[64] ^= 1;
        assert!(matches!(check(&subscription), Err(Error::Invalid(Field::PushKey))));
    }
}
