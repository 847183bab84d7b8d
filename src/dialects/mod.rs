//! Floor 4: the chat APIs. An adapter translates; it never decides, waits on Redis, stores or writes a socket.
//!
//! Imports `domain`, `service`'s types and `edge`; never the store, the hub or another dialect. A new dialect
//! is one folder, one line in [`ALL`] and its transcripts.

pub mod chatroom;
pub mod common;
pub mod envelope;
pub mod imtypes;
pub mod messenger;
pub mod webchat;

use crate::edge::Dialect;

/// Every dialect. The first that owns a path answers for it.
pub const ALL: [Dialect; 5] =
    [messenger::DIALECT, chatroom::DIALECT, webchat::DIALECT, imtypes::DIALECT, envelope::DIALECT];
