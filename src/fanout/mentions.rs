//! Telling users of the messages that mention them.

use bytes::{Bytes, BytesMut};

use super::connection::Connection;
use super::encode::{FrameKey, Style};
use crate::domain::{Event, Message, OwnEvent};
use crate::websocket::text_frame;

/// The frames that follow a message for those whom it mentions, each encoded when the first connection needs it.
pub(super) struct MentionFrames<'a> {
    /// The message, if it mentions anybody.
    message: Option<&'a Message>,
    frames: Vec<(FrameKey, Option<Bytes>)>,
}

impl<'a> MentionFrames<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let message = match event {
            Event::Message(message) => Some(&**message).filter(|message| message.mentions.is_some()),
            _ => None,
        };
        Self { message, frames: Vec::new() }
    }

    /// The frame of the event for a connection, followed by the one that notifies its user of the mention, if there is
    /// one. Together they are one element of the queue, so that a connection never gets one of them alone.
    pub(super) fn follow(&mut self, frame: Bytes, connection: &Connection) -> Bytes {
        let Some(message) = self.message.filter(|message| message.mentions_user(connection.user)) else { return frame };
        let key = connection.encoder.key;
        let index = self.frames.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            self.frames.push((key, encode(message, connection)));
            self.frames.len() - 1
        });
        let Some(mention) = &self.frames[index].1 else { return frame };
        let mut both = BytesMut::with_capacity(frame.len() + mention.len());
        both.extend_from_slice(&frame);
        both.extend_from_slice(mention);
        both.freeze()
    }
}

fn encode(message: &Message, connection: &Connection) -> Option<Bytes> {
    let event = OwnEvent::Mentioned { message: message.id, by: message.sender.clone() };
    let style = Style { is_extended: connection.encoder.key.is_extended, base_url: "" };
    (connection.encoder.encode_own)(&event, style).map(|text| text_frame(&[&text]))
}
