//! What the services learn from the fan-out.

use crate::domain::{EntryId, RoomId, Watermark};

/// The states of the rooms that this node follows anyway, from which polls are answered without a round trip.
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
}
