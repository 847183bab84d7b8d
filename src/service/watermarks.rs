//! What the services learn from the fan-out.

use std::sync::Arc;

use crate::domain::{EntryId, HistoryPage, HistoryQuery, RecentMessages, RoomId, Watermark};

/// The states and the newest messages of the rooms that this node follows anyway, from which polls and histories are
/// answered without reading the messages, or anything at all, from Redis.
///
/// A trait, because the services and the fan-out must not know each other: the node passes the fan-out to the services
/// when it starts.
pub trait Watermarks: Send + Sync {
    /// The state of a public room, if it is followed. Asking keeps the room followed.
    fn watermark(&self, room: RoomId) -> Option<Watermark>;

    /// The last message that this node has seen in a room that it follows. Redis may have lost it since.
    fn seen(&self, room: RoomId) -> Option<EntryId>;

    /// Starts to follow a room, so that later polls find its state.
    fn follow(&self, room: RoomId);

    /// The newest messages of a room that is followed, if they are kept. Redis may be further.
    fn recent(&self, room: RoomId) -> Option<Arc<RecentMessages>>;

    /// Keeps the newest messages of a room that is followed, if this page has them.
    fn keep(&self, query: &HistoryQuery, page: &HistoryPage);
}
