//! Telling users of the messages that mention them.

use bytes::{Bytes, BytesMut};

use super::connection::Connection;
use super::encode::{FrameKey, Style};
use crate::domain::{Amendment, AmendmentKind, Event, MessageId, OwnEvent, RoomEvent, UserId, UserRef};
use crate::websocket::text_frame;

/// The frames that follow an event for those whom its message mentions by it, each encoded when the first connection needs
/// it.
pub(super) struct MentionFrames<'a> {
    /// The event, if it mentions anybody.
    event: Option<&'a RoomEvent>,
    frames: Vec<(FrameKey, Option<Bytes>)>,
}

impl<'a> MentionFrames<'a> {
    pub(super) fn of(event: &'a RoomEvent) -> Self {
        let may_mention = match &event.what {
            Event::Message(message) => message.mentions.is_some(),
            Event::Amended(amendment) => matches!(&amendment.what, AmendmentKind::Mentions(_)),
            _ => false,
        };
        Self { event: may_mention.then_some(event), frames: Vec::new() }
    }

    /// The frame of the event for a connection, followed by the one that notifies its user of the mention, if there is
    /// one. Together they are one element of the queue, so that a connection never gets one of them alone.
    pub(super) fn follow(&mut self, frame: Bytes, connection: &Connection) -> Bytes {
        let Some(event) = self.event.filter(|event| does_mention(event, connection.user)) else { return frame };
        let key = connection.encoder.key;
        let index = self.frames.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            self.frames.push((key, encode(event, connection)));
            self.frames.len() - 1
        });
        let Some(mention) = &self.frames[index].1 else { return frame };
        let mut both = BytesMut::with_capacity(frame.len() + mention.len());
        both.extend_from_slice(&frame);
        both.extend_from_slice(mention);
        both.freeze()
    }
}

/// Whether a message mentions a user, or an edit has made it do so.
fn does_mention(event: &RoomEvent, user: UserId) -> bool {
    match &event.what {
        Event::Message(message) => message.mentions_user(user),
        Event::Amended(Amendment { by, what: AmendmentKind::Mentions(change), .. }) => *by != user && change.adds(user),
        _ => false,
    }
}

/// The message of an event that mentions somebody, and its sender.
fn mentioning(event: &RoomEvent) -> Option<(MessageId, UserRef)> {
    match &event.what {
        Event::Message(message) => Some((message.id, message.sender.clone())),
        Event::Amended(Amendment { id, by, what: AmendmentKind::Mentions(change), .. }) => {
            let name = change.announced.as_ref()?.by_name.clone();
            Some((MessageId { room: event.room.id, entry: *id }, UserRef { id: *by, name }))
        }
        _ => None,
    }
}

fn encode(event: &RoomEvent, connection: &Connection) -> Option<Bytes> {
    let (message, by) = mentioning(event)?;
    let style = Style { is_extended: connection.encoder.key.is_extended, base_url: "" };
    let event = OwnEvent::Mentioned { message, by };
    (connection.encoder.encode_own)(&event, style).map(|text| text_frame(&[&text]))
}
