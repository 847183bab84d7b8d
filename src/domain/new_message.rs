//! Messages as their senders make them.

use super::error::{Error, Result};
use super::field::Field;
use super::ids::EntryId;
use super::link::{check_link, is_dangerous};
use super::mention::NamedInText;
use super::message::{Attachment, ClientId, Content, Message, MessageKind, Origin};

/// A message that is not stored yet: everything that the sender decides.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its kind.
    pub kind: MessageKind,
    /// Its text.
    pub text: Content,
    /// Its file, if any.
    pub attachment: Option<Attachment>,
    /// The message that it replies to, which must exist in the same room.
    pub reply_to: Option<EntryId>,
    /// The id that the sender assigned.
    pub client_id: Option<ClientId>,
    /// SHA-256 of the file that is uploaded with it; a retry must carry the same file.
    pub file_digest: Option<[u8; 32]>,
    /// Where it was forwarded from.
    pub forwarded_from: Option<Origin>,
    /// Whom its text may mention, the longest name at each place first.
    pub named: Vec<NamedInText>,
}

impl NewMessage {
    /// A message of this kind and text, with nothing else. An image or file whose text is an address is the file at
    /// that address.
    pub fn new(kind: MessageKind, text: Content) -> Self {
        let attachment = Attachment::named_by(kind, &text);
        Self {
            kind,
            text,
            attachment,
            reply_to: None,
            client_id: None,
            file_digest: None,
            forwarded_from: None,
            named: Vec::new(),
        }
    }

    /// Rejects a message from which a client would make a link that runs something on the reader's machine: any address of
    /// a file but a link, and the text of an image or file where it is such an address. Other texts are only shown.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check_links(&self) -> Result<()> {
        if let Some(url) = self.attachment.as_ref().and_then(Attachment::address) {
            check_link(Field::File, url)?;
        }
        let is_file = match self.kind {
            MessageKind::Image | MessageKind::File | MessageKind::Audio | MessageKind::Video => true,
            MessageKind::Text | MessageKind::Emoji | MessageKind::System => false,
        };
        if is_file && is_dangerous(self.text.as_str()) { Err(Error::Invalid(Field::Content)) } else { Ok(()) }
    }

    /// The message with this file instead of one that its text names.
    pub fn with_attachment(self, attachment: Option<Attachment>) -> Self {
        Self { attachment, ..self }
    }

    /// The message as a reply.
    pub fn replying_to(self, reply_to: Option<EntryId>) -> Self {
        Self { reply_to, ..self }
    }

    /// The message as a copy of another, which is all that its sender decides of kind, text and file.
    ///
    /// # Errors
    /// `Invalid` for a message of the server.
    pub fn forwarding(self, original: Message) -> Result<Self> {
        if original.is_from_server() {
            return Err(Error::Invalid(Field::ForwardedFrom));
        }
        let origin = Origin { message: original.id, sender: original.sender };
        // Clients announce nothing.
        let kind = if original.kind == MessageKind::System { MessageKind::Text } else { original.kind };
        Ok(Self {
            kind,
            text: Content::of_stored(original.text),
            attachment: original.attachment.map(|file| Attachment { is_own_upload: false, ..file }),
            forwarded_from: Some(original.forwarded_from.map_or(origin, |first| *first)),
            ..self
        })
    }

    /// The message with the sender's own id.
    pub fn with_client_id(self, client_id: Option<ClientId>) -> Self {
        Self { client_id, ..self }
    }

    /// The message with the digest of the file that is uploaded with it.
    pub fn with_file_digest(self, digest: [u8; 32]) -> Self {
        Self { file_digest: Some(digest), ..self }
    }
}
