//! Floor 4: the chat APIs. A dialect translates between its document and the services; it makes no decisions and
//! touches neither Redis nor sockets.
//!
//! Imports `domain`, `service` and `edge`; never the store, the hub or another dialect. A new dialect is one folder,
//! one line in [`ALL`] and its transcripts.

pub mod chatroom;
pub mod common;
pub mod envelope;
pub mod imtypes;
pub mod messenger;
pub mod webchat;

use crate::edge::Dialect;

/// All dialects. Errors of a path have the form of the first one that owns it.
pub const ALL: [Dialect; 5] =
    [messenger::DIALECT, chatroom::DIALECT, webchat::DIALECT, imtypes::DIALECT, envelope::DIALECT];
