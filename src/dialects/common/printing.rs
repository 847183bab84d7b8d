//! What several dialects print alike.

use std::borrow::Cow;

use crate::domain::Message;

/// An address: a path of ours with `base_url` in front, any other as it is.
pub fn absolute<'a>(base_url: &str, url: &'a str) -> Cow<'a, str> {
    if url.starts_with('/') && !base_url.is_empty() {
        return format!("{base_url}{url}").into();
    }
    url.into()
}

/// The content of a message where a document has one field for text and address: the address when there is one.
pub fn content<'a>(message: &'a Message, base_url: &str) -> Cow<'a, str> {
    let url = message.attachment.as_ref().and_then(|file| file.address());
    url.map_or(Cow::Borrowed(message.text.as_str()), |url| absolute(base_url, url))
}
