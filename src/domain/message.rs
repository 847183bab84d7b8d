//! Messages in the neutral form that dialects translate to and from.

use std::borrow::Cow;
use std::sync::Arc;

use super::error::{Error, Result};
use super::field::Field;
use super::ids::{MessageId, UserId};
use super::link::check_link;
use super::mention::Mentions;
use super::notice::Notice;
use super::reactions::Reactions;
use super::text::{check_length, escaped_bytes};
use super::user::UserRef;

/// Longest text of a message, in characters. Document 003, §1: 1–5000.
const CONTENT_MAX_CHARS: usize = 5000;
/// Longest client id, in bytes; UUIDs have 36.
const CLIENT_ID_MAX_BYTES: usize = 128;
/// Prefix of ids that a proxy assigned.
const PROXY: &str = "proxy ";

/// Kind of a message. A dialect maps kinds that its document lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Plain text.
    Text,
    /// An image.
    Image,
    /// Any other file.
    File,
    /// An audio recording.
    Audio,
    /// A video.
    Video,
    /// A single emoji or sticker (document 004).
    Emoji,
    /// An announcement; from sender 0, one of the server.
    System,
}

/// Text of a message, 1–5000 characters, stored and delivered verbatim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Validates the text of a message.
    ///
    /// # Errors
    /// `Length`.
    pub fn parse(text: String) -> Result<Self> {
        check_length(Field::Content, &text, 1, CONTENT_MAX_CHARS)?;
        Ok(Self(text))
    }

    /// Validates the text that accompanies a file, which may be empty. Document 002.
    ///
    /// # Errors
    /// `Length`.
    pub fn beside_file(text: String) -> Result<Self> {
        if text.is_empty() { Ok(Self(text)) } else { Self::parse(text) }
    }

    /// The text of a message that is stored.
    pub(super) fn of_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text without copying it.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// An id that the sender assigns to a message, which makes retries safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId {
    text: String,
    kept_secs: u64,
}

impl ClientId {
    /// Validates an id that a client assigned: 1–128 bytes of visible ASCII, so that a header can carry it. It is
    /// remembered for 24 hours.
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

    /// Validates an id that a proxy assigned to a request, so that it can repeat the request on another node. It is
    /// remembered for one minute only: every request has one, and a proxy gives up sooner.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn of_proxy(text: &str) -> Result<Self> {
        let Self { text, .. } = Self::parse(text)?;
        // Ids of clients contain no space, so the two never collide.
        Ok(Self { text: format!("{PROXY}{text}"), kept_secs: 60 })
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id if the sender assigned it; ids of proxies are not shown to clients.
    pub fn own(&self) -> Option<&str> {
        (!self.text.starts_with(PROXY)).then_some(&*self.text)
    }

    /// Seconds for which the id is remembered.
    pub fn kept_secs(&self) -> u64 {
        self.kept_secs
    }
}

/// A file attached to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Its address: a path on this server or a URL elsewhere.
    pub url: String,
    /// Its name for display.
    pub name: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// An image's width and height in pixels, as it is shown: turned by its orientation.
    pub pixels: Option<(u32, u32)>,
    /// Whether the sender gave the path of an upload of this server with a host. It is shown with the host of each
    /// reader.
    pub has_host: bool,
    /// Whether it was uploaded as this message and is removed when the message is deleted.
    pub is_own_upload: bool,
}

impl Attachment {
    /// Its address; `None` when the sender gave a name or a size only.
    pub fn address(&self) -> Option<&str> {
        (!self.url.is_empty()).then_some(&*self.url)
    }

    /// Like [`Self::named_by`], with the name and the size that the sender gave.
    pub fn described(kind: MessageKind, text: &Content, name: Option<String>, size: Option<u64>) -> Option<Self> {
        let named = Self::named_by(kind, text);
        if named.is_none() && name.is_none() && size.is_none() {
            return None;
        }
        Some(Self { name, size, ..named.unwrap_or_default() })
    }

    /// The attachment of an image or file message whose text is an address. `None` when the text is anything else.
    pub fn named_by(kind: MessageKind, text: &Content) -> Option<Self> {
        let is_file = matches!(kind, MessageKind::Image | MessageKind::File);
        let text = text.as_str();
        let is_address = is_file && check_link(Field::Content, text).is_ok();
        is_address.then(|| Self { url: text.to_owned(), ..Self::default() })
    }
}

/// More than what a message has in JSON besides its texts: keys, numbers, ids, times.
const KEYS_BYTES: usize = 900;

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its identity, which holds its place in the room and its time.
    pub id: MessageId,
    /// Its sender, with the name at the time of sending.
    pub sender: UserRef,
    /// Its kind.
    pub kind: MessageKind,
    /// Its text.
    pub text: String,
    /// Its file, if any.
    pub attachment: Option<Attachment>,
    /// The message that it replies to.
    pub reply_to: Option<MessageId>,
    /// The id that the sender assigned.
    pub client_id: Option<String>,
    /// The change of membership that a message of the server reports.
    pub notice: Option<Notice>,
    /// Time of the latest edit, UTC milliseconds.
    pub edited_at_ms: Option<u64>,
    /// Reactions to it; `None` when nobody ever reacted.
    pub reactions: Option<Arc<Reactions>>,
    /// Whom it mentions; `None` for nobody.
    pub mentions: Option<Box<Mentions>>,
    /// Time of the latest edit that changed this, UTC milliseconds.
    pub mentions_changed_at_ms: Option<u64>,
    /// Whether it is pinned to its room; `None` when it never was.
    pub pin: Option<PinState>,
    /// Where it was forwarded from.
    pub forwarded_from: Option<Box<Origin>>,
}

/// The message of which another is a copy, in whatever room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The message.
    pub message: MessageId,
    /// Its sender, with the name at the time of forwarding.
    pub sender: UserRef,
}

/// Whether a message is pinned to its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinState {
    /// Whether it is.
    pub is_pinned: bool,
    /// Time of the latest change, UTC milliseconds.
    pub changed_at_ms: Option<u64>,
}

impl Message {
    /// An upper bound for the bytes of the message as JSON in any document: some print text and address twice.
    pub fn printed_bytes(&self) -> usize {
        let file = self.attachment.as_ref();
        let (url, name) = file.map_or(("", None), |file| (&file.url, file.name.as_deref()));
        let twice = escaped_bytes(&self.text) + escaped_bytes(url);
        let origin = self.forwarded_from.as_ref().map(|origin| &*origin.sender.name);
        let once = [name, Some(&self.sender.name), self.client_id.as_deref(), origin].into_iter().flatten();
        let reactions = self.reactions.as_ref().map_or(0, |reactions| reactions.printed_bytes());
        let mentions = self.mentions.as_ref().map_or(0, |mentions| mentions.printed_bytes());
        2 * twice + once.map(escaped_bytes).sum::<usize>() + reactions + mentions + KEYS_BYTES
    }

    /// The message as a reader sees it who reaches the server at `base_url`: addresses of its uploads have that host.
    pub fn seen_at(&self, base_url: &str) -> Cow<'_, Self> {
        let mut seen = Cow::Borrowed(self);
        if self.has_hosted_file() {
            seen.to_mut().see_at(base_url);
        }
        seen
    }

    /// The same in place.
    pub fn see_at(&mut self, base_url: &str) {
        let Some(file) = self.attachment.as_mut().filter(|file| file.has_host) else { return };
        let address = format!("{base_url}{}", file.url);
        if self.text == file.url {
            self.text.clone_from(&address);
        }
        file.url = address;
        file.has_host = false;
    }

    /// Whether readers see it differently, depending on where they reach the server.
    pub fn has_hosted_file(&self) -> bool {
        self.attachment.as_ref().is_some_and(|file| file.has_host)
    }

    /// Whether another user mentions this one in it.
    pub fn mentions_user(&self, user: UserId) -> bool {
        self.sender.id != user && self.mentions.as_ref().is_some_and(|mentions| mentions.include(user))
    }

    /// Whether it is pinned to its room.
    pub fn is_pinned(&self) -> bool {
        self.pin.is_some_and(|pin| pin.is_pinned)
    }

    /// Whether the server sent it. A system message may come from a user as well.
    pub fn is_from_server(&self) -> bool {
        self.sender.id == UserId::SERVER
    }
}

#[cfg(test)]
impl Message {
    /// A message in the global room, for unit tests.
    pub(crate) fn sample(sender: u64, seq: u64, at_ms: u64) -> Self {
        use super::ids::{EntryId, RoomId, Seq};
        Self {
            id: MessageId { room: RoomId::GLOBAL, entry: EntryId { seq: Seq(seq), at_ms } },
            sender: UserRef { id: UserId(sender), name: String::new() },
            kind: MessageKind::Text,
            text: String::new(),
            attachment: None,
            reply_to: None,
            client_id: None,
            notice: None,
            edited_at_ms: None,
            reactions: None,
            mentions: None,
            pin: None,
            mentions_changed_at_ms: None,
            forwarded_from: None,
        }
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
