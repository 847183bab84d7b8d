//! Encoding of events: once per dialect and style, for all connections that share them.

use bytes::Bytes;

use crate::domain::{OwnEvent, RoomEvent, UserId};
use crate::websocket::text_frame;

/// Identifies connections that receive equal frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameKey {
    /// The dialect.
    pub dialect: &'static str,
    /// Whether the connection asked for the extensions of its dialect.
    pub is_extended: bool,
}

/// The parameters of an encoding.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Whether the connection asked for the extensions of its dialect.
    pub is_extended: bool,
    /// Prefix of the server's own paths; empty to leave them relative.
    pub base_url: &'a str,
}

/// A dialect's encoder. Called once per event and [`FrameKey`], for any number of connections.
#[derive(Clone, Copy)]
pub struct Encoder {
    /// Connections with equal keys receive equal frames.
    pub key: FrameKey,
    /// Encodes an event; `None` when the dialect does not show it.
    pub encode: fn(&RoomEvent, Style<'_>) -> Option<Frame>,
    /// Encodes an event of the connection's own user; `None` when the dialect does not show it.
    pub encode_own: fn(&OwnEvent, Style<'_>) -> Option<String>,
}

/// The text of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The same text for all viewers.
    Same(String),
    /// Text that contains the viewer's id. For one viewer the part after the id differs.
    PerViewer {
        /// Text before the id.
        before: String,
        /// Text after the id.
        after: String,
        /// A viewer, and the text after the id for that viewer.
        own: Option<(UserId, String)>,
    },
}

/// A [`Frame`] as bytes, as far as it is the same for all viewers.
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

    /// Returns the frame for a viewer.
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
    fn a_frame_is_completed_for_its_viewer() {
        let own = Some((UserId(7), "!".to_owned()));
        let frame = ReadyFrame::new(Frame::PerViewer { before: "<".to_owned(), after: ">".to_owned(), own });
        assert_eq!(&frame.for_viewer(UserId(12))[..], b"\x81\x04<12>");
        assert_eq!(&frame.for_viewer(UserId(7))[..], b"\x81\x03<7!");
    }
}
