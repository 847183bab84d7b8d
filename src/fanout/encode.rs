//! Encoding: what a dialect makes of an event, once for all connections that want it alike.

use bytes::Bytes;

use crate::domain::{RoomEvent, UserId};
use crate::websocket::text_frame;

/// How a connection wants its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameKey {
    /// The dialect.
    pub dialect: &'static str,
    /// Whether the connection asked for what the document does not have.
    pub is_extended: bool,
}

/// What an encoder needs to know besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Whether the connection asked for what the document does not have.
    pub is_extended: bool,
    /// Put before paths of ours; empty to leave them as they are.
    pub base_url: &'a str,
}

/// A dialect's way to print an event. Called once per event and [`FrameKey`], however many connections.
#[derive(Clone, Copy)]
pub struct Encoder {
    /// Connections with an equal key get equal frames.
    pub key: FrameKey,
    /// Prints an event; `None` when this dialect does not show it.
    pub encode: fn(&RoomEvent, Style<'_>) -> Option<Frame>,
}

/// The text of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The same for all.
    Same(String),
    /// With the viewer's number between two parts, and other words behind it for one viewer.
    PerViewer {
        /// Before the number.
        before: String,
        /// Behind it.
        after: String,
        /// Behind it for this viewer.
        own: Option<(UserId, String)>,
    },
}

/// A frame that is ready to be written, or nearly.
pub(super) enum ReadyFrame {
    Same(Bytes),
    PerViewer { before: String, after: String, own: Option<(UserId, String)> },
}

impl ReadyFrame {
    pub(super) fn new(frame: Frame) -> Self {
        match frame {
            Frame::Same(text) => Self::Same(text_frame(&[&text])),
            Frame::PerViewer { before, after, own } => Self::PerViewer { before, after, own },
        }
    }

    /// The bytes for a viewer.
    pub(super) fn for_viewer(&self, viewer: UserId) -> Bytes {
        match self {
            Self::Same(bytes) => bytes.clone(),
            Self::PerViewer { before, after, own } => {
                let after = own.as_ref().filter(|(user, _)| *user == viewer).map_or(after, |(_, after)| after);
                text_frame(&[before, &viewer.to_string(), after])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_has_a_frame_of_their_own() {
        let own = Some((UserId(7), "!".to_owned()));
        let frame = ReadyFrame::new(Frame::PerViewer { before: "<".to_owned(), after: ">".to_owned(), own });
        assert_eq!(&frame.for_viewer(UserId(12))[..], b"\x81\x04<12>");
        assert_eq!(&frame.for_viewer(UserId(7))[..], b"\x81\x03<7!");
    }
}
