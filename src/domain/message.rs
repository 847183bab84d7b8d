//! Messages as the core knows them; dialects translate to and from these.

use super::error::{Error, Field, Result};
use super::ids::{EntryId, MessageId, UserId};
use super::names::check_length;
use super::notice::Notice;
use super::user::UserRef;

/// Longest text of a message, in characters. Document 003, §1: 1–5000.
const CONTENT_MAX_CHARS: usize = 5000;
/// Longest client id, in bytes; UUIDs have 36.
const CLIENT_ID_MAX_BYTES: usize = 128;
/// In front of the ids of proxies.
const PROXY: &str = "proxy ";

/// What a message is. Kinds that a dialect lacks are mapped by that dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Plain text.
    Text,
    /// A picture.
    Image,
    /// Any other file.
    File,
    /// A sound.
    Audio,
    /// A film.
    Video,
    /// A single emoji or sticker (document 004).
    Emoji,
    /// An announcement. From sender 0 it is the server's own.
    System,
}

/// A message's text, 1–5000 characters, passed on verbatim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Checks a text.
    ///
    /// # Errors
    /// `Length`.
    pub fn parse(text: String) -> Result<Self> {
        check_length(Field::Content, &text, 1, CONTENT_MAX_CHARS)?;
        Ok(Self(text))
    }

    /// Checks the text beside a file, which may be empty. Document 002.
    ///
    /// # Errors
    /// `Length`.
    pub fn beside_file(text: String) -> Result<Self> {
        if text.is_empty() { Ok(Self(text)) } else { Self::parse(text) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text itself.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The sender's own id of a message, which makes a retry safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId {
    text: String,
    kept_secs: u64,
}

impl ClientId {
    /// Checks a client's id: 1–128 bytes of visible ASCII, as a header can carry it. Kept for 24 hours.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let is_printable = text.bytes().all(|b| b.is_ascii_graphic());
        if text.is_empty() || text.len() > CLIENT_ID_MAX_BYTES || !is_printable {
            return Err(Error::Invalid(Field::ClientId));
        }
        Ok(Self { text: text.to_owned(), kept_secs: 24 * 60 * 60 })
    }

    /// The id that a proxy gave a request so that it can repeat it on another node by itself. Kept for a
    /// minute only: there is one for each request, and a proxy gives up sooner.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn of_proxy(text: &str) -> Result<Self> {
        let Self { text, .. } = Self::parse(text)?;
        // The space keeps it apart from what clients can choose.
        Ok(Self { text: format!("{PROXY}{text}"), kept_secs: 60 })
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id if the sender chose it: others are nobody's to see.
    pub fn own(&self) -> Option<&str> {
        (!self.text.starts_with(PROXY)).then_some(&*self.text)
    }

    /// For how long a retry finds the first message, seconds.
    pub fn kept_secs(&self) -> u64 {
        self.kept_secs
    }
}

/// A file that a message shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Where it is: a path of ours or an address elsewhere.
    pub url: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// An image's width and height in pixels, before its orientation is applied.
    pub pixels: Option<(u32, u32)>,
    /// Whether it was uploaded as this message, so that it goes when the message is deleted.
    pub is_own_upload: bool,
}

impl Attachment {
    /// Where it is; `None` when the sender gave a name or a size without an address.
    pub fn address(&self) -> Option<&str> {
        (!self.url.is_empty()).then_some(&*self.url)
    }

    /// The same as [`Self::named_by`] with a name and a size that the sender gave.
    pub fn described(kind: MessageKind, text: &Content, name: Option<String>, size: Option<u64>) -> Option<Self> {
        let named = Self::named_by(kind, text);
        if named.is_none() && name.is_none() && size.is_none() {
            return None;
        }
        Some(Self { name, size, ..named.unwrap_or_default() })
    }

    /// What a picture or file is whose sender gave an address as the text: that address. Anything else in
    /// the text stays text.
    pub fn named_by(kind: MessageKind, text: &Content) -> Option<Self> {
        let is_file = matches!(kind, MessageKind::Image | MessageKind::File);
        let text = text.as_str();
        let is_address = ["http://", "https://", "/uploads/"].iter().any(|start| text.starts_with(start))
            && !text.contains(char::is_whitespace);
        (is_file && is_address).then(|| Self { url: text.to_owned(), ..Self::default() })
    }
}

/// A message before it has a place: everything that the sender decides.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// What it is.
    pub kind: MessageKind,
    /// Its text.
    pub text: Content,
    /// Its file, if any.
    pub attachment: Option<Attachment>,
    /// The message that it answers; must exist in the same room.
    pub reply_to: Option<EntryId>,
    /// The sender's own id of it.
    pub client_id: Option<ClientId>,
    /// SHA-256 of the file that is uploaded with it: another file is another message.
    pub file_digest: Option<[u8; 32]>,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place and time.
    pub id: MessageId,
    /// Who said it.
    pub sender: UserRef,
    /// What it is.
    pub kind: MessageKind,
    /// Its text.
    pub text: String,
    /// Its file, if any.
    pub attachment: Option<Attachment>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The sender's own id of it.
    pub client_id: Option<String>,
    /// The change of membership that a message of the server reports.
    pub notice: Option<Notice>,
}

impl Message {
    /// Whether the server itself says it. A system message of a user is not the server's.
    pub fn is_from_server(&self) -> bool {
        self.sender.id == UserId::SERVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_counted_in_characters() {
        assert!(Content::parse("好".repeat(5000)).is_ok());
        assert!(Content::parse("好".repeat(5001)).is_err());
        assert!(Content::parse(String::new()).is_err());
    }

    #[test]
    fn an_address_names_the_file() {
        let named = |kind, text: &str| {
            let text = Content::parse(text.to_owned()).expect("valid");
            Attachment::named_by(kind, &text).map(|file| file.url)
        };
        let url = "https://example.com/a.png";
        assert_eq!(named(MessageKind::Image, url).as_deref(), Some(url));
        assert_eq!(named(MessageKind::Text, url), None);
        assert_eq!(named(MessageKind::File, "see https://example.com"), None);
        assert_eq!(named(MessageKind::File, "javascript:alert(1)"), None);
    }

    #[test]
    fn client_ids_are_visible_ascii() {
        assert!(ClientId::parse("550e8400-e29b-41d4-a716-446655440000").is_ok());
        for bad in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
