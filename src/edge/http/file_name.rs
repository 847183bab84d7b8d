//! The encodings of file names in headers: percent signs, words of RFC 2047, bytes of UTF-8 or of GBK.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, GB18030};
use percent_encoding::percent_decode;

/// Decodes `charset'language'text`, RFC 5987. `None` if it is not of this form.
pub(super) fn decode_extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    decode(charset, &percent_decode(text).collect::<Vec<u8>>())
}

/// Decodes a name in any of the ways in which clients write names that are not ASCII. Replaces what nothing explains.
pub(super) fn decode_plain(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => GB18030
            .decode_without_bom_handling_and_without_replacement(bytes)
            .unwrap_or_else(|| String::from_utf8_lossy(bytes)),
    };
    decode_words(&text).or_else(|| decode_percent(&text)).unwrap_or_else(|| text.into_owned())
}

fn decode(charset: &[u8], bytes: &[u8]) -> Option<String> {
    let encoding = Encoding::for_label(charset)?;
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
}

/// Decodes a text that consists of `=?charset?B?base64?=` and `=?charset?Q?quoted?=`, RFC 2047.
fn decode_words(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace().peekable();
    words.peek()?;
    words.map(decode_word).collect()
}

fn decode_word(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(text).ok()?,
        "Q" | "q" => percent_decode(text.replace('%', "=25").replace('_', " ").replace('=', "%").as_bytes()).collect(),
        _ => return None,
    };
    decode(charset.as_bytes(), &bytes)
}

/// Decodes a text in which every percent sign belongs to a byte of UTF-8.
fn decode_percent(text: &str) -> Option<String> {
    let is_escape = |rest: &str| rest.get(..2).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if !text.contains('%') || !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode(text.as_bytes()).decode_utf8().ok().map(Cow::into_owned)
}
