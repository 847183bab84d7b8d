//! Addresses and contents, as several dialects print them.

use std::borrow::Cow;

use crate::domain::Message;

/// Makes a path of this server absolute with `base_url`; leaves any other address unchanged.
pub fn absolute<'a>(base_url: &str, url: &'a str) -> Cow<'a, str> {
    if url.starts_with('/') && !base_url.is_empty() {
        return format!("{base_url}{url}").into();
    }
    url.into()
}

/// The content of a message in documents with one field for text and address: the address, if there is one.
pub fn content<'a>(message: &'a Message, base_url: &str) -> Cow<'a, str> {
    let url = message.attachment.as_ref().and_then(|file| file.address());
    url.map_or(Cow::Borrowed(message.text.as_str()), |url| absolute(base_url, url))
}
